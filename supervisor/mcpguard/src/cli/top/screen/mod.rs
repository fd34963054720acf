//! The screen, from the top down: two lines about the machine and all sessions, the table, the chosen session, the keys.
//!
//! ```text
//! ┌ head ───────────────────┐
//! ├ table ──────────────────┤   columns by their importance, rows around the chosen one
//! ├ detail ─────────────────┤   where there are sixteen lines or more
//! └ foot ───────────────────┘   keys, a question, what became of it
//! ```
//! It fits any size, if only by leaving out.

mod detail;
mod foot;
mod head;
mod help;
mod table;
mod text;
mod theme;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) use theme::Theme;

use super::model::{Mode, Model};

/// Lines from which on the chosen session has a place of its own.
const TALL: u16 = 16;
/// Lines of that place at most.
const MOST_DETAIL: u16 = 20;

/// Draws all of it.
pub(super) fn draw(model: &mut Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let areas = Areas::of(area);
    model.fit(areas.table.height.saturating_sub(1).into());
    head::draw(model, theme, areas.head, buffer);
    if model.mode == Mode::Help {
        help::draw(theme, areas.table.union(areas.detail), buffer);
    } else {
        table::draw(model, theme, areas.table, buffer);
        detail::draw(model, theme, areas.detail, buffer);
    }
    foot::draw(model, theme, areas.foot, buffer);
}

/// Who has which lines.
struct Areas {
    head: Rect,
    table: Rect,
    detail: Rect,
    foot: Rect,
}

impl Areas {
    fn of(area: Rect) -> Self {
        let lines = area.height;
        let head = match lines {
            0..6 => 0,
            6..10 => 1,
            _ => 2,
        };
        let foot = u16::from(lines > 1);
        let rest = lines - head - foot;
        let detail = if lines < TALL { 0 } else { (rest * 9 / 20).min(MOST_DETAIL) };
        let mut y = area.y;
        let mut next = |height: u16| {
            let part = Rect { y, height, ..area };
            y += height;
            part
        };
        Self { head: next(head), table: next(rest - detail), detail: next(detail), foot: next(foot) }
    }
}

/// Writes a text that others wrote at a column of an area's line, on so many columns at most; how many it took. What lies
/// outside of the area is left out.
fn put(buffer: &mut Buffer, area: Rect, (x, y): (u16, u16), text: &str, most: usize, style: Style) -> u16 {
    let left = area.width.saturating_sub(x).into();
    if y >= area.height || left == 0 {
        return 0;
    }
    let shown = text::fit(text, most.min(left));
    let begin = area.x + x;
    let (end, _) = buffer.set_stringn(begin, area.y + y, &shown, left, style);
    end - begin
}

/// Writes parts from the left with two columns between them, as many as fit whole.
fn parts(buffer: &mut Buffer, area: Rect, parts: &[(String, Style)]) {
    let mut x = 0;
    for (part, style) in parts {
        let shown = text::fit(part, usize::MAX / 8);
        if usize::from(x) + text::columns(&shown) > area.width.into() && x > 0 {
            return;
        }
        x += put(buffer, area, (x, 0), &shown, usize::MAX / 8, *style) + 2;
    }
}
