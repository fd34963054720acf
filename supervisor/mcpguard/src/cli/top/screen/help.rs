//! The list of keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keys::KEYS;
use super::put;
use super::theme::Theme;

/// Columns of the keys.
const WIDTH: u16 = 18;

pub(super) fn draw(theme: Theme, area: Rect, buffer: &mut Buffer) {
    for (line, (keys, what)) in (1..).zip(KEYS) {
        put(buffer, area, (1, line), keys, WIDTH.into(), theme.strong());
        put(buffer, area, (1 + WIDTH, line), what, usize::MAX, Style::new());
    }
}
