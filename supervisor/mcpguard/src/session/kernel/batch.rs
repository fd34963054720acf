//! Equal kernel events counted, so that a flood costs the flooding server and not the log, and hides nothing: each kind of
//! event has room of its own, and what does not fit is counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use abi::EventKind;
use enforce::KernelEvent;
use mcp::CallInFlight;

/// Different events of one kind in one batch.
const DISTINCT: usize = 32;

/// The shortest time between two batches.
const PAUSE: Duration = Duration::from_millis(50);

/// An event, how often it happened, and the calls that were in flight when it was first seen.
pub(super) struct Counted {
    pub(super) event: KernelEvent,
    pub(super) count: u64,
    pub(super) calls: Vec<CallInFlight>,
}

/// Events since the last batch.
#[derive(Default)]
pub(super) struct Batch {
    counted: BTreeMap<EventKind, Vec<Counted>>,
    /// Events that are only known by number, by kind.
    crowded_out: BTreeMap<EventKind, u64>,
    due: Option<Instant>,
    last: Option<Instant>,
}

impl Batch {
    /// Counts an event that happened while these calls were in flight.
    pub(super) fn add(&mut self, event: KernelEvent, calls: &[CallInFlight], now: Instant) {
        // The first one after a quiet time is due at once.
        self.due.get_or_insert_with(|| self.last.map_or(now, |last| now.max(last + PAUSE)));
        let of_kind = self.counted.entry(event.kind).or_default();
        if let Some(known) =
            of_kind.iter_mut().find(|known| is_same(&known.event, &event) && known.calls == calls)
        {
            known.count += 1;
            return;
        }
        if of_kind.len() >= DISTINCT {
            *self.crowded_out.entry(event.kind).or_default() += 1;
            return;
        }
        of_kind.push(Counted { event, count: 1, calls: calls.to_vec() });
    }

    /// When the batch is to be written; `None` while it is empty.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes the batch: the events, and how many more there were.
    pub(super) fn take(&mut self, now: Instant) -> (Vec<Counted>, BTreeMap<EventKind, u64>) {
        self.due = None;
        self.last = Some(now);
        let counted = std::mem::take(&mut self.counted).into_values().flatten().collect();
        (counted, std::mem::take(&mut self.crowded_out))
    }
}

/// Whether two events are one in the log: the same attempt of one process at the same object, with the same outcome.
fn is_same(one: &KernelEvent, other: &KernelEvent) -> bool {
    one.kind == other.kind
        && one.process == other.process
        && one.reason == other.reason
        && one.action == other.action
        && one.rule == other.rule
        && one.access == other.access
        && one.path == other.path
        && one.peer == other.peer
}
