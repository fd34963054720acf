//! Recorded calls: each is made again, at its time, and what the engine cannot know is judged beside it.

use std::collections::VecDeque;

use audit::{Cause, Record, ToolCall};
use jiff::Timestamp;
use mcp::Fact;

use super::arguments::Recorded;
use super::arrival::Waited;
use super::asking::refusal;
use super::clock::before;
use super::open::{Call, waiting};
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
                let verdict = self.refused(call, &arguments, then, refusal);
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
            audit::Verdict::Allowed => self.held.released(call.call).map_or(Then::Allowed, Then::Approved),
        }
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
