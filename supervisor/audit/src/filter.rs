//! Which records a reader wants.

use jiff::Timestamp;

use crate::body::Body;
use crate::record::Record;

/// Which records a reader wants. All conditions must hold; the default wants all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only sessions whose name starts with this.
    pub session: Option<String>,
    /// Only records that name the policy of this revision: its hash, or the hash's beginning.
    pub revision: Option<String>,
    /// Only this event, by its name in the log ([`Body::EVENTS`]).
    pub event: Option<String>,
    /// Only what concerns this tool: calls, results, and denials while a call of it was in flight.
    pub tool: Option<String>,
    /// Only from this instant on.
    pub since: Option<Timestamp>,
    /// All, or only what was refused.
    pub selection: Selection,
}

/// All records, or only what was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All records.
    #[default]
    All,
    /// [`Body::is_denial`].
    Denials,
}

impl Filter {
    /// Whether the record is wanted.
    pub fn admits(&self, record: &Record) -> bool {
        let Self { session, revision, event, tool, since, selection } = self;
        session.as_ref().is_none_or(|session| record.session.as_str().starts_with(session.as_str()))
            && revision.as_ref().is_none_or(|revision| names(record, revision))
            && event.as_ref().is_none_or(|event| record.body.event() == event)
            && tool.as_ref().is_none_or(|tool| concerns(&record.body, tool))
            && since.is_none_or(|since| record.time >= since)
            && (*selection == Selection::All || record.body.is_denial())
    }
}

fn names(record: &Record, revision: &str) -> bool {
    record.revision.is_some_and(|named| named.begins_with(revision))
}

fn concerns(body: &Body, tool: &str) -> bool {
    match body {
        Body::ToolCall(call) => call.tool == tool,
        Body::ToolResult(result) => result.tool == tool,
        _ => body.denial().is_some_and(|denial| denial.calls.iter().any(|call| call.tool == tool)),
    }
}
