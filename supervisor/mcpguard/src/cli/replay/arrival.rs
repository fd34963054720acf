//! A call that is written down later than it arrived.

use std::time::Duration;

use audit::{Body, Record};
use jiff::Timestamp;

/// A call that is told before its place in the log.
pub(super) struct Arrival {
    pub(super) record: Record,
    pub(super) at: Timestamp,
    /// What came of its waiting.
    pub(super) waited: Waited,
}

/// What came of a call that waited for an exclusive one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Its turn came, and it took so long.
    Ran(Duration),
    /// Its turn came, and its time was up before it was answered.
    RanOut,
    /// Its time was up before its turn came.
    InVain,
}

/// The number of a call that went through: one that was refused has none.
pub(super) fn number(record: &Record) -> Option<u64> {
    match &record.body {
        Body::ToolCall(call) => Some(call.call).filter(|number| *number > 0),
        _ => None,
    }
}
