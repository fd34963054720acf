//! Why the daemon does not do what it was asked.

use serde::{Deserialize, Serialize};

/// A refusal: a code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// What was wrong, and what would make it right.
    pub sentence: String,
    /// More, where there is more: every problem of a policy, one each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The bytes are not this protocol, or a message is out of order. The connection is closed.
    Protocol,
    /// The user may not do this.
    NotAllowed,
    /// The policy has errors.
    Policy,
    /// A rule of the host forbids what the policy asks for.
    HostRules,
    /// The host cannot enforce what the policy requires.
    NotEnforceable,
    /// The process that was brought is gone, or is not what it must be.
    Process,
    /// There is no such session, or several.
    NoSuchSession,
    /// As many sessions, connections or requests as may be.
    Limit,
    /// The session knows as many addresses as it may.
    Full,
    /// The kernel refused.
    Kernel,
    /// More was denied than could be told until now; it is told as soon as it can be.
    Behind,
    /// The session is being ended.
    Ending,
    /// The daemon is being stopped.
    Stopping,
    /// An error of the daemon's own.
    Internal,
    /// A word of a newer daemon: the sentence says it.
    #[serde(other)]
    Unknown,
}
