//! Time passes at a replay: calls end, and are counted.

use std::rc::Rc;
use std::time::Instant;

use audit::Cause;
use mcp::{Fact, Outcome, RequestId};

use super::open::{Call, timed_out};
use super::session::Session;
use super::tally::{Kind, Tally};
use super::verdict::{Now, Verdict};

impl Session {
    /// What ends by itself until this instant, in its order; `late`: calls whose time was up by then are ended.
    pub(super) fn time_passes(&mut self, until: Instant, late: Instant, tally: &mut Tally) {
        loop {
            let up = self.doorman.next_end(late);
            let due = self.open.next_end(until);
            match (up, due) {
                (Some(at), due) if due.is_none_or(|(ends, _)| at < ends) => {
                    let judgement = self.doorman.expire(at);
                    self.note(judgement.facts, at, tally);
                }
                (_, Some((at, number))) => {
                    self.open.ended((at, number));
                    let judgement = self.doorman.answer(number, at);
                    self.note(judgement.facts, at, tally);
                }
                _ => return,
            }
        }
    }

    /// When the next call ends by itself, if it does by then.
    pub(super) fn next_end(&self, until: Instant) -> Option<Instant> {
        let due = self.open.next_end(until).map(|(at, _)| at);
        due.into_iter().chain(self.doorman.next_end(until)).min()
    }

    /// What became of the calls that these facts are about.
    pub(super) fn note(&mut self, facts: Vec<Fact>, at: Instant, tally: &mut Tally) {
        for fact in facts {
            match fact {
                Fact::CallAdmitted { id: RequestId::Number(number), .. } => {
                    let Some((_, call)) = self.open.numbered(number) else { continue };
                    call.began = Some(at);
                    if let Some(took) = call.took {
                        self.open.ends_at(at.checked_add(took).unwrap_or(at), number);
                    }
                }
                Fact::CallEnded { id: RequestId::Number(number), tool, outcome, .. } => {
                    self.over(number, &tool, outcome == Outcome::TimedOut, tally);
                }
                Fact::CallRefused { id: RequestId::Number(number), tool, .. } => {
                    self.over(number, &tool, true, tally);
                }
                _ => {}
            }
        }
    }

    fn over(&mut self, number: i64, tool: &str, late: bool, tally: &mut Tally) {
        let judge = Rc::clone(&self.judge);
        let Some((record, call)) = self.open.numbered(number) else { return };
        call.over = true;
        if late {
            let rule = judge.field(judge.tool(tool), "timeout_seconds");
            timed_out(call, Verdict::denied(Cause::Timeout, rule));
        }
        if call.end.is_some() {
            self.close(record, tally);
        }
    }

    /// Counts a call of which everything is known.
    pub(super) fn close(&mut self, record: u64, tally: &mut Tally) {
        let Some(call) = self.open.remove(record) else { return };
        let tool = call.tool.clone();
        let (seen, then, verdict) = call.sum();
        tally.add(Kind::Call, &tool, 1, &seen, then, &verdict);
    }

    /// The log says no more of this session.
    pub(super) fn finish(&mut self, tally: &mut Tally) {
        self.wait_on();
        while let Some(record) = self.open.oldest() {
            self.close(record, tally);
        }
    }

    /// Calls that wait behind an exclusive one, or for its sake, have no turn that the log tells. One that waits for its
    /// rate has: the engine lets it wait only where its turn comes in time.
    fn wait_on(&mut self) {
        let judge = Rc::clone(&self.judge);
        if !self.open.still_open().any(|call| judge.tool(&call.tool).exclusive) {
            return;
        }
        let waits = |call: &&mut Call| call.began.is_none() && call.end.is_some();
        for call in self.open.still_open().filter(waits).filter(|call| call.verdict.now == Now::Allowed) {
            call.verdict =
                Verdict::unknown("it would wait for its turn, and the log does not tell until when");
        }
    }
}
