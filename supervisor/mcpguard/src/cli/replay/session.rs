//! One recorded session, judged record by record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

use audit::{ApprovalState, Body, CoverageEntry, Record};
use mcp::Caller;

use super::arrival::Arrival;
use super::calls::Made;
use super::doorman::Doorman;
use super::events;
use super::judge::Judge;
use super::open::OpenCalls;
use super::steps::Step;
use super::tally::{Seen, Tally};
use super::untold::Asker;
use crate::session::surroundings_in;

/// Held calls and tools with tasks that are remembered.
const MOST: usize = 4096;

/// See the module.
pub(super) struct Session {
    pub(super) log: Rc<str>,
    pub(super) judge: Rc<Judge>,
    pub(super) asker: Asker,
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
                events::judged(&self.judge, &self.asker, denial, &self.seen(record), tally);
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
}
