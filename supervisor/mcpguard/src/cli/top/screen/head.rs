//! Two lines about the machine, and about all sessions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::figures::{bytes, count, rate};
use super::super::model::Model;
use super::super::trends::Totals;
use super::theme::Theme;
use super::{parts, text};

/// The widest name of a machine.
const NAME: usize = 24;

pub(super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let [mut first, mut second] = [area; 2];
    (first.height, second.height) = (area.height.min(1), area.height.saturating_sub(1));
    second.y += first.height;
    parts(buffer, first, &machine(model, theme));
    parts(buffer, second, &sessions(model, theme));
}

fn machine(model: &Model, theme: Theme) -> Vec<(String, Style)> {
    let machine = &model.trends.machine;
    let plain = |text: String| (text, Style::new());
    let at = model.trends.at().map_or_else(String::new, |at| at.strftime("%H:%M:%SZ").to_string());
    let memory = machine.memory.map(|(used, all)| format!("memory {}/{}", bytes(used), bytes(all)));
    let load = machine.load.map(|[one, five, fifteen]| format!("load {one:.2} {five:.2} {fifteen:.2}"));
    let processors = format!("{} cpus", machine.processors);
    let mut parts =
        vec![("mcpguard top".to_owned(), theme.strong()), plain(text::fit(&machine.name, NAME)), plain(at)];
    parts.extend([load, memory, Some(processors)].into_iter().flatten().map(plain));
    parts
}

fn sessions(model: &Model, theme: Theme) -> Vec<(String, Style)> {
    let totals = model.trends.totals();
    let Totals { sessions, frozen, untold, calls, denials, call_rate, denial_rate, cpu, memory } = totals;
    let shown = if model.count() == sessions { String::new() } else { format!("{} of ", model.count()) };
    let plural = if sessions == 1 { "" } else { "s" };
    let still = if frozen == 0 { String::new() } else { format!(", {frozen} frozen") };
    // Not all logs may be read: then it is more than that.
    let more = if untold == 0 { "" } else { "+?" };
    let refused = if denial_rate > 0.0 { theme.notice(true) } else { Style::new() };
    vec![
        (format!("{shown}{sessions} session{plural}{still}"), theme.strong()),
        (format!("calls {}{more} {}/s", count(calls), rate(call_rate)), Style::new()),
        (format!("denied {}{more} {}/s", count(denials), rate(denial_rate)), refused),
        (format!("cpu {}%", rate(cpu)), Style::new()),
        (format!("memory {}", bytes(memory)), Style::new()),
    ]
}
