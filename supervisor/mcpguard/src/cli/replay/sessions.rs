//! The sessions of one log, each judged by itself.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use audit::{Body, Record, SessionId};

use super::judge::Judges;
use super::session::Session;
use super::steps::Step;
use super::tally::Tally;

/// Sessions that are judged at the same time; of more, the one that was heard of first is closed.
const MOST: usize = 1024;

/// See the module.
pub(super) struct Sessions {
    log: Rc<str>,
    known: BTreeMap<SessionId, Session>,
    order: VecDeque<SessionId>,
}

impl Sessions {
    pub(super) fn new(log: String) -> Self {
        Self { log: log.into(), known: BTreeMap::new(), order: VecDeque::new() }
    }

    /// Judges what comes next.
    ///
    /// # Errors
    /// The policy has mistakes, which are told when it is first needed.
    pub(super) fn step(
        &mut self,
        step: &Step,
        ahead: &VecDeque<Record>,
        judges: &mut Judges,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let record = match step {
            Step::Record(record) | Step::Told(record) => record,
            Step::Arrival(arrival) => &arrival.record,
        };
        tally.records += u64::from(!matches!(step, Step::Arrival(_)));
        // The daemon's records about itself are of no session.
        if record.session == SessionId::host() {
            return Ok(());
        }
        if !self.known.contains_key(&record.session) {
            self.begin(record, judges, tally)?;
        }
        if let Some(session) = self.known.get_mut(&record.session) {
            session.step(step, ahead, tally);
        }
        if matches!(record.body, Body::SessionEnd(_)) {
            self.end(&record.session, tally);
        }
        Ok(())
    }

    fn begin(&mut self, record: &Record, judges: &mut Judges, tally: &mut Tally) -> anyhow::Result<()> {
        if self.order.len() >= MOST
            && let Some(first) = self.order.front().cloned()
        {
            self.end(&first, tally);
        }
        let start = match &record.body {
            Body::SessionStart(start) => Some(&**start),
            _ => None,
        };
        tally.sessions += 1;
        tally.without_start += u64::from(start.is_none());
        let session = Session::begun(&self.log, record, judges.of(start)?, judges.caller(start));
        self.known.insert(record.session.clone(), session);
        self.order.push_back(record.session.clone());
        Ok(())
    }

    fn end(&mut self, id: &SessionId, tally: &mut Tally) {
        self.order.retain(|other| other != id);
        if let Some(mut session) = self.known.remove(id) {
            session.finish(tally);
            tally.ended_by_refusal += u64::from(session.ended_by_refusal);
        }
    }

    /// The log has come to its end.
    pub(super) fn finish(mut self, tally: &mut Tally) {
        while let Some(first) = self.order.front().cloned() {
            self.end(&first, tally);
        }
    }
}
