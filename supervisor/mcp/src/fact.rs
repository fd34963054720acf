//! Facts: what the doorman saw and decided, as plain owned data for the audit log.
//!
//! Everything that came from the server or the client is untrusted text. It is bounded in length, except for a call's
//! arguments, which are the whole raw JSON so that redaction can read it.

use std::time::Duration;

use pins::Weight;
use policy::plan::{ClassMask, RuleId};

use crate::engine::Decision;
use crate::frames::FrameError;
use crate::id::RequestId;
use crate::message::Invalid;
use crate::scan::Fault;
use crate::screen::Finding;

/// Who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The MCP client.
    Client,
    /// The guarded server.
    Server,
}

/// The two families of protocol revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Up to 2025-11-25: `initialize` opens a session.
    Handshake,
    /// From 2026-07-28 on: every request carries its version and capabilities.
    Modern,
}

/// What a peer says about itself; at most 128 characters each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `name`, empty if not told.
    pub name: String,
    /// `version`, empty if not told.
    pub version: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields that say nothing new are `side`, `id`, `tool`, `method`, `reason`"
)]
pub enum Fact {
    /// The peers agreed on a protocol revision.
    SessionNegotiated { era: Era, version: String, client: Peer, server: Peer },
    /// A call goes to the server.
    CallAdmitted {
        /// The number of the call, from 1, in the order of arrival; kernel events carry it too.
        seq: u64,
        id: RequestId,
        /// The tool; `*` for a task that was not created in this session.
        tool: String,
        /// `tools/call`, or the `tasks/…` method that goes on with an earlier call.
        method: String,
        rule: RuleId,
        /// Raw JSON; empty if the call has none.
        arguments: Vec<u8>,
        /// Bytes of the request line.
        bytes: u64,
        /// The active grant classes from this moment on.
        active: ClassMask,
        /// How long it waited for an exclusive call, or for its own turn to run alone.
        waited: Duration,
    },
    /// A call does not go to the server; the client was told `text`.
    CallRefused {
        id: RequestId,
        tool: String,
        method: String,
        /// The rule that refuses it; `None` for a limit of the whole session.
        rule: Option<RuleId>,
        reason: Refusal,
        text: String,
        arguments: Vec<u8>,
        bytes: u64,
    },
    /// A call is held until somebody approves it.
    CallHeld {
        seq: u64,
        id: RequestId,
        tool: String,
        /// The rule that wants the approval.
        rule: RuleId,
        /// Raw JSON; empty if the call has none.
        arguments: Vec<u8>,
        /// SHA-256 over tool and arguments, in hex; an approval names it.
        digest: String,
        /// Different approvers that must approve.
        approvers: u8,
    },
    /// Somebody has decided about a held call.
    CallDecided {
        seq: u64,
        tool: String,
        rule: RuleId,
        /// Who.
        by: String,
        decision: Decision,
        digest: String,
        /// Approvals that are still missing.
        missing: u8,
    },
    /// An admitted call has ended; its grants have ended with it.
    CallEnded {
        seq: u64,
        id: RequestId,
        tool: String,
        rule: RuleId,
        outcome: Outcome,
        /// From the arrival of the request.
        duration: Duration,
        /// Bytes of the answer line; 0 if there was none.
        bytes: u64,
    },
    /// Disabled tools were cut out of a `tools/list` answer.
    ToolsHidden {
        count: u64,
        /// At most 256 of them.
        names: Vec<String>,
    },
    /// Tools without a readable name, or with the name of another one, were cut out of a `tools/list` answer.
    ToolsDropped { count: u64 },
    /// A request of the server was answered with an error; the client did not see it.
    ServerRequestRefused {
        method: String,
        /// `None` for a request that is embedded in a notification.
        id: Option<RequestId>,
    },
    /// A request about a prompt or a resource was answered with an error; the server did not see it.
    AccessRefused {
        id: RequestId,
        method: String,
        /// The prompt's name or the resource's address, bounded.
        subject: String,
        /// `None`: its spelling is refused.
        rule: Option<RuleId>,
        /// It is for a scope that the caller does not hold.
        scope: bool,
        /// What the client was told.
        text: String,
    },
    /// A method that is neither in the protocol nor in the policy.
    MethodRefused { side: Side, method: String },
    /// A line that is no message with exactly one reading.
    MessageRefused { side: Side, reason: MessageFault, bytes: u64, excerpt: String },
    /// Bytes on the server's stdout that are no MCP. They did not reach the client.
    ServerNoise { reason: FrameError, bytes: u64, excerpt: String },
    /// A response to a request that is not open.
    ResponseRefused { side: Side, id: RequestId, reason: Unexpected },
    /// An answer was withheld and an error sent in its place.
    AnswerReplaced { id: RequestId, method: String, reason: Replacement },
    /// Something was found in a text. What was done about it, each finding says.
    Found {
        /// Whose text.
        side: Side,
        /// The method of the message, or that of the request that it answers; `stderr`.
        method: String,
        /// The tool of the call; in lists the name of the element.
        tool: Option<String>,
        /// The number of the call.
        seq: Option<u64>,
        /// At least one.
        findings: Vec<Finding>,
    },
    /// A server that nobody has looked at before is remembered as it is.
    ServerPinned {
        /// What it shows, for the lock file.
        surface: String,
        tools: u64,
    },
    /// The server is not what it was when somebody looked at it.
    ServerChanged {
        /// For people, a line a change; everything invisible is spelled out.
        report: String,
        /// The heaviest change.
        weight: Weight,
        /// Tools and prompts that are closed.
        closed: Vec<String>,
        /// Everything is.
        all_closed: bool,
        rule: RuleId,
        /// What it shows, for whoever accepts it.
        surface: String,
    },
    /// So many facts of a noisy peer were left out before this one (or before the end of the session).
    Suppressed { count: u64 },
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The tool is disabled.
    Disabled,
    /// The caller does not hold a scope that the tool wants.
    ScopeMissing,
    /// An argument is not what the policy says.
    Argument,
    /// The arguments do not fit the schema that the server itself tells for the tool, or that cannot be used.
    Schema,
    /// The arguments hold something that the policy keeps from the server.
    Content,
    /// What the server tells of the tool holds something that the policy keeps from the client.
    Poisoned,
    /// The tool is not what it was when somebody looked at it, or nobody has.
    Quarantined,
    /// The policy wants a schema checked that the server has not told yet.
    Unlisted,
    /// Nobody has approved it in time.
    NotApproved,
    /// Somebody was asked to approve it, and denied it.
    Denied,
    /// The request line is longer than the rule allows.
    RequestTooLarge {
        /// Bytes that the rule allows.
        limit: u64,
    },
    /// The session's calls of this minute are used up.
    SessionRate {
        /// Calls per minute.
        limit: u32,
        /// When the next call is free; `None` if never.
        retry: Option<Duration>,
    },
    /// The tool's calls of this minute are used up.
    ToolRate {
        /// Calls per minute.
        limit: u32,
        /// When the next call is free; `None` if never.
        retry: Option<Duration>,
    },
    /// Too many calls are in flight or waiting.
    TooManyCalls {
        /// Calls at once.
        limit: u32,
    },
    /// The calls that wait for an exclusive one hold too many bytes.
    QueueFull,
    /// It waited for an exclusive call until its timeout.
    WaitedTooLong,
    /// The client cancelled it while it waited.
    CancelledWaiting,
    /// The session ended while it waited.
    SessionEnded,
}

impl Refusal {
    /// Whether the policy refused the call, so that `on_violation: { tool: kill }` applies.
    pub fn is_violation(self) -> bool {
        match self {
            Self::Disabled
            | Self::ScopeMissing
            | Self::Argument
            | Self::Content
            | Self::RequestTooLarge { .. }
            | Self::SessionRate { .. }
            | Self::ToolRate { .. }
            | Self::TooManyCalls { .. }
            | Self::QueueFull => true,
            Self::Schema
            | Self::Unlisted
            | Self::Poisoned
            | Self::Quarantined
            | Self::NotApproved
            | Self::Denied
            | Self::WaitedTooLong
            | Self::CancelledWaiting
            | Self::SessionEnded => false,
        }
    }
}

/// How an admitted call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result.
    Ok,
    /// With a result that says `isError`.
    ToolError,
    /// With a JSON-RPC error of this code.
    RpcError(i64),
    /// The server wants more input; the client will call again (2026-07-28).
    InputRequired,
    /// The work goes on as a task.
    TaskStarted {
        /// The task's id.
        task: String,
    },
    /// No answer in time: the client was told so, the server was sent a cancellation.
    TimedOut,
    /// The client cancelled it.
    Cancelled,
    /// The answer was withheld.
    Replaced(Replacement),
    /// The session ended first.
    Lost(Ending),
}

/// Why an answer was withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// The answer line is longer than allowed.
    TooLarge {
        /// Bytes that are allowed.
        limit: u64,
    },
    /// It asks the client for something that the policy does not allow.
    InputRefused {
        /// `sampling/createMessage`, `elicitation/create`, `roots/list`, or what stands in their place.
        method: String,
    },
    /// It is no response with exactly one reading.
    Malformed(MessageFault),
    /// A `tools/list` answer whose tools cannot be told.
    UnreadableList,
    /// It holds something that the policy keeps from the client.
    Content {
        /// What, in words.
        what: String,
        /// The rule.
        rule: RuleId,
    },
    /// It does not fit the schema that the tool itself declares.
    Misfit {
        /// In what, bounded.
        why: String,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// No JSON text with one reading.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// No JSON-RPC message with one reading.
    #[error(transparent)]
    Message(#[from] Invalid),
    /// The parameters do not fit the method.
    #[error("the parameters do not fit the method")]
    Params,
    /// The id belongs to a request that is still open, or was cancelled.
    #[error("the id is in use")]
    DuplicateId,
    /// Too many requests are open at once.
    #[error("too many open requests")]
    TooManyRequests,
}

impl From<Fault> for MessageFault {
    fn from(fault: Fault) -> Self {
        Self::Frame(fault.into())
    }
}

/// Why a response was not expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// No open request has this id: never asked, or answered already.
    Unknown,
    /// The request was cancelled or timed out.
    Late,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client closed its side.
    ClientClosed,
    /// The server exited or closed its side.
    ServerClosed,
    /// The policy ends the session.
    Violation,
    /// The supervisor was told to stop.
    Stopped,
}
