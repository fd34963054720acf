//! Recorded ends of calls: sizes against the limits, time against the timeouts. What answers held is not recorded.

use std::time::{Duration, Instant};

use audit::{Cause, Outcome, Record, ToolResult};

use super::clock::{SLACK, before};
use super::events::asks;
use super::open::{is_late, waiting};
use super::session::Session;
use super::tally::Tally;
use super::verdict::{Now, Then, Verdict};

impl Session {
    /// A call that has ended then.
    pub(super) fn result(&mut self, record: &Record, result: &ToolResult, tally: &mut Tally) {
        let at = self.doorman.instant(record.time);
        let (late, after) = (is_late(result.cause), at.checked_add(SLACK).unwrap_or(at));
        self.time_passes(at, if late { after } else { before(at) }, tally);
        let verdict = self.answer(result);
        if result.reason.as_ref().is_some_and(|reason| reason.starts_with("it goes on as task ")) {
            self.tasks.insert(result.tool.clone());
        }
        let Some(call) = self.open.get(result.call) else { return };
        call.end = Some((result.cause.map_or(Then::Allowed, Then::Denied), verdict));
        if call.over {
            return self.close(result.call, tally);
        }
        // One whose turn came at another time ends by itself.
        if call.took.is_some() && call.ends.is_none_or(|ends| ends > after) && !late {
            return;
        }
        call.took.get_or_insert(Duration::from_micros(result.duration_us));
        if late && call.verdict.now == Now::Allowed {
            call.verdict = Verdict::unknown("the log does not tell how long it would have taken");
        }
        self.end(result, at, tally);
    }

    /// A call that waited then until its time was up is not waited for any longer.
    pub(super) fn given_up(&mut self, record: &Record, tally: &mut Tally) {
        let at = self.doorman.instant(record.time);
        let key = waiting(record);
        if self.open.get(key).is_none() {
            return;
        }
        self.time_passes(at, at.checked_add(SLACK).unwrap_or(at), tally);
        let Some(call) = self.open.get(key) else { return };
        let passes = call.verdict.now == Now::Allowed;
        match call.began {
            // It began so late that it was given up then.
            Some(began) if passes && began > before(at) => {
                call.verdict = Verdict::denied(Cause::Timeout, None);
            }
            None if passes => {
                call.verdict = Verdict::unknown("it waited for an exclusive call, and would wait still");
            }
            _ => {}
        }
        let number = call.number;
        self.close(key, tally);
        let judgement = self.doorman.cancel(number, at);
        self.note(judgement.facts, at, tally);
    }

    /// The call ends at the replay as well; one that still waits there ends as long after its start as it did.
    fn end(&mut self, result: &ToolResult, at: Instant, tally: &mut Tally) {
        let Some(call) = self.open.get(result.call) else { return };
        let number = call.number;
        let gone = matches!(result.outcome, Outcome::TimedOut | Outcome::Cancelled | Outcome::Abandoned);
        let judgement = match (gone, call.began.is_some()) {
            (true, _) => self.doorman.cancel(number, at),
            (false, true) => self.doorman.answer(number, at),
            (false, false) => return,
        };
        self.note(judgement.facts, at, tally);
        self.close(result.call, tally);
    }

    /// What is said of its answer.
    fn answer(&self, result: &ToolResult) -> Verdict {
        let (judge, plan) = (&self.judge, &self.judge.plan);
        let tool = judge.tool(&result.tool);
        if let Some(verdict) = self.too_large(result) {
            return verdict;
        }
        match result.cause {
            // Whether it is late now the engine has told.
            None | Some(Cause::Timeout | Cause::ResponseSize) => Verdict::allowed().by(judge.rule(tool.from)),
            Some(Cause::ServerRequest) => {
                let told = result.reason.clone().unwrap_or_default();
                asks(judge, told.strip_prefix("it asks for ").unwrap_or(&told))
            }
            Some(Cause::Content) if plan.content.answers.is_empty() && !plan.responses.judges_content() => {
                Verdict::allowed()
            }
            Some(Cause::OutputSchema) if plan.responses.validate_output_schema.is_none() => {
                Verdict::allowed()
            }
            Some(Cause::Content | Cause::OutputSchema) => {
                Verdict::unknown("the log does not hold what answers say")
            }
            Some(cause) => Verdict::denied(cause, None),
        }
    }

    /// The first limit that its request or its answer is longer than.
    fn too_large(&self, result: &ToolResult) -> Option<Verdict> {
        let (judge, plan) = (&self.judge, &self.judge.plan);
        let tool = judge.tool(&result.tool);
        let (asked, told) = (result.request_bytes, result.response_bytes);
        let over = |bytes: u64, limit: Option<u64>| limit.is_some_and(|limit| bytes > limit);
        let (cause, rule, bytes) = if over(asked, tool.max_request_bytes) {
            (Cause::RequestSize, judge.field(tool, "max_request_bytes"), asked)
        } else if over(told, tool.max_response_bytes) {
            (Cause::ResponseSize, judge.field(tool, "max_response_bytes"), told)
        } else if over(told, plan.responses.max_bytes) {
            (Cause::ResponseSize, judge.written("responses.max_bytes"), told)
        } else if over(asked.max(told), Some(plan.session.max_message_bytes)) {
            (Cause::MessageSize, judge.written("session.max_message_bytes"), asked.max(told))
        } else {
            return None;
        };
        Some(Verdict::denied(cause, rule).because(format!("it had {bytes} bytes")))
    }
}
