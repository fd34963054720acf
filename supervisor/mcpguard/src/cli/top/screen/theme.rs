//! Looks. Without colour everything is told by words, bold and reverse video alone.

use ratatui::style::{Color, Modifier, Style};

use super::super::sample::State;
use super::super::trends::Row;

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Theme {
    pub(in super::super) coloured: bool,
}

impl Theme {
    fn in_colour(self, style: Style, colour: Color) -> Style {
        if self.coloured { style.fg(colour) } else { style }
    }

    /// What names something.
    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The heads of the columns.
    pub(super) fn heads(self) -> Style {
        self.strong().add_modifier(Modifier::UNDERLINED)
    }

    /// The row that is chosen.
    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A session's row: what is being refused stands out, and what stands still.
    pub(super) fn row(self, row: &Row) -> Style {
        let refused = row.denial_rate.is_some_and(|rate| rate > 0.0);
        match row.session.state {
            _ if refused => self.in_colour(self.strong(), Color::Red),
            State::Frozen => self.in_colour(Style::new(), Color::Cyan),
            State::Running => Style::new(),
        }
    }

    /// What is refused.
    pub(super) fn refused(self) -> Style {
        self.in_colour(Style::new(), Color::Red)
    }

    /// What goes on.
    pub(super) fn going(self) -> Style {
        self.in_colour(Style::new(), Color::Green)
    }

    /// A question or a text that is being typed.
    pub(super) fn asking(self) -> Style {
        self.in_colour(self.strong().add_modifier(Modifier::REVERSED), Color::Yellow)
    }

    /// What became of something.
    pub(super) fn notice(self, is_failure: bool) -> Style {
        if is_failure { self.in_colour(self.strong(), Color::Red) } else { self.strong() }
    }
}
