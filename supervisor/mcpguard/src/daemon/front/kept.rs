//! The last kernel events of one session, kept for a client that was not there or comes back.

use std::collections::{BTreeMap, VecDeque};

use control::message::{Dropped, EventKind, KernelEvent};

use super::settings::Limits;

/// Of each event besides its name and its path, roughly.
const SIZE: usize = 256;

/// The last events, and how many were never told.
#[derive(Debug, Default)]
pub(super) struct KeptEvents {
    /// In the order of their numbers. The last ones may be waiting to be told.
    events: VecDeque<KernelEvent>,
    waiting: usize,
    bytes: usize,
    /// Events that are gone, and that nobody was told of.
    lost: BTreeMap<EventKind, u64>,
}

impl KeptEvents {
    /// Keeps an event, to be told; the oldest ones make room.
    pub(super) fn push(&mut self, event: KernelEvent, limits: &Limits) {
        self.bytes += size(&event);
        self.events.push_back(event);
        self.waiting += 1;
        while self.events.len() > limits.kept_events || self.bytes > limits.kept_bytes {
            let waited = self.waiting == self.events.len();
            let Some(gone) = self.events.pop_front() else { return };
            self.bytes -= size(&gone);
            if waited {
                self.waiting -= 1;
                *self.lost.entry(gone.kind).or_default() += 1;
            }
        }
    }

    /// Tells what waits, in order, for as long as there is room for it.
    pub(super) fn tell(&mut self, mut has_room: impl FnMut(&KernelEvent) -> bool) {
        let told = self.events.len() - self.waiting;
        let now = self.events.range(told..).take_while(|event| has_room(event)).count();
        self.waiting -= now;
    }

    /// The first that waits to be told, and the last.
    pub(super) fn waiting(&self) -> Option<(u64, u64)> {
        let mut waiting = self.events.range(self.events.len() - self.waiting..).map(|event| event.sequence);
        let first = waiting.next()?;
        Some((first, waiting.next_back().unwrap_or(first)))
    }

    /// Denials that nobody will be told of are counted with those that are gone.
    pub(super) fn lose(&mut self, kind: EventKind, count: u64) {
        *self.lost.entry(kind).or_default() += count;
    }

    /// The client has heard everything up to this number. What came since is to be told now.
    pub(super) fn resume(&mut self, heard: u64) {
        self.events.retain(|event| event.sequence > heard);
        self.bytes = self.events.iter().map(size).sum();
        self.waiting = self.events.len();
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

    /// What is told when there is room for so many.
    fn told(kept: &mut KeptEvents, mut room: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        kept.tell(|event| {
            let has_room = room > 0;
            numbers.extend(has_room.then_some(event.sequence));
            room = room.saturating_sub(1);
            has_room
        });
        numbers
    }

    #[test]
    fn what_was_heard_is_not_told_again_and_what_is_gone_is_counted() {
        let limits = Limits { kept_events: 3, ..Limits::default() };
        let mut kept = KeptEvents::default();
        (1..=2).for_each(|number| kept.push(event(number), &limits));
        assert_eq!(told(&mut kept, 9), [1, 2]);
        (3..=6).for_each(|number| kept.push(event(number), &limits));
        let lost = kept.take_lost().unwrap();
        assert_eq!(lost.kinds, [(EventKind::Exec, 1)], "of 1, 2 and 3 only 3 was never told");
        kept.resume(4);
        assert_eq!((told(&mut kept, 9), kept.take_lost()), (vec![5, 6], None));
        kept.resume(0);
        assert_eq!(told(&mut kept, 9), [5, 6], "a client may be lost again before it has read them");
        kept.resume(6);
        assert_eq!(told(&mut kept, 9), [0; 0]);
    }

    #[test]
    fn what_there_is_no_room_for_is_told_later() {
        let limits = Limits { kept_events: 4, ..Limits::default() };
        let mut kept = KeptEvents::default();
        (1..=4).for_each(|number| kept.push(event(number), &limits));
        assert_eq!(told(&mut kept, 1), [1]);
        assert_eq!(told(&mut kept, 0), [0; 0]);
        (5..=6).for_each(|number| kept.push(event(number), &limits));
        assert_eq!(
            kept.take_lost().unwrap().kinds,
            [(EventKind::Exec, 1)],
            "of 1 and 2 only 2 was never told"
        );
        assert_eq!(kept.waiting(), Some((3, 6)));
        assert_eq!((told(&mut kept, 3), kept.waiting()), (vec![3, 4, 5], Some((6, 6))));
        assert_eq!((told(&mut kept, 3), kept.waiting()), (vec![6], None));
        assert_eq!(kept.take_lost(), None);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let limits = Limits { kept_bytes: 10 * SIZE, ..Limits::default() };
        let mut kept = KeptEvents::default();
        (0..1000).for_each(|number| kept.push(event(number), &limits));
        assert_eq!(kept.bytes, kept.events.iter().map(size).sum::<usize>());
        assert!(told(&mut kept, 1000).len() < 10);
    }
}
