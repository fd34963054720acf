//! The columns of the table: what each is called, holds, and how wide it is.

use std::borrow::Cow;
use std::cmp::Ordering;

use clap::ValueEnum;

use super::super::ps;
use super::figures::{bytes, count, rate, spent};
use super::trends::Row;

/// A column, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Column {
    Session,
    Pid,
    User,
    Policy,
    Age,
    State,
    Calls,
    /// Calls in a second
    CallRate,
    /// Calls at the server
    Busy,
    Denied,
    /// Refusals in a second
    DenialRate,
    Processes,
    /// Percent of one processor
    Cpu,
    /// Processor time
    Time,
    Memory,
    Command,
}

/// What is said of a column in one place.
struct Facts {
    head: &'static str,
    /// Columns of the terminal that it has at least.
    width: u16,
    /// And at most, if it is widened.
    most: u16,
    /// Numbers stand to the right, and the largest come first.
    is_number: bool,
}

impl Column {
    /// All of them, in order.
    pub(super) const ALL: [Self; 16] = [
        Self::Session,
        Self::Pid,
        Self::User,
        Self::Policy,
        Self::Age,
        Self::State,
        Self::Calls,
        Self::CallRate,
        Self::Busy,
        Self::Denied,
        Self::DenialRate,
        Self::Processes,
        Self::Cpu,
        Self::Time,
        Self::Memory,
        Self::Command,
    ];

    /// The same, the most important first: a narrow screen leaves out the last ones.
    pub(super) const BY_IMPORTANCE: [Self; 16] = [
        Self::Session,
        Self::State,
        Self::Policy,
        Self::Denied,
        Self::Calls,
        Self::Cpu,
        Self::Memory,
        Self::CallRate,
        Self::DenialRate,
        Self::User,
        Self::Command,
        Self::Age,
        Self::Pid,
        Self::Busy,
        Self::Processes,
        Self::Time,
    ];

    fn facts(self) -> Facts {
        let text = |head, width, most| Facts { head, width, most, is_number: false };
        let number = |head, width| Facts { head, width, most: width, is_number: true };
        match self {
            Self::Session => text("SESSION", 8, 8),
            Self::Pid => number("PID", 7),
            Self::User => text("USER", 6, 16),
            Self::Policy => text("POLICY", 8, 24),
            Self::Age => number("AGE", 6),
            Self::State => text("STATE", 7, 7),
            Self::Calls => number("CALLS", 6),
            Self::CallRate => number("CALL/S", 7),
            Self::Busy => number("BUSY", 5),
            Self::Denied => number("DENIED", 7),
            Self::DenialRate => number("DENY/S", 7),
            Self::Processes => number("PROCS", 6),
            Self::Cpu => number("CPU%", 6),
            Self::Time => number("TIME", 7),
            Self::Memory => number("MEMORY", 7),
            Self::Command => text("COMMAND", 12, u16::MAX),
        }
    }

    pub(super) fn head(self) -> &'static str {
        self.facts().head
    }

    /// Columns of the terminal that it has at least.
    pub(super) fn width(self) -> u16 {
        self.facts().width
    }

    /// Columns of the terminal that more than [`Self::width`] are of use up to.
    pub(super) fn most(self) -> u16 {
        self.facts().most
    }

    /// Whether it holds numbers.
    pub(super) fn is_number(self) -> bool {
        self.facts().is_number
    }

    /// What stands in it; `?` for what cannot be known, `-` for a rate before the second sample. Not cleaned.
    pub(super) fn cell(self, row: &Row) -> Cow<'_, str> {
        let session = &row.session;
        let tally = session.tally.as_ref();
        let known = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), count);
        let rated = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), rate);
        let told = |number: Option<f64>| if tally.is_none() { "?".to_owned() } else { rated(number) };
        Cow::Owned(match self {
            Self::Session => session.name.chars().take(8).collect(),
            Self::User => return Cow::Borrowed(&session.user),
            Self::Policy => return Cow::Borrowed(&session.policy),
            Self::State => return Cow::Borrowed(session.state.word()),
            Self::Command => command(&session.command),
            Self::Pid => session.pid.to_string(),
            Self::Age => ps::age(session.age),
            Self::Calls => known(tally.map(|tally| tally.calls)),
            Self::CallRate => told(row.call_rate),
            Self::Busy => known(tally.map(|tally| tally.running.len() as u64)),
            Self::Denied => known(tally.map(|tally| tally.denials)),
            Self::DenialRate => told(row.denial_rate),
            Self::Processes => count(session.processes),
            Self::Cpu => rated(row.cpu),
            Self::Time => spent(session.cpu),
            Self::Memory => bytes(session.memory),
        })
    }

    /// How two rows stand to each other in this column, ascending; what is not known is the least.
    pub(super) fn compare(self, one: &Row, other: &Row) -> Ordering {
        let (a, b) = (&one.session, &other.session);
        let rates = |a: Option<f64>, b: Option<f64>| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0));
        let (told, too) = (a.tally.as_ref(), b.tally.as_ref());
        match self {
            Self::Session => a.name.cmp(&b.name),
            Self::Pid => a.pid.cmp(&b.pid),
            Self::User => a.user.cmp(&b.user),
            Self::Policy => a.policy.cmp(&b.policy),
            Self::Age => a.age.cmp(&b.age),
            Self::State => a.state.cmp(&b.state),
            Self::Calls => told.map(|tally| tally.calls).cmp(&too.map(|tally| tally.calls)),
            Self::CallRate => rates(one.call_rate, other.call_rate),
            Self::Busy => told.map(|tally| tally.running.len()).cmp(&too.map(|tally| tally.running.len())),
            Self::Denied => told.map(|tally| tally.denials).cmp(&too.map(|tally| tally.denials)),
            Self::DenialRate => rates(one.denial_rate, other.denial_rate),
            Self::Processes => a.processes.cmp(&b.processes),
            Self::Cpu => rates(one.cpu, other.cpu),
            Self::Time => a.cpu.cmp(&b.cpu),
            Self::Memory => a.memory.cmp(&b.memory),
            Self::Command => a.command.cmp(&b.command),
        }
    }

    /// The column so many places to the right (or left), round and round.
    pub(super) fn beside(self, places: isize) -> Self {
        let at = Self::ALL.iter().position(|column| *column == self).unwrap_or(0);
        Self::ALL[(at as isize + places).rem_euclid(Self::ALL.len() as isize) as usize]
    }
}

/// The command line; of a very long one its beginning, which is more than any screen shows.
pub(super) fn command(words: &[String]) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(1024));
        if line.len() > 1024 {
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_its_importance_and_room_for_its_head() {
        for (place, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column as usize, place);
            assert!(Column::BY_IMPORTANCE.contains(&column), "{column:?}");
            assert!(column.head().len() <= column.width().into(), "{column:?}");
            assert_eq!(column.beside(1).beside(-1), column);
        }
        assert_eq!(Column::Command.beside(1), Column::Session);
    }

    #[test]
    fn a_long_command_is_not_walked_to_its_end() {
        let long = vec!["x".repeat(100_000), "y".to_owned()];
        assert_eq!(command(&long), "x".repeat(1024) + " y");
        assert_eq!(command(&["node".to_owned(), "a b".to_owned()]), "node a b");
    }
}
