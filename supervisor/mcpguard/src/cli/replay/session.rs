//! One recorded session, judged record by record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use audit::{ApprovalState, Body, Cause, CoverageEntry, Record};
use mcp::{Caller, Fact, Outcome, RequestId};

use super::calls::Made;
use super::doorman::Doorman;
use super::events;
use super::judge::Judge;
use super::logs::Step;
use super::open::{OpenCalls, timed_out};
use super::scout::Arrival;
use super::tally::{Kind, Seen, Tally};
use super::verdict::Verdict;
use crate::session::surroundings_in;

/// Held calls and tools with tasks that are remembered.
const MOST: usize = 4096;

/// See the module.
pub(super) struct Session {
    pub(super) log: Rc<str>,
    pub(super) judge: Rc<Judge>,
    pub(super) caller: Caller,
    pub(super) doorman: Doorman,
    /// The policy that held then wants no values of arguments in the log.
    pub(super) names_only: bool,
    /// Calls that were held, and how many had to approve them.
    pub(super) held: BTreeMap<u64, u8>,
    /// Tools whose calls went on as tasks: requests about those are recorded as calls, too.
    pub(super) tasks: BTreeSet<String>,
    pub(super) open: OpenCalls,
    /// A call that is refused now would have ended the session.
    pub(super) ended_by_refusal: bool,
}

impl Session {
    pub(super) fn begun(log: &Rc<str>, record: &Record, judge: Rc<Judge>, caller: Caller) -> Self {
        let workspace = match &record.body {
            Body::SessionStart(start) => PathBuf::from(&start.workspace),
            _ => PathBuf::from("/"),
        };
        let around = surroundings_in(&workspace);
        Self {
            log: Rc::clone(log),
            doorman: Doorman::hired(&judge, caller.clone(), &around, record.time),
            judge,
            caller,
            names_only: false,
            held: BTreeMap::new(),
            tasks: BTreeSet::new(),
            open: OpenCalls::default(),
            ended_by_refusal: false,
        }
    }

    /// Judges what comes next; `ahead` are the records after it.
    pub(super) fn step(&mut self, step: &Step, ahead: &VecDeque<Record>, tally: &mut Tally) {
        let (record, at, waited) = match step {
            Step::Arrival(Arrival { record, at, waited }) => (record, *at, Some(*waited)),
            Step::Record(record) => (record, record.time, None),
            Step::Told(record) => return self.given_up(record, tally),
        };
        match &record.body {
            Body::SessionStart(start) => self.held_then(&start.coverage),
            Body::PolicyChanged(changed) => self.held_then(&changed.coverage),
            Body::Approval(approval) if approval.state == ApprovalState::Held => {
                if self.held.len() < MOST {
                    self.held.insert(approval.call, approval.missing);
                }
            }
            Body::ToolCall(call) => self.call(&Made { record, call, at, waited }, ahead, tally),
            Body::ToolResult(result) => self.result(record, result, tally),
            Body::SessionEnd(_) => self.finish(tally),
            body => {
                let Some(denial) = body.denial() else { return };
                events::judged(&self.judge, &self.caller, denial, &self.seen(record), tally);
            }
        }
    }

    /// What the policy of that time wrote down.
    fn held_then(&mut self, coverage: &[CoverageEntry]) {
        let says = |text: &str| coverage.iter().any(|entry| entry.rule.text == text);
        self.names_only = says("audit.arguments: names") || says("audit.arguments: none");
    }

    pub(super) fn seen(&self, record: &Record) -> Seen {
        let Record { session, seq, time, .. } = record;
        Seen { log: Rc::clone(&self.log), session: session.clone(), seq: *seq, time: *time }
    }

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
        while let Some(record) = self.open.oldest() {
            self.close(record, tally);
        }
    }
}
