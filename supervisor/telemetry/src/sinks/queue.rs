//! What waits for a sink: so many items and bytes at most. Who offers never waits; what does not fit is dropped and counted.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Items that wait or are being delivered.
const MAX_ITEMS: usize = 8192;
/// Their bytes.
const MAX_BYTES: usize = 16 << 20;
/// How long a sink has to take what waits when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// A bounded queue with one reader.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<(usize, T)>,
    /// Items and bytes that wait or are being delivered.
    items: usize,
    bytes: usize,
    /// Dropped since somebody asked.
    dropped: u64,
    closed: Option<Instant>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let waiting = VecDeque::new();
        let state = State { waiting, items: 0, bytes: 0, dropped: 0, closed: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Puts items with their bytes at the end, as many as there is room for. Gives the number of those that were dropped.
    pub(super) fn offer(&self, items: impl IntoIterator<Item = (usize, T)>) -> u64 {
        let mut state = self.state();
        let before = state.dropped;
        for (bytes, item) in items {
            if state.closed.is_some() || state.items >= MAX_ITEMS || state.bytes + bytes > MAX_BYTES {
                state.dropped += 1;
                continue;
            }
            state.items += 1;
            state.bytes += bytes;
            state.waiting.push_back((bytes, item));
        }
        let dropped = state.dropped - before;
        drop(state);
        self.changed.notify_all();
        dropped
    }

    /// Waits for items and takes so many at most. They count as waiting until [`Self::done`]. `None` at the end.
    pub(super) fn take(&self, most: usize) -> Option<(usize, Vec<T>)> {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.closed.is_some() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = most.min(state.waiting.len());
        let mut bytes = 0;
        let taken = state.waiting.drain(..count).map(|(weight, item)| {
            bytes += weight;
            item
        });
        let taken = taken.collect();
        Some((bytes, taken))
    }

    /// Items of a former [`Self::take`] are gone: delivered, or dropped.
    pub(super) fn done(&self, items: usize, bytes: usize, dropped: usize) {
        let mut state = self.state();
        state.items -= items;
        state.bytes -= bytes;
        state.dropped += dropped as u64;
    }

    /// Waits so long, or shorter if the queue is closed meanwhile. Says whether there is time to go on.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let state = self.state();
        let open = |state: &mut State<T>| state.closed.is_none();
        let (state, _) =
            self.changed.wait_timeout_while(state, time, open).unwrap_or_else(PoisonError::into_inner);
        match state.closed {
            None => true,
            Some(deadline) => {
                drop(state);
                std::thread::sleep(time.min(Duration::from_millis(100)));
                Instant::now() < deadline
            }
        }
    }

    /// Nothing more is taken in; the reader has five seconds for what waits.
    pub(super) fn close(&self) {
        self.state().closed.get_or_insert_with(|| Instant::now() + FAREWELL);
        self.changed.notify_all();
    }

    /// How many were dropped since this was asked the last time.
    pub(super) fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.state().dropped)
    }

    /// A panic elsewhere leaves a whole queue behind.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_bytes_are_bounded_and_what_is_being_delivered_counts() {
        let queue = Queue::new();
        assert_eq!(queue.offer((0..MAX_ITEMS + 5).map(|item| (1, item))), 5);
        assert_eq!((queue.take_dropped(), queue.take_dropped()), (5, 0));
        let (bytes, taken) = queue.take(100).unwrap();
        assert_eq!((bytes, taken.len(), taken[0]), (100, 100, 0));
        assert_eq!(queue.offer([(1, 7)]), 1);
        queue.done(100, bytes, 0);
        assert_eq!(queue.offer([(MAX_BYTES, 7), (1, 8)]), 1);
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_ends() {
        let queue = Queue::new();
        queue.offer([(1, 'a')]);
        queue.close();
        assert_eq!(queue.offer([(1, 'b')]), 1);
        assert_eq!(queue.take(9), Some((1, vec!['a'])));
        assert_eq!(queue.take(9), None);
        assert!(queue.pause(Duration::ZERO));
    }
}
