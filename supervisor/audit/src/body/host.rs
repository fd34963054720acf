//! What only the host's daemon writes down, in the log of all its sessions.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::Denial;
use crate::numbers::KernelNumbers;
use crate::record::SessionId;
use crate::redact::redact_fields;

/// The kernel denied something, as the daemon heard it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelDenial {
    /// The number that the kernel gave to the event in its session, from 1. A number that no record has is an event that
    /// was dropped.
    pub sequence: NonZeroU64,
    /// What was denied.
    pub denial: Denial,
}

redact_fields!(KernelDenial { text: [denial], plain: [sequence] });

/// Where the sessions stand that this file carries on. Follows the `rotated` record of a file of the host's log, so that
/// neither a reader nor a daemon that starts again needs the files before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// The sessions, each once.
    pub sessions: Vec<CarriedSession>,
    /// Whether the next record names more of them.
    pub more: bool,
}

redact_fields!(Carried { text: [], plain: [sessions, more] });

/// Where one session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedSession {
    /// Its name.
    pub session: SessionId,
    /// The number of its last record.
    pub seq: u64,
    /// Which of the kernel's numbers are in the log; absent if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelNumbers>,
    /// Whether it has ended.
    pub ended: bool,
}

/// Somebody did something to a session, or to the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What was done.
    pub operation: OperationKind,
    /// Who did it.
    pub by: Actor,
    /// The user id of the owner or operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Why, or what exactly, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

redact_fields!(Operation { text: [detail], plain: [operation, by, uid] });

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// The daemon has started.
    Start,
    /// The daemon stops.
    Stop,
    /// The daemon read its policies and rules again.
    Reload,
    /// The session was killed.
    Kill,
    /// The session was frozen.
    Freeze,
    /// The session was thawed.
    Thaw,
    /// The session's limits were changed.
    Limits,
    /// The session's policy is another one.
    Revise,
    /// The session was cut off and kept for examination; or no session of a policy is opened any more.
    Quarantine,
    /// Sessions of a policy that was in quarantine may be opened again.
    Release,
    /// The session was opened.
    Open,
    /// The session's supervisor came back after its connection was lost.
    Resume,
    /// Somebody was refused something.
    Refuse,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The user whose session it is.
    Owner,
    /// An operator of the host.
    Operator,
    /// The session's policy.
    Policy,
    /// The daemon itself.
    Daemon,
}
