//! The chosen session: what it is, how it went, what it was refused.

use std::collections::VecDeque;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Sparkline, Widget};

use super::super::super::ps;
use super::super::columns::command;
use super::super::figures::{bytes, rate};
use super::super::model::Model;
use super::super::sample::{Session, Tally};
use super::super::trends::Row;
use super::put;
use super::theme::Theme;

/// Columns of what stands before each line.
const LABELS: u16 = 9;
/// Columns of the figure before a sparkline.
const FIGURE: u16 = 7;
/// A tenth of a processor, in tenths of a percent: the least that the whole height of a sparkline stands for.
const TENTH_OF_PROCESSOR: u64 = 100;

pub(super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let Some(row) = model.selected().filter(|_| area.height > 0) else { return };
    let mut pane = Pane { theme, area, buffer, line: 0 };
    pane.title(&row.session);
    pane.labelled("command", &command(&row.session.command));
    pane.labelled("policy", &format!("{}, revision {}", row.session.policy, row.session.revision));
    pane.labelled("log", &row.session.audit);
    pane.labelled("running", &running(row.session.tally.as_ref(), model.trends.at()));
    let cpu = row.cpu.map_or_else(|| "-".to_owned(), |percent| format!("{}%", rate(percent)));
    pane.sparkline("cpu", &cpu, &row.cpu_history, TENTH_OF_PROCESSOR, theme.going());
    let denials = row.denial_rate.map_or_else(|| "-".to_owned(), |number| format!("{}/s", rate(number)));
    pane.sparkline("denied", &denials, &row.denial_history, 1, theme.refused());
    pane.denials(row);
}

/// The calls at the server, the oldest first.
fn running(tally: Option<&Tally>, now: Option<Timestamp>) -> String {
    let Some(tally) = tally else { return "?".to_owned() };
    if tally.running.is_empty() {
        return "no call".to_owned();
    }
    let age =
        |since: Timestamp| ps::age(now.unwrap_or(since).duration_since(since).try_into().unwrap_or_default());
    let calls =
        tally.running.iter().take(20).map(|(call, tool, since)| format!("{tool}[{call}] {}", age(*since)));
    calls.collect::<Vec<_>>().join(", ")
}

/// The place, line by line.
struct Pane<'a> {
    theme: Theme,
    area: Rect,
    buffer: &'a mut Buffer,
    line: u16,
}

impl Pane<'_> {
    fn title(&mut self, session: &Session) {
        let Session { name, pid, user, uid, state, age, processes, memory, .. } = session;
        let (state, age, memory) = (state.word(), ps::age(*age), bytes(*memory));
        let plural = if *processes == 1 { "" } else { "es" };
        let title = format!(
            "─ {name}  pid {pid}  {user} ({uid})  {state} {age}  {processes} process{plural} {memory} "
        );
        let rule = "─".repeat(self.area.width.into());
        put(self.buffer, self.area, (0, 0), &rule, usize::MAX, Style::new());
        put(self.buffer, self.area, (0, 0), &title, usize::MAX, self.theme.strong());
        self.line += 1;
    }

    fn label(&mut self, label: &str) {
        put(self.buffer, self.area, (1, self.line), label, usize::MAX, self.theme.strong());
    }

    fn labelled(&mut self, label: &str, text: &str) {
        self.label(label);
        put(self.buffer, self.area, (LABELS, self.line), text, usize::MAX, Style::new());
        self.line += 1;
    }

    /// A figure and how it became so; the last value stands to the right.
    fn sparkline(&mut self, label: &str, figure: &str, history: &VecDeque<u64>, least: u64, style: Style) {
        self.label(label);
        put(self.buffer, self.area, (LABELS, self.line), figure, FIGURE.into(), Style::new());
        let x = LABELS + FIGURE + 1;
        let place = Rect {
            x: self.area.x + x,
            y: self.area.y + self.line,
            width: self.area.width.saturating_sub(x),
            height: 1,
        };
        let place = place.intersection(self.area);
        let data: Vec<u64> = history.iter().rev().take(place.width.into()).rev().copied().collect();
        let most = data.iter().copied().max().unwrap_or(0).max(least);
        if !place.is_empty() {
            Sparkline::default().data(data).max(most).style(style).render(place, self.buffer);
        }
        self.line += 1;
    }

    /// As many of the last refusals as there are lines for, the last one last.
    fn denials(&mut self, row: &Row) {
        let Some(tally) = &row.session.tally else {
            return self.labelled("refused", "its audit log cannot be read, or not by you");
        };
        let left = self.area.height.saturating_sub(self.line).into();
        let first = tally.last.len().saturating_sub(left);
        self.label(if tally.last.is_empty() { "" } else { "refused" });
        for line in tally.last.iter().skip(first) {
            put(self.buffer, self.area, (LABELS, self.line), line, usize::MAX, self.theme.refused());
            self.line += 1;
        }
    }
}
