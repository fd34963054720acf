//! What waits for people: held calls and changed servers → records.

use audit::{Approval, ApprovalState, Body, PinState, Pins};
use mcp::Fact;

use super::translate::Translator;

/// Lines of a report on a changed server that a record holds.
const MOST_CHANGES: usize = 40;

impl Translator {
    /// A call that is held, or what is decided about it.
    pub(super) fn approval(&mut self, fact: Fact) -> Body {
        Body::Approval(match fact {
            Fact::CallHeld { seq, id: _, tool, rule, arguments, digest, approvers } => Approval {
                call: seq,
                tool,
                state: ApprovalState::Held,
                digest,
                arguments: self.told_of(&arguments),
                by: None,
                missing: approvers,
                rule: self.rule(rule),
            },
            Fact::CallDecided { seq, tool, rule, by, decision, digest, missing } => Approval {
                call: seq,
                tool,
                state: match decision {
                    mcp::Decision::Approve => ApprovalState::Approved,
                    mcp::Decision::Deny => ApprovalState::Denied,
                },
                digest,
                arguments: None,
                by: Some(by),
                missing,
                rule: self.rule(rule),
            },
            other => return self.fact(other),
        })
    }

    /// A server that is remembered, or that is not what it was.
    pub(super) fn pins(&mut self, fact: Fact) -> Body {
        match fact {
            Fact::ServerPinned { surface: _, tools } => Body::Pins(Pins {
                state: PinState::Recorded,
                weight: None,
                changes: Vec::new(),
                closed: Vec::new(),
                all_closed: false,
                tools: Some(tools),
                rule: None,
            }),
            Fact::ServerChanged { report, weight, closed, all_closed, rule, surface: _ } => {
                Body::Pins(Pins {
                    state: PinState::Changed,
                    weight: Some(format!("{weight:?}").to_lowercase()),
                    changes: report.lines().take(MOST_CHANGES).map(str::to_owned).collect(),
                    closed,
                    all_closed,
                    tools: None,
                    rule: self.rule(rule),
                })
            }
            other => self.fact(other),
        }
    }
}
