//! What a record tells: one type an event. `event` names it in the log.

mod alert;
mod approval;
mod call;
mod change;
mod denial;
mod finding;
mod host;
mod pins;
mod rule;
mod session;
mod upkeep;

pub use alert::{Alert, Occasion, Severity};
pub use approval::{Approval, ApprovalState};
pub use call::{CallRef, Outcome, ToolCall, ToolResult, Verdict};
pub use change::PolicyChanged;
pub use denial::{Action, Cause, Denial, Layer, Noise, Process, Stream};
pub use finding::{Finding, FindingKind, Findings, Speaker, Treatment};
pub use host::{Actor, Carried, CarriedSession, KernelDenial, Operation, OperationKind};
pub use pins::{PinState, Pins};
pub use rule::{CoverageEntry, CoverageState, Degraded, RuleRef};
pub use session::{EndReason, Handshake, Hooks, Kernel, Policy, SessionEnd, SessionStart};
pub use upkeep::{Lost, LostKind, Recovered, Repaired, Rotated, RotationReason};

use serde::{Deserialize, Serialize};

use crate::redact::{Redact, Redactor};

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Body {
    /// A session starts; written before the server does.
    SessionStart(Box<SessionStart>),
    /// Client and server have told each other who they are.
    Handshake(Handshake),
    /// A tool is called; written before the call is passed on.
    ToolCall(ToolCall),
    /// A call has ended.
    ToolResult(ToolResult),
    /// Something other than a tool call was refused.
    Denial(Denial),
    /// A rule of the policy is not enforced on this host, and the user started the session all the same.
    Degraded(Degraded),
    /// The server wrote bytes that are not MCP where only MCP belongs.
    Noise(Noise),
    /// Facts that could not be written down, by number.
    Lost(Lost),
    /// This file carries on the chain of another one.
    Rotated(Rotated),
    /// The end of the file was not a whole record when it was opened; a crash or a change.
    Recovered(Recovered),
    /// A session ends.
    SessionEnd(SessionEnd),
    /// The kernel denied something, as the host's daemon heard it.
    KernelDenial(KernelDenial),
    /// Somebody did something to a session, or to the daemon.
    Operation(Operation),
    /// Where the sessions stand that this file of the host's log carries on.
    Carried(Carried),
    /// The file's last line was not whole when it was opened, and was cut off; a crash.
    Repaired(Repaired),
    /// The session's policy is another one from here on.
    PolicyChanged(PolicyChanged),
    /// Something was found in a text.
    Findings(Findings),
    /// A call is held for its approval, or is decided about.
    Approval(Approval),
    /// The server was remembered, or is not what it was.
    Pins(Pins),
    /// An alert rule of the policy found something.
    Alert(Alert),
}

impl Body {
    /// The names of all events, as they stand in the log.
    pub const EVENTS: [&str; 20] = [
        "session_start",
        "handshake",
        "tool_call",
        "tool_result",
        "denial",
        "degraded",
        "noise",
        "lost",
        "rotated",
        "recovered",
        "session_end",
        "kernel_denial",
        "operation",
        "carried",
        "repaired",
        "policy_changed",
        "findings",
        "approval",
        "pins",
        "alert",
    ];

    /// The event's name, as it stands in the log.
    pub fn event(&self) -> &'static str {
        let index = match self {
            Self::SessionStart(_) => 0,
            Self::Handshake(_) => 1,
            Self::ToolCall(_) => 2,
            Self::ToolResult(_) => 3,
            Self::Denial(_) => 4,
            Self::Degraded(_) => 5,
            Self::Noise(_) => 6,
            Self::Lost(_) => 7,
            Self::Rotated(_) => 8,
            Self::Recovered(_) => 9,
            Self::SessionEnd(_) => 10,
            Self::KernelDenial(_) => 11,
            Self::Operation(_) => 12,
            Self::Carried(_) => 13,
            Self::Repaired(_) => 14,
            Self::PolicyChanged(_) => 15,
            Self::Findings(_) => 16,
            Self::Approval(_) => 17,
            Self::Pins(_) => 18,
            Self::Alert(_) => 19,
        };
        Self::EVENTS[index]
    }

    /// Whether something was refused: a denial, a refused call, or a call whose answer was refused.
    pub fn is_denial(&self) -> bool {
        match self {
            Self::Denial(_) | Self::KernelDenial(_) => true,
            Self::ToolCall(call) => call.verdict == Verdict::Refused,
            Self::ToolResult(result) => result.cause.is_some(),
            _ => false,
        }
    }

    /// The denial that it tells of, whoever heard of it.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Denial(denial) | Self::KernelDenial(KernelDenial { denial, .. }) => Some(denial),
            _ => None,
        }
    }
}

impl Redact for Body {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::SessionStart(body) => body.redact(redactor),
            Self::Handshake(body) => body.redact(redactor),
            Self::ToolCall(body) => body.redact(redactor),
            Self::ToolResult(body) => body.redact(redactor),
            Self::Denial(body) => body.redact(redactor),
            Self::Degraded(body) => body.redact(redactor),
            Self::Noise(body) => body.redact(redactor),
            Self::Lost(body) => body.redact(redactor),
            Self::Rotated(body) => body.redact(redactor),
            Self::Recovered(body) => body.redact(redactor),
            Self::SessionEnd(body) => body.redact(redactor),
            Self::KernelDenial(body) => body.redact(redactor),
            Self::Operation(body) => body.redact(redactor),
            Self::Carried(body) => body.redact(redactor),
            Self::Repaired(body) => body.redact(redactor),
            Self::PolicyChanged(body) => body.redact(redactor),
            Self::Findings(body) => body.redact(redactor),
            Self::Approval(body) => body.redact(redactor),
            Self::Pins(body) => body.redact(redactor),
            Self::Alert(body) => body.redact(redactor),
        }
    }
}
