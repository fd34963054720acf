//! Runs ahead of the reader, to tell when calls arrived that waited for an exclusive one: they are written down only when
//! their turn has come, but count from their arrival.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use audit::{ApprovalState, Body, Cause, CoverageEntry, Outcome, Record, SessionId, ToolCall, Verdict};
use jiff::{SignedDuration, Timestamp};

use super::arrival::{Arrival, Waited, number};

/// Records that the scout is ahead. A call that waits longer counts from when its turn has come.
pub(super) const AHEAD: u64 = 16 * 1024;
/// Calls, and sessions, that are remembered.
const MOST: usize = 4096;
/// A call that was written down so much later than it arrived has waited; less is the time of writing.
const WRITTEN: SignedDuration = SignedDuration::from_millis(1);
/// Calls that arrived so near to one another are told apart by their numbers.
const NEAR: SignedDuration = SignedDuration::from_millis(5);

/// What is known of calls before the reader comes to them.
#[derive(Default)]
pub(super) struct Scout {
    /// By session and number.
    open: BTreeMap<(SessionId, u64), Record>,
    /// Calls that wait for an approval: their time begins with it.
    held: BTreeSet<(SessionId, u64)>,
    /// Each session's timeouts in seconds, by tool key.
    timeouts: BTreeMap<SessionId, BTreeMap<String, i64>>,
    /// By arrival.
    early: BTreeMap<(Timestamp, SessionId, u64), Arrival>,
    moved: BTreeSet<(SessionId, u64)>,
}

impl Scout {
    /// Sees the next record.
    pub(super) fn sees(&mut self, record: Record) {
        match &record.body {
            Body::SessionStart(start) => self.rules(&record.session, &start.coverage),
            Body::PolicyChanged(changed) => self.rules(&record.session, &changed.coverage),
            Body::Approval(approval) if approval.state == ApprovalState::Held && self.held.len() < MOST => {
                self.held.insert((record.session.clone(), approval.call));
            }
            // It does not go to the server, and makes room for another one.
            Body::Approval(approval) if approval.state == ApprovalState::Denied => {
                self.held.remove(&(record.session, approval.call));
            }
            Body::ToolCall(call) if call.verdict == Verdict::Allowed => {
                let key = (record.session.clone(), call.call);
                if !self.held.remove(&key) && self.open.len() < MOST {
                    self.open.insert(key, record);
                }
            }
            Body::ToolCall(call) if call.cause == Some(Cause::Timeout) => {
                if let Some(seconds) = self.timeout(&record.session, call)
                    && let Ok(at) = record.time.checked_sub(SignedDuration::from_secs(seconds))
                {
                    self.tell(record, at, Waited::InVain);
                }
            }
            Body::ToolResult(result) => {
                let Some(call) = self.open.remove(&(record.session.clone(), result.call)) else { return };
                let since =
                    SignedDuration::from_micros(i64::try_from(result.duration_us).unwrap_or(i64::MAX));
                let Ok(at) = record.time.checked_sub(since) else { return };
                let took = Duration::try_from(record.time.duration_since(call.time)).unwrap_or_default();
                let out = result.outcome == Outcome::TimedOut;
                let waited = if out { Waited::RanOut } else { Waited::Ran(took) };
                // Where it ended before it was written down, the clock was set back, and tells nothing of waiting.
                if call.time <= record.time && call.time.duration_since(at) > WRITTEN {
                    self.tell(call, at, waited);
                }
            }
            Body::SessionEnd(_) => self.forget(&record.session),
            _ => {}
        }
    }

    fn tell(&mut self, record: Record, at: Timestamp, waited: Waited) {
        // Its end was written down a little late as well; too early is made good, too late is not.
        let at = self.in_order(&record, at.checked_sub(WRITTEN).unwrap_or(at));
        if self.early.len() < MOST {
            let Record { session, seq, .. } = &record;
            self.moved.insert((session.clone(), *seq));
            self.early.insert((at, session.clone(), *seq), Arrival { record, at, waited });
        }
    }

    /// Calls have their numbers in the order of arrival, which tells more than times do that are so near.
    fn in_order(&self, record: &Record, at: Timestamp) -> Timestamp {
        let (Ok(from), Ok(to)) = (at.checked_sub(NEAR), at.checked_add(NEAR)) else { return at };
        let first = SessionId::host();
        let near = self.early.range((from, first.clone(), 0)..(to, first, 0)).map(|(_, arrival)| arrival);
        let near: Vec<(u64, Timestamp)> = near
            .filter(|other| other.record.session == record.session)
            .filter_map(|other| Some((number(&other.record)?, other.at)))
            .collect();
        let Some(mine) = number(record) else { return at };
        let after = near.iter().filter(|(number, _)| *number < mine).map(|(_, at)| *at).max();
        let until = near.iter().filter(|(number, _)| *number > mine).map(|(_, at)| *at).min();
        let just = SignedDuration::from_micros(1);
        let at = after.and_then(|after| after.checked_add(just).ok()).map_or(at, |after| at.max(after));
        until.and_then(|until| until.checked_sub(just).ok()).map_or(at, |until| at.min(until))
    }

    fn forget(&mut self, session: &SessionId) {
        self.open.retain(|(other, _), _| other != session);
        self.held.retain(|(other, _)| other != session);
        self.timeouts.remove(session);
    }

    fn rules(&mut self, session: &SessionId, coverage: &[CoverageEntry]) {
        let timeout = |entry: &CoverageEntry| {
            let (key, seconds) = entry.rule.text.strip_prefix("tools.")?.split_once(".timeout_seconds: ")?;
            Some((key.to_owned(), seconds.parse().ok()?))
        };
        if self.timeouts.len() < MOST {
            self.timeouts.insert(session.clone(), coverage.iter().filter_map(timeout).collect());
        }
    }

    /// How long a call might wait then.
    fn timeout(&self, session: &SessionId, call: &ToolCall) -> Option<i64> {
        let timeouts = self.timeouts.get(session)?;
        let key = call.rule.as_ref()?.text.strip_prefix("tools.")?;
        let key = key.split_once(".enabled: ").map_or(key, |(key, _)| key);
        timeouts.get(key).or_else(|| timeouts.get("defaults")).copied()
    }

    /// The next call that arrived before the first of these records, the next of the log.
    pub(super) fn arrived(&mut self, next: &VecDeque<Record>) -> Option<Arrival> {
        let by = next.front()?.time;
        let (_, arrival) = self.early.first_key_value().filter(|((at, ..), _)| *at <= by)?;
        let until = arrival.at.checked_add(NEAR).unwrap_or(arrival.at);
        let mut near = next.iter().take_while(|record| record.time <= until);
        // A call with a smaller number came first, whatever the times tell.
        if near.any(|record| self.precedes(record, arrival)) {
            return None;
        }
        self.early.pop_first().map(|(_, arrival)| arrival)
    }

    fn precedes(&self, record: &Record, arrival: &Arrival) -> bool {
        let (Some(number), Some(mine)) = (number(record), number(&arrival.record)) else { return false };
        record.session == arrival.record.session
            && number < mine
            && !self.moved.contains(&(record.session.clone(), record.seq))
    }

    /// Whether this record was told before its place.
    pub(super) fn was_told(&mut self, record: &Record) -> bool {
        let key = (record.session.clone(), record.seq);
        // One that arrived only now, as far as times tell, is told here.
        let moved = self.moved.remove(&key);
        moved && self.early.iter().all(|((_, session, seq), _)| (session, *seq) != (&key.0, key.1))
    }
}
