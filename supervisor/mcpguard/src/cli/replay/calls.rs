//! Recorded calls: each is made again, at its time, and what the engine cannot know is judged beside it.

use std::collections::VecDeque;

use audit::{Body, Cause, Record, ToolCall};
use mcp::{Fact, Judgement, Refusal};

use super::arguments::Recorded;
use super::beside::Refused;
use super::clock::{SLACK, before};
use super::doorman::Number;
use super::open::Call;
use super::session::Session;
use super::tally::{Kind, Seen, Tally};
use super::verdict::{Then, Verdict};

impl Session {
    /// A call that was made then.
    pub(super) fn call(
        &mut self,
        record: &Record,
        call: &ToolCall,
        ahead: &VecDeque<Record>,
        tally: &mut Tally,
    ) {
        let then = self.then(call);
        let at = self.doorman.instant(record.time);
        self.time_passes(before(at), tally);
        if let Some(verdict) = self.without_asking(call, then) {
            return self.told(record, call, then, None, verdict, tally);
        }
        let arguments = Recorded::of(call, self.names_only);
        let (number, judgement) = self.asked(record, call, &arguments, then, ahead, tally);
        let verdict = match refusal(&judgement, number) {
            Some(refusal) => {
                self.ended_by_refusal |= judgement.end.is_some() && then == Then::Allowed;
                self.refused(call, refusal)
            }
            None if judgement.facts.iter().any(|fact| matches!(fact, Fact::MessageRefused { .. })) => {
                Verdict::unknown("what was recorded of it is no request that could be judged")
            }
            None => {
                let verdict = self.admitted(call, &arguments, then);
                return self.told(record, call, then, Some((number, judgement)), verdict, tally);
            }
        };
        self.told(record, call, then, None, verdict, tally);
        self.note(judgement.facts, self.doorman.instant(record.time), tally);
    }

    fn then(&mut self, call: &ToolCall) -> Then {
        match call.verdict {
            audit::Verdict::Refused => Then::Denied(call.cause.unwrap_or(Cause::Internal)),
            audit::Verdict::Allowed => self.held.remove(&call.call).map_or(Then::Allowed, Then::Approved),
        }
    }

    /// The call at its time. One that went through then may be judged a moment later, or after an answer that was written
    /// down behind it; one that was refused for a rate a moment earlier.
    fn asked(
        &mut self,
        record: &Record,
        call: &ToolCall,
        arguments: &Recorded,
        then: Then,
        ahead: &VecDeque<Record>,
        tally: &mut Tally,
    ) -> (Number, Judgement) {
        let arguments = match arguments {
            Recorded::Whole(arguments) => arguments.as_ref(),
            Recorded::Part => None,
        };
        let at = self.doorman.instant(record.time);
        if let Then::Denied(Cause::ToolRate | Cause::SessionRate) = then {
            return self.doorman.ask(&call.tool, arguments, self.doorman.early(at));
        }
        let mut asked = self.doorman.ask(&call.tool, arguments, at);
        if matches!(then, Then::Denied(_)) {
            return asked;
        }
        match refusal(&asked.1, asked.0).map(|refused| refused.reason) {
            Some(
                Refusal::ToolRate { retry: Some(retry), .. }
                | Refusal::SessionRate { retry: Some(retry), .. },
            ) if retry <= SLACK => {
                asked = self.doorman.ask(&call.tool, arguments, at.checked_add(retry).unwrap_or(at));
            }
            Some(Refusal::TooManyCalls { .. } | Refusal::QueueFull) => {
                for answer in soon(record, ahead) {
                    let Body::ToolResult(result) = &answer.body else { continue };
                    self.result(answer, result, tally);
                    asked = self.doorman.ask(&call.tool, arguments, at);
                    if refusal(&asked.1, asked.0).is_none() {
                        break;
                    }
                }
            }
            _ => {}
        }
        asked
    }

    /// Counts the call, or keeps it open until its end is read.
    fn told(
        &mut self,
        record: &Record,
        call: &ToolCall,
        then: Then,
        asked: Option<(Number, Judgement)>,
        verdict: Verdict,
        tally: &mut Tally,
    ) {
        let seen = self.seen(record);
        let Some((number, judgement)) = asked else {
            return match then {
                Then::Denied(_) => tally.add(Kind::Call, &call.tool, 1, &seen, then, &verdict),
                // Its answer may have been withheld then, so that nothing changes.
                _ => self.open(call.call, Call { over: true, ..begun(call, seen, then, verdict, 0) }, tally),
            };
        };
        let at = self.doorman.instant(record.time);
        if matches!(then, Then::Denied(_)) {
            tally.add(Kind::Call, &call.tool, 1, &seen, then, &verdict);
            // How long it would have taken nobody knows.
            let gone = self.doorman.cancel(number, at);
            return self.note([judgement.facts, gone.facts].concat(), at, tally);
        }
        self.open(call.call, begun(call, seen, then, verdict, number), tally);
        self.note(judgement.facts, at, tally);
    }

    fn open(&mut self, record: u64, call: Call, tally: &mut Tally) {
        if self.open.is_full()
            && let Some(oldest) = self.open.oldest()
        {
            self.close(oldest, tally);
        }
        self.open.add(record, call);
    }
}

fn begun(call: &ToolCall, seen: Seen, then: Then, verdict: Verdict, number: Number) -> Call {
    Call {
        tool: call.tool.clone(),
        seen,
        then,
        verdict,
        number,
        at_server: false,
        over: false,
        end: None,
        took: std::time::Duration::ZERO,
    }
}

/// The ends of this session's calls that were written down within a moment.
fn soon<'a>(record: &'a Record, ahead: &'a VecDeque<Record>) -> impl Iterator<Item = &'a Record> {
    let near = |next: &&Record| next.time.duration_since(record.time).unsigned_abs() <= SLACK;
    ahead.iter().filter(|next| next.session == record.session).take_while(near)
}

/// Why the engine refused this very call.
fn refusal(judgement: &Judgement, number: Number) -> Option<Refused> {
    judgement.facts.iter().find_map(|fact| match fact {
        Fact::CallRefused { id, reason, rule, text, .. } if *id == mcp::RequestId::Number(number) => {
            Some(Refused { reason: *reason, rule: *rule, text: text.clone() })
        }
        _ => None,
    })
}
