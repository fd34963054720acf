//! Violations: what each kind leads to, and what many of them do.

use std::time::Duration;

/// What a violation leads to, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    /// A file outside of the grants.
    pub file: OnViolation,
    /// A connection outside of the grants.
    pub network: OnViolation,
    /// A program outside of the grants.
    pub exec: OnViolation,
    /// A refused tool call.
    pub tool: OnViolation,
    /// A refused system call.
    pub syscall: OnViolation,
    /// Many denials in a short time.
    pub repeated: Option<Repeated>,
}

/// The kinds of violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// A file outside of the grants.
    File,
    /// A connection outside of the grants.
    Network,
    /// A program outside of the grants.
    Exec,
    /// A refused tool call.
    Tool,
    /// A refused system call.
    Syscall,
}

/// What a violation leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnViolation {
    /// The operation fails.
    #[default]
    Deny,
    /// The operation fails and the whole session is ended.
    Kill,
}

/// The rule about repeated violations: so many denials of files, connections and programs within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// Denials, from 1.
    pub count: u32,
    /// The time in which they must fall.
    pub within: Duration,
    /// What they lead to.
    pub then: Consequence,
}

/// What repeated violations lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The session is frozen, for a person to look at.
    Freeze,
    /// The session is ended.
    Kill,
}
