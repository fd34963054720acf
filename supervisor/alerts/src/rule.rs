//! Rules as plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::filter::Filter;
use crate::threshold::Threshold;

/// When somebody is to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, by which alerts are known.
    pub name: String,
    /// Why it matters, for whoever gets the alert.
    pub reason: Option<String>,
    /// How much it matters.
    pub severity: Severity,
    /// Which events it is about.
    pub filter: Filter,
    /// When they are worth an alert.
    pub when: Condition,
    /// Which of them belong together.
    pub group_by: GroupBy,
    /// For how long a group is not told of again; what happens meanwhile is counted ([`crate::Alert::suppressed`]).
    pub quiet: Duration,
}

/// When events are worth an alert.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Each of them is.
    Any,
    /// Many in a short time are.
    MoreThan(Threshold),
    /// One with a value that no event of the group had before is.
    FirstSeen(Field),
}

/// The field of which values are remembered. An event without it is nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The host.
    Host,
    /// The tool; of a denial, the first one in flight.
    Tool,
    /// The program.
    Program,
}

impl Field {
    pub(crate) fn of<'a>(self, event: &Event<'a>) -> Option<&'a str> {
        match self {
            Self::Host => event.host,
            Self::Tool => event.tools().next(),
            Self::Program => event.program,
        }
    }
}

/// Which events belong together. Events without the field are one group, whose key is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// All of them.
    #[default]
    None,
    /// Those of a session.
    Session,
    /// Those of a server, by its name.
    Server,
    /// Those of a tool; of a denial, the first one in flight.
    Tool,
    /// Those of a caller.
    Caller,
}

impl GroupBy {
    /// The name of the field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Session => "session",
            Self::Server => "server",
            Self::Tool => "tool",
            Self::Caller => "caller",
        }
    }

    pub(crate) fn key<'a>(self, event: &Event<'a>) -> &'a str {
        match self {
            Self::None => "",
            Self::Session => event.session,
            Self::Server => event.server,
            Self::Tool => event.tools().next().unwrap_or_default(),
            Self::Caller => event.caller.unwrap_or_default(),
        }
    }
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To be read some day.
    Info,
    /// To be looked at.
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
