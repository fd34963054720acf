//! What an operator sees: sessions, and the daemon itself.

use serde::{Deserialize, Serialize};

use super::Actor;
use crate::handshake::Build;
use crate::name::{SessionId, SessionName};

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The session.
    pub session: SessionId,
    /// Its name.
    pub name: SessionName,
    /// Its user.
    pub uid: u32,
    /// The supervisor's process.
    pub supervisor: u32,
    /// The name of its policy.
    pub policy: String,
    /// SHA-256 in hex over the policy's texts.
    pub revision: String,
    /// Whether it runs.
    pub state: State,
    /// Since it was opened, in milliseconds.
    pub age_ms: u64,
    /// Tool calls that were admitted.
    pub calls: u64,
    /// Attempts that the kernel denied.
    pub denials: u64,
    /// Memory, in bytes; absent where the host does not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processor time since its start, in microseconds; absent where the host does not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<u64>,
    /// Processes and threads; absent where the host does not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}

/// Whether a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is opened, and its server not started.
    Opening,
    /// It runs.
    Running,
    /// It stands still; by whom.
    Frozen(Actor),
    /// It is being ended.
    Ending,
    /// Its supervisor is gone: it is denied everything.
    Orphaned,
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its build.
    pub build: Build,
    /// Its process.
    pub process: u32,
    /// Since it was started, in milliseconds.
    pub age_ms: u64,
    /// Sessions.
    pub sessions: u64,
    /// Connections, this one included.
    pub connections: u64,
    /// Denials that nobody could be told of, since it was started.
    pub dropped: u64,
    /// How its programs stand on the kernel's security hooks.
    pub hooks: Hooks,
    /// Whether its programs decide about packets.
    pub network: bool,
}

/// What the daemon enforces for a session that it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// How its programs stand on the kernel's security hooks.
    pub hooks: Hooks,
    /// Why they do not, where they do not: a sentence without its full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks_missing: Option<String>,
    /// Whether its programs decide about packets.
    pub network: bool,
    /// Why they do not, where they do not: a sentence without its full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_missing: Option<String>,
    /// Whether a session has a control group of its own, which can be frozen and killed.
    pub group: bool,
    /// Whether its memory is limited.
    pub memory: bool,
    /// Whether its share of processors is limited.
    pub cpu: bool,
    /// Whether its processes and threads are limited.
    pub processes: bool,
    /// Why something of this is missing, where it is: a sentence without its full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_missing: Option<String>,
}

/// How eBPF programs stand on the kernel's security hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hooks {
    /// As a security module of their own.
    Lsm,
    /// Before the security modules.
    FmodRet,
    /// Not at all.
    Absent,
    /// A word of a newer daemon.
    #[serde(other)]
    Unknown,
}
