//! What an alert tells, of whom, and what is asked for.

use serde::Serialize;

use crate::clock::Millis;
use crate::rule::GroupBy;

/// What an alert tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The rule's condition holds.
    Matched,
    /// There were too many groups, and some had to go that could have alerted; [`crate::Alert::group`] is the last of them.
    GroupsDropped,
    /// The group knows as many values as it can. A value that is new from here on is not told.
    ValuesFull,
}

/// A group by its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupKey {
    /// What it was made by.
    pub by: GroupBy,
    /// The session, server, tool or caller; if it is long, its beginning and a hash.
    pub key: String,
}

/// A lock-out that a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LockOut {
    /// The group is locked out before this time, on the clock of [`crate::Watch::event`].
    pub until: Millis,
}
