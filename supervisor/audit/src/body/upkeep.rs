//! The log about itself: losses, rotation, recovery.

use serde::{Deserialize, Serialize};

use crate::chain::Digest;
use crate::redact::redact_fields;

/// Facts that could not be written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// Which.
    pub kind: LostKind,
    /// Why, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

redact_fields!(Lost { text: [reason], plain: [count, kind] });

/// What was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostKind {
    /// Records that could not be written to this log since the last one that could.
    Records,
    /// Refused messages of a peer that sent them faster than they are written down.
    Refusals,
    /// Reports of denied system calls that were not received.
    SyscallReports,
    /// Events of the kernel that were not received.
    KernelEvents,
    /// Records that are in this log and did not reach one of its sinks (journald, syslog, OTLP).
    SinkRecords,
    /// Alerts of which somebody was not told as the policy asks.
    Alerts,
}

/// This file carries on the chain of another one. Always the first record of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotated {
    /// The name of the file with the record before this one, in the same directory, if it was kept and is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Why.
    pub reason: RotationReason,
    /// Names of older files that were removed just before, as `keep` demands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

redact_fields!(Rotated { text: [], plain: [from, reason, removed] });

/// Why a new file was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationReason {
    /// The old one reached its size.
    Size,
    /// The old one reached its age.
    Age,
    /// The old one was moved or removed by someone else while the session ran.
    Moved,
}

/// The file did not end with a whole record. What stood there stays, and is named here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    /// Bytes between the last whole record and the newline before this one; 0 if nothing but that newline was absent.
    pub bytes: u64,
    /// Newlines among them. None is what a crash leaves; more means that whole lines are damaged.
    pub newlines: u64,
    /// SHA-256 over them.
    pub sha256: Digest,
}

redact_fields!(Recovered { text: [], plain: [bytes, newlines, sha256] });

/// The file's last line was not whole, and was cut off: what a crash or a loss of power leaves. Only the host's log does
/// this, and only with bytes in which no line ends; others stay and are named by [`Recovered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repaired {
    /// Bytes that were cut off, at least 1.
    pub bytes: u64,
    /// SHA-256 over them.
    pub sha256: Digest,
}

redact_fields!(Repaired { text: [], plain: [bytes, sha256] });
