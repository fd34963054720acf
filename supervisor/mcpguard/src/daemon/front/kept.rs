//! The last kernel events of one session, kept for a client that was not there or comes back.

use std::collections::{BTreeMap, VecDeque};

use control::message::{Dropped, EventKind, KernelEvent};

use super::settings::Limits;

/// Of each event besides its name and its path, roughly.
const SIZE: usize = 256;

/// The last events, and how many were never told.
#[derive(Debug, Default)]
pub(super) struct KeptEvents {
    /// In the order of their numbers; whether somebody was told of it.
    events: VecDeque<(KernelEvent, bool)>,
    bytes: usize,
    /// Events that are gone, and that nobody was told of.
    lost: BTreeMap<EventKind, u64>,
}

impl KeptEvents {
    /// Keeps an event; the oldest ones make room.
    pub(super) fn push(&mut self, event: KernelEvent, told: bool, limits: &Limits) {
        self.bytes += size(&event);
        self.events.push_back((event, told));
        while self.events.len() > limits.kept_events || self.bytes > limits.kept_bytes {
            let Some((gone, told)) = self.events.pop_front() else { return };
            self.bytes -= size(&gone);
            if !told {
                *self.lost.entry(gone.kind).or_default() += 1;
            }
        }
    }

    /// Denials that nobody will be told of are counted with those that are gone.
    pub(super) fn lose(&mut self, kind: EventKind, count: u64) {
        *self.lost.entry(kind).or_default() += count;
    }

    /// The client has heard everything up to this number. What came since, to be told now.
    pub(super) fn resume(&mut self, heard: u64) -> Vec<KernelEvent> {
        self.events.retain(|(event, _)| event.sequence > heard);
        self.bytes = self.events.iter().map(|(event, _)| size(event)).sum();
        self.events.iter_mut().for_each(|(_, told)| *told = true);
        self.events.iter().map(|(event, _)| event.clone()).collect()
    }

    /// What was lost since this was last asked.
    pub(super) fn take_lost(&mut self) -> Option<Dropped> {
        let kinds: Vec<(EventKind, u64)> = std::mem::take(&mut self.lost).into_iter().collect();
        (!kinds.is_empty()).then_some(Dropped { kinds })
    }
}

fn size(event: &KernelEvent) -> usize {
    let path = event.path.as_ref().map_or(0, |seen| seen.path.as_bytes().len());
    SIZE + event.name.as_bytes().len() + path
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn event(sequence: u64) -> KernelEvent {
        let text = format!(
            r#"{{"sequence":{sequence},"at_ns":2,"active":1,"call":0,"process":3,"thread":3,"name":"x","kind":"exec","action":"denied","reason":"rate","access":0}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn numbers(events: &[KernelEvent]) -> Vec<u64> {
        events.iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn what_was_heard_is_not_told_again_and_what_is_gone_is_counted() {
        let limits = Limits { kept_events: 3, ..Limits::default() };
        let mut kept = KeptEvents::default();
        for number in 1..=2 {
            kept.push(event(number), true, &limits);
        }
        for number in 3..=6 {
            kept.push(event(number), false, &limits);
        }
        let lost = kept.take_lost().unwrap();
        assert_eq!(lost.kinds, [(EventKind::Exec, 1)], "of 1, 2 and 3 only 3 was never told");
        assert_eq!(numbers(&kept.resume(4)), [5, 6]);
        assert_eq!(kept.take_lost(), None);
        assert_eq!(numbers(&kept.resume(0)), [5, 6], "a client may be lost again before it has read them");
        assert_eq!(numbers(&kept.resume(6)), [0; 0]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let limits = Limits { kept_bytes: 10 * SIZE, ..Limits::default() };
        let mut kept = KeptEvents::default();
        (0..1000).for_each(|number| kept.push(event(number), false, &limits));
        assert!(kept.resume(0).len() < 10);
        assert_eq!(kept.bytes, kept.events.iter().map(|(event, _)| size(event)).sum::<usize>());
    }
}
