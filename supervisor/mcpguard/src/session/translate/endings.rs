//! How calls end, and what a refused one is refused for.

use audit::{Cause, Outcome};
use mcp::{Refusal, Replacement};
use policy::plan::RuleId;

/// The cause of a refused call, and the limit that was reached.
pub(crate) fn refused(reason: Refusal) -> (Cause, Option<u64>) {
    match reason {
        Refusal::Disabled => (Cause::ToolDisabled, None),
        Refusal::ScopeMissing => (Cause::Scope, None),
        Refusal::Argument | Refusal::Schema | Refusal::Unlisted => (Cause::Argument, None),
        Refusal::Content | Refusal::Poisoned => (Cause::Content, None),
        Refusal::NotApproved | Refusal::Denied => (Cause::Approval, None),
        Refusal::Quarantined => (Cause::Quarantine, None),
        Refusal::RequestTooLarge { limit } => (Cause::RequestSize, Some(limit)),
        Refusal::SessionRate { limit, .. } => (Cause::SessionRate, Some(limit.into())),
        Refusal::ToolRate { limit, .. } => (Cause::ToolRate, Some(limit.into())),
        Refusal::TooManyCalls { limit } => (Cause::Concurrency, Some(limit.into())),
        Refusal::QueueFull => (Cause::Concurrency, None),
        Refusal::WaitedTooLong => (Cause::Timeout, None),
        Refusal::CancelledWaiting | Refusal::SessionEnded => (Cause::Protocol, None),
    }
}

/// What else is known of a call's end.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) error_code: Option<i64>,
    pub(super) cause: Option<Cause>,
    pub(super) limit: Option<u64>,
    pub(super) reason: Option<String>,
    /// The rule, where it is not the tool's.
    pub(super) rule: Option<RuleId>,
}

pub(super) fn ended(outcome: mcp::Outcome) -> (Outcome, Ended) {
    match outcome {
        mcp::Outcome::Ok | mcp::Outcome::InputRequired => (Outcome::Success, Ended::default()),
        mcp::Outcome::TaskStarted { task } => (
            Outcome::Success,
            Ended { reason: Some(format!("it goes on as task {task}")), ..Ended::default() },
        ),
        mcp::Outcome::ToolError => (Outcome::ToolError, Ended::default()),
        mcp::Outcome::RpcError(code) => {
            (Outcome::ProtocolError, Ended { error_code: Some(code), ..Ended::default() })
        }
        mcp::Outcome::TimedOut => {
            (Outcome::TimedOut, Ended { cause: Some(Cause::Timeout), ..Ended::default() })
        }
        mcp::Outcome::Cancelled => (Outcome::Cancelled, Ended::default()),
        mcp::Outcome::Replaced(why) => (Outcome::Refused, replaced(&why)),
        mcp::Outcome::Lost(_) => (Outcome::Abandoned, Ended::default()),
    }
}

/// Why an answer was withheld.
pub(super) fn replaced(why: &Replacement) -> Ended {
    let (cause, limit, reason) = match why {
        Replacement::TooLarge { limit } => {
            (Cause::ResponseSize, Some(*limit), "the answer is too large".to_owned())
        }
        Replacement::InputRefused { method } => (Cause::ServerRequest, None, format!("it asks for {method}")),
        Replacement::Malformed(fault) => (Cause::Malformed, None, fault.to_string()),
        Replacement::Misfit { why } => (Cause::OutputSchema, None, why.clone()),
        Replacement::Content { what, rule: _ } => (Cause::Content, None, format!("it holds {what}")),
        Replacement::UnreadableList => (Cause::Malformed, None, "its tools cannot be told".to_owned()),
    };
    let rule = match why {
        Replacement::Content { rule, .. } => Some(*rule),
        _ => None,
    };
    Ended { error_code: None, cause: Some(cause), limit, reason: Some(reason), rule }
}
