//! The last line: what became of the last deed, a question, a text that is typed, or the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::model::{Mode, Model};
use super::theme::Theme;
use super::{parts, put};

/// The keys that are worth a place, the most important first.
const HINTS: [&str; 9] =
    ["q quit", "? keys", "k kill", "f freeze", "t thaw", "/ filter", "u user", "< > sort", "r reverse"];

pub(super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let mut say = |text: &str, style: Style| {
        put(buffer, area, (0, 0), text, usize::MAX, style);
    };
    match (&model.mode, &model.notice) {
        (Mode::Confirm(target), _) => {
            // The question comes first: a long name must not push it off the screen.
            say(&format!("kill? y/n: pid {}, {}", target.pid, target.shown()), theme.asking());
        }
        (Mode::Filter(_), _) => {
            say(&format!("filter: {}_  Enter keeps it, Esc takes it back", model.filter), theme.asking())
        }
        (Mode::User(_), _) => {
            say(&format!("user: {}_  Enter keeps it, Esc takes it back", model.user), theme.asking())
        }
        (Mode::Help, _) => say("any key: back", theme.asking()),
        (Mode::Table, Some(notice)) => say(&notice.text, theme.notice(notice.is_failure)),
        (Mode::Table, None) => parts(buffer, area, &hints(model, theme)),
    }
}

fn hints(model: &Model, theme: Theme) -> Vec<(String, Style)> {
    let filters = [("/", &model.filter), ("user ", &model.user)];
    let filters = filters.into_iter().filter(|(_, text)| !text.is_empty());
    let filters = filters.map(|(word, text)| (format!("[{word}{text}]"), theme.strong()));
    filters.chain(HINTS.map(|hint| (hint.to_owned(), Style::new()))).collect()
}
