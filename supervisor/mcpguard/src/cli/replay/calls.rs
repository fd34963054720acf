//! Recorded calls: each is made again, at its time, and what the engine cannot know is judged beside it.

use std::collections::VecDeque;

use audit::{Body, Cause, Record, ToolCall};
use jiff::Timestamp;
use mcp::{Fact, Judgement, Refusal};

use super::arguments::Recorded;
use super::beside::Refused;
use super::clock::{SLACK, before};
use super::doorman::Number;
use super::open::{Call, waiting};
use super::scout::Waited;
use super::session::Session;
use super::tally::{Kind, Seen, Tally};
use super::verdict::{Then, Verdict};

/// A call that was made then.
pub(super) struct Made<'a> {
    pub(super) record: &'a Record,
    pub(super) call: &'a ToolCall,
    /// When it arrived, as far as that is known.
    pub(super) at: Timestamp,
    /// It waited for an exclusive call.
    pub(super) waited: Option<Waited>,
}

impl Session {
    /// Makes a call again.
    pub(super) fn call(&mut self, made: &Made<'_>, ahead: &VecDeque<Record>, tally: &mut Tally) {
        let Made { record, call, .. } = made;
        let then = self.then(call);
        let at = self.doorman.instant(made.at);
        // Who was refused for others in flight came before their ends, if only by a moment.
        let crowded = then == Then::Denied(Cause::Concurrency);
        self.time_passes(if crowded { before(at) } else { at }, before(at), tally);
        if let Some(verdict) = self.without_asking(call, then) {
            return self.told(made, then, verdict, tally);
        }
        let arguments = Recorded::of(call, self.names_only);
        let (number, judgement) = self.asked(made, &arguments, then, ahead, tally);
        let fault = |fact: &Fact| matches!(fact, Fact::MessageRefused { .. });
        match refusal(&judgement, number) {
            Some(refusal) => {
                self.ended_by_refusal |= judgement.end.is_some() && then == Then::Allowed;
                let verdict = self.refused(call, refusal);
                self.told(made, then, verdict, tally);
            }
            None if judgement.facts.iter().any(fault) => {
                let why = "what was recorded of it is no request that could be judged";
                self.told(made, then, Verdict::unknown(why), tally);
            }
            None => {
                let verdict = self.admitted(made, &arguments, then);
                let seen = self.seen(record);
                self.passed(made, Call { number, ..begun(call, seen, then, verdict) }, tally);
            }
        }
        self.note(judgement.facts, at, tally);
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

    /// A call that does not go through now, or of which that cannot be told.
    fn told(&mut self, made: &Made<'_>, then: Then, verdict: Verdict, tally: &mut Tally) {
        let (call, seen) = (made.call, self.seen(made.record));
        match then {
            Then::Denied(_) => tally.add(Kind::Call, &call.tool, 1, &seen, then, &verdict),
            // Its answer may have been withheld then, so that nothing changes.
            _ => self.open(call.call, Call { over: true, ..begun(call, seen, then, verdict) }, tally),
        }
    }

    /// A call that goes through now: it is open until its end is read.
    fn passed(&mut self, made: &Made<'_>, call: Call, tally: &mut Tally) {
        match (call.then, made.waited) {
            (Then::Denied(_), Some(_)) => self.open(waiting(made.record), call, tally),
            (Then::Denied(_), None) => {
                tally.add(Kind::Call, &call.tool, 1, &call.seen, call.then, &call.verdict);
                // How long it would have taken nobody knows.
                let at = self.doorman.instant(made.at);
                let gone = self.doorman.cancel(call.number, at);
                self.note(gone.facts, at, tally);
            }
            (_, Some(Waited::Ran(took))) => {
                self.open(made.call.call, Call { took: Some(took), ..call }, tally);
            }
            _ => self.open(made.call.call, call, tally),
        }
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

fn begun(call: &ToolCall, seen: Seen, then: Then, verdict: Verdict) -> Call {
    let tool = call.tool.clone();
    Call { tool, seen, then, verdict, number: 0, began: None, over: false, end: None, took: None, ends: None }
}

/// The ends of this session's calls that were written down within a moment.
fn soon<'a>(made: &Made<'a>, ahead: &'a VecDeque<Record>) -> impl Iterator<Item = &'a Record> {
    let (at, session) = (made.at, &made.record.session);
    let near = move |next: &&Record| next.time.duration_since(at).unsigned_abs() <= SLACK;
    ahead.iter().filter(move |next| next.session == *session).take_while(near)
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
