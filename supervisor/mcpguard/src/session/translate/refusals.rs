//! What the doorman refused beside calls.

use audit::{Action, Cause, Denial, Layer};
use mcp::{Fact, FrameError, MessageFault, Side};

use super::Translator;
use super::endings::{Ended, replaced};

/// A denial of the doorman's, to be completed.
pub(super) fn denial(cause: Cause, what: impl Into<String>) -> Denial {
    Denial {
        layer: Layer::Doorman,
        cause,
        what: what.into(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: None,
        calls: Vec::new(),
        count: 1,
        limit: None,
    }
}

impl Translator {
    /// Everything else that was refused.
    pub(super) fn refusal(&self, fact: Fact) -> Denial {
        match fact {
            Fact::ToolsHidden { count, names } => Denial {
                detail: Some(names.join(", ")),
                action: Action::Dropped,
                count,
                ..denial(
                    Cause::ToolDisabled,
                    "tools that are closed to the client in an answer to tools/list",
                )
            },
            Fact::ToolsDropped { count } => Denial {
                action: Action::Dropped,
                count,
                ..denial(Cause::Malformed, "tools without a name of their own in an answer to tools/list")
            },
            Fact::ServerRequestRefused { method, id } => Denial {
                detail: id.map(|id| format!("request {id}")),
                ..denial(Cause::ServerRequest, method)
            },
            Fact::AccessRefused { id, method, subject, rule, scope, text } => Denial {
                detail: Some(format!("{method}, request {id}")),
                rule: rule.and_then(|rule| self.rule(rule)),
                reason: Some(text),
                ..denial(if scope { Cause::Scope } else { Cause::Disabled }, subject)
            },
            Fact::MethodRefused { side, method } => {
                Denial { detail: Some(from(side).to_owned()), ..denial(Cause::UnknownMethod, method) }
            }
            Fact::MessageRefused { side, reason, bytes, excerpt } => message(side, reason, bytes, excerpt),
            Fact::ResponseRefused { side, id, reason } => Denial {
                detail: Some(format!("{}, request {id}", from(side))),
                action: Action::Dropped,
                reason: Some(format!("{reason:?}")),
                ..denial(Cause::Protocol, "response")
            },
            Fact::AnswerReplaced { id, method, reason } => {
                let Ended { cause, limit, reason, rule, .. } = replaced(&reason);
                Denial {
                    rule: rule.and_then(|rule| self.rule(rule)),
                    detail: Some(format!("answer to request {id}")),
                    reason,
                    limit,
                    ..denial(cause.unwrap_or(Cause::Protocol), method)
                }
            }
            other => denial(Cause::Internal, format!("{other:?}")),
        }
    }
}

/// A line that is no message with exactly one reading.
fn message(side: Side, fault: MessageFault, bytes: u64, excerpt: String) -> Denial {
    let (cause, limit) = match fault {
        MessageFault::Frame(FrameError::TooLong { limit }) => (Cause::MessageSize, Some(limit)),
        MessageFault::DuplicateId | MessageFault::TooManyRequests => (Cause::Protocol, None),
        _ => (Cause::Malformed, None),
    };
    Denial {
        detail: Some(format!("{}, {bytes} bytes: {excerpt}", from(side))),
        reason: Some(fault.to_string()),
        limit,
        ..denial(cause, "message")
    }
}

fn from(side: Side) -> &'static str {
    match side {
        Side::Client => "from the client",
        Side::Server => "from the server",
    }
}
