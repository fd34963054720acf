//! Audit: what is written down, and what happens when it cannot be.

use super::AbsolutePath;

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlan {
    /// How much of a call's arguments is written down.
    pub arguments: ArgumentDetail,
    /// What happens when a record cannot be written.
    pub on_failure: AuditFailure,
    /// The log file; the user's state directory if absent.
    pub path: Option<AbsolutePath>,
    /// Bytes after which the file is rotated. Default 64 MiB.
    pub max_bytes: u64,
    /// Rotated files that are kept. Default 8.
    pub keep: u32,
}

/// How much of a call's arguments is written down. Secrets never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentDetail {
    /// Nothing but their size.
    None,
    /// Their names and types.
    Names,
    /// Their values, long ones cut, secrets replaced.
    #[default]
    Redacted,
}

/// What happens when a record cannot be written (full disk, removed directory).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditFailure {
    /// The session is stopped.
    #[default]
    Stop,
    /// The session goes on; the loss is counted, said on stderr and recorded as soon as records can be written again.
    Continue,
}
