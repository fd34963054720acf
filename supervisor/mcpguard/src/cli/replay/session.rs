//! One recorded session, judged record by record.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

use audit::{Body, CoverageEntry, Record};
use jiff::{SignedDuration, Timestamp};
use mcp::Caller;

use super::arrival::Arrival;
use super::calls::Made;
use super::clock::before;
use super::doorman::Doorman;
use super::events;
use super::held::Held;
use super::judge::Judge;
use super::open::{Call, OpenCalls};
use super::steps::Step;
use super::tally::{Seen, Tally};
use super::untold::Asker;
use super::verdict::{Now, Verdict};
use crate::session::surroundings_in;

/// A clock that goes back by more was set: what is written down a little late is not.
const SET_BACK: SignedDuration = SignedDuration::from_mins(1);

/// See the module.
pub(super) struct Session {
    pub(super) log: Rc<str>,
    pub(super) judge: Rc<Judge>,
    pub(super) asker: Asker,
    pub(super) doorman: Doorman,
    /// The policy that held then wants no values of arguments in the log.
    pub(super) names_only: bool,
    /// Calls that were held.
    pub(super) held: Held,
    /// Tools whose calls went on as tasks: requests about those are recorded as calls, too.
    pub(super) tasks: BTreeSet<String>,
    pub(super) open: OpenCalls,
    /// The latest time of its records.
    latest: Timestamp,
    /// The clock was set back within it.
    pub(super) turned_back: bool,
    /// A call that is refused now would have ended the session.
    pub(super) ended_by_refusal: bool,
}

impl Session {
    pub(super) fn begun(log: &Rc<str>, record: &Record, judge: Rc<Judge>, caller: Option<Caller>) -> Self {
        let workspace = match &record.body {
            Body::SessionStart(start) => PathBuf::from(&start.workspace),
            _ => PathBuf::from("/"),
        };
        let around = surroundings_in(&workspace);
        let asker = Asker::of(&judge, caller);
        Self {
            log: Rc::clone(log),
            doorman: Doorman::hired(&judge, asker.caller.clone(), &around, record.time),
            judge,
            asker,
            names_only: false,
            held: Held::default(),
            latest: record.time,
            turned_back: false,
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
        if waited.is_none() {
            self.goes_on(record, tally);
        }
        match &record.body {
            Body::SessionStart(start) => self.held_then(&start.coverage),
            Body::PolicyChanged(changed) => self.held_then(&changed.coverage),
            Body::Approval(approval) => self.held.note(approval),
            Body::ToolCall(call) => self.call(&Made { record, call, at, waited }, ahead, tally),
            Body::ToolResult(result) => self.result(record, result, tally),
            Body::SessionEnd(_) => self.finish(tally),
            body => {
                let Some(denial) = body.denial() else { return };
                events::judged(&self.judge, &self.asker, denial, &self.seen(record), tally);
            }
        }
    }

    /// Time has gone on to this record. Calls and their ends look at their times themselves.
    fn goes_on(&mut self, record: &Record, tally: &mut Tally) {
        if self.latest.duration_since(record.time) > SET_BACK {
            self.doorman.turned_back(self.latest, record.time);
            self.turned_back = true;
            self.in_doubt();
            self.latest = record.time;
        }
        self.latest = self.latest.max(record.time);
        if !matches!(record.body, Body::ToolCall(_) | Body::ToolResult(_)) {
            let at = self.doorman.instant(record.time);
            self.time_passes(at, before(at), tally);
        }
    }

    /// How long calls took that were in flight when the clock was set back nobody can tell.
    fn in_doubt(&mut self) {
        let judge = Rc::clone(&self.judge);
        let timed = |call: &&mut Call| judge.tool(&call.tool).timeout.is_some();
        for call in self.open.still_open().filter(timed).filter(|call| call.verdict.now == Now::Allowed) {
            call.verdict = Verdict::unknown("the clock was set back while it was in flight");
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
}
