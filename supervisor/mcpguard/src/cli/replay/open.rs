//! The calls that are in flight at the replay, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use audit::{Cause, Record};

use super::doorman::Number;
use super::tally::Seen;
use super::verdict::{Now, Then, Verdict};

/// Calls that are kept open; of more, the oldest is closed.
pub(super) const MOST: usize = 4096;

/// A call that went through, then.
pub(super) struct Call {
    pub(super) tool: String,
    pub(super) seen: Seen,
    pub(super) then: Then,
    pub(super) verdict: Verdict,
    pub(super) number: Number,
    /// Since when it is at the server; `None`: it waits for an exclusive one.
    pub(super) began: Option<Instant>,
    /// It has ended at the replay.
    pub(super) over: bool,
    /// Its recorded end: whether the answer passed then, and what is said of it now.
    pub(super) end: Option<(Then, Verdict)>,
    /// How long it took, where that is known when its turn comes.
    pub(super) took: Option<Duration>,
    /// When it ends by that.
    pub(super) ends: Option<Instant>,
}

/// See [`Call`]; by the number of the record.
#[derive(Default)]
pub(super) struct OpenCalls {
    calls: BTreeMap<u64, Call>,
    numbers: BTreeMap<Number, u64>,
    /// Calls that ended in the log before they began at the replay, and when they end there.
    due: BTreeSet<(Instant, Number)>,
}

impl Call {
    /// What happened then and would happen now, call and answer together.
    pub(super) fn sum(self) -> (Seen, Then, Verdict) {
        let Self { seen, then, verdict, end, .. } = self;
        let Some((end, answer)) = end else { return (seen, then, verdict) };
        let then = if matches!(end, Then::Denied(_)) { end } else { then };
        let by_answer = match (verdict.now, answer.now) {
            (Now::Denied(_), _) | (_, Now::Allowed) => false,
            // What certainly does not go through at once is no less certain for an answer of which nothing is known.
            (_, Now::Unknown) => !verdict.narrows(then),
            // Nor does it succeed, whatever is not known of the call itself.
            (_, Now::Denied(_) | Now::Waits(_)) => true,
        };
        (seen, then, if by_answer { answer } else { verdict })
    }
}

impl OpenCalls {
    pub(super) fn add(&mut self, record: u64, call: Call) {
        self.numbers.insert(call.number, record);
        self.calls.insert(record, call);
    }

    pub(super) fn is_full(&self) -> bool {
        self.calls.len() >= MOST
    }

    /// Calls that are at the server or wait at the replay.
    pub(super) fn in_flight(&self) -> usize {
        self.calls.values().filter(|call| !call.over).count()
    }

    /// Those, to say something of them.
    pub(super) fn still_open(&mut self) -> impl Iterator<Item = &mut Call> {
        self.calls.values_mut().filter(|call| !call.over)
    }

    /// The call that was recorded first.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.calls.first_key_value().map(|(record, _)| *record)
    }

    pub(super) fn get(&mut self, record: u64) -> Option<&mut Call> {
        self.calls.get_mut(&record)
    }

    pub(super) fn numbered(&mut self, number: Number) -> Option<(u64, &mut Call)> {
        let record = *self.numbers.get(&number)?;
        Some((record, self.calls.get_mut(&record)?))
    }

    pub(super) fn remove(&mut self, record: u64) -> Option<Call> {
        let call = self.calls.remove(&record)?;
        self.numbers.remove(&call.number);
        if let Some(ends) = call.ends {
            self.due.remove(&(ends, call.number));
        }
        Some(call)
    }

    /// A call that has begun only now takes as long as it took.
    pub(super) fn ends_at(&mut self, at: Instant, number: Number) {
        if let Some((_, call)) = self.numbered(number) {
            call.ends = Some(at);
            self.due.insert((at, number));
        }
    }

    /// The next such end, if it is by then.
    pub(super) fn next_end(&self, until: Instant) -> Option<(Instant, Number)> {
        self.due.first().filter(|(at, _)| *at <= until).copied()
    }

    pub(super) fn ended(&mut self, due: (Instant, Number)) {
        self.due.remove(&due);
    }
}

/// A call that takes too long now.
pub(super) fn timed_out(call: &mut Call, verdict: Verdict) {
    call.over = true;
    // Whatever its arguments are, it does not succeed.
    if matches!(call.verdict.now, Now::Allowed | Now::Unknown) {
        call.verdict = verdict;
    }
}

/// Whether a record tells that time was up.
pub(super) fn is_late(cause: Option<Cause>) -> bool {
    cause == Some(Cause::Timeout)
}

/// The key of a call that never got its turn, so that it has no number of its own.
pub(super) fn waiting(record: &Record) -> u64 {
    1 << 63 | record.seq
}
