//! A recorded call, put to the engine at its time.

use std::collections::VecDeque;

use audit::{Body, Cause, Record};
use mcp::{Fact, Judgement, Refusal};

use super::arguments::Recorded;
use super::beside::Refused;
use super::calls::Made;
use super::clock::{SLACK, before};
use super::doorman::Number;
use super::session::Session;
use super::tally::Tally;
use super::verdict::Then;

impl Session {
    /// The call at its time. One that went through then may be judged a moment later, or after an answer that was written
    /// down behind it; one that was refused for a rate a moment earlier.
    pub(super) fn asked(
        &mut self,
        made: &Made<'_>,
        arguments: &Recorded,
        then: Then,
        ahead: &VecDeque<Record>,
        tally: &mut Tally,
    ) -> (Number, Judgement) {
        let arguments = match arguments {
            Recorded::Whole(arguments) => arguments.as_ref(),
            Recorded::Part => None,
        };
        let (tool, at) = (&made.call.tool, self.doorman.instant(made.at));
        if let Then::Denied(Cause::ToolRate | Cause::SessionRate | Cause::Concurrency) = then {
            return self.doorman.ask(tool, arguments, before(at));
        }
        let mut asked = self.doorman.ask(tool, arguments, at);
        let is_late = matches!(then, Then::Denied(cause) if cause != Cause::Timeout);
        match refusal(&asked.1, asked.0).filter(|_| !is_late).map(|refused| refused.reason) {
            Some(
                Refusal::ToolRate { retry: Some(retry), .. }
                | Refusal::SessionRate { retry: Some(retry), .. },
            ) if retry <= SLACK => {
                asked = self.doorman.ask(tool, arguments, at.checked_add(retry).unwrap_or(at));
            }
            Some(Refusal::TooManyCalls { .. } | Refusal::QueueFull) => {
                let after = at.checked_add(SLACK).unwrap_or(at);
                while let Some(ends) = self.next_end(after) {
                    self.time_passes(ends, ends, tally);
                    asked = self.doorman.ask(tool, arguments, at);
                    if refusal(&asked.1, asked.0).is_none() {
                        return asked;
                    }
                }
                for answer in soon(made, ahead) {
                    let Body::ToolResult(result) = &answer.body else { continue };
                    self.result(answer, result, tally);
                    asked = self.doorman.ask(tool, arguments, at);
                    if refusal(&asked.1, asked.0).is_none() {
                        break;
                    }
                }
            }
            _ => {}
        }
        asked
    }
}

/// The ends of this session's calls that were written down within a moment.
fn soon<'a>(made: &Made<'a>, ahead: &'a VecDeque<Record>) -> impl Iterator<Item = &'a Record> {
    let (at, session) = (made.at, &made.record.session);
    let near = move |next: &&Record| next.time.duration_since(at).unsigned_abs() <= SLACK;
    ahead.iter().filter(move |next| next.session == *session).take_while(near)
}

/// Why the engine refused this very call.
pub(super) fn refusal(judgement: &Judgement, number: Number) -> Option<Refused> {
    judgement.facts.iter().find_map(|fact| match fact {
        Fact::CallRefused { id, reason, rule, text, .. } if *id == mcp::RequestId::Number(number) => {
            Some(Refused { reason: *reason, rule: *rule, text: text.clone() })
        }
        _ => None,
    })
}
