//! A sink's queue and the thread that empties it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::queue::Queue;
use crate::metrics::Metrics;

/// Items that are handed over at once.
const AT_ONCE: usize = 512;
/// How long to wait before a sink that is away is tried again: this first, then twice as long, up to the other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How items reach a sink.
pub(crate) trait Deliver<T>: Send + 'static {
    /// Delivers items in their order and says how many. Without a failure it is called again for the rest at once.
    fn deliver(&mut self, items: &[T]) -> (usize, Option<Failure>);
}

/// Why an item was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody is there, or it is slow: the same items may be delivered later.
    Away,
    /// The next so many items will never be taken.
    Refused(usize),
}

/// A sink with its queue and its thread.
#[derive(Debug)]
pub(crate) struct Outlet<T> {
    name: &'static str,
    queue: Arc<Queue<T>>,
    thread: Option<JoinHandle<()>>,
    metrics: Arc<Metrics>,
}

impl<T: Send + 'static> Outlet<T> {
    /// Starts the thread.
    pub(crate) fn start(
        name: &'static str,
        deliver: impl Deliver<T>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        metrics.sink_sent(name, 0);
        metrics.sink_dropped(name, 0);
        let queue = Arc::new(Queue::new());
        let worker = Worker { name, queue: Arc::clone(&queue), deliver, metrics: Arc::clone(&metrics) };
        // The kernel shows fifteen characters of a thread's name.
        let thread = std::thread::Builder::new().name(format!("sink-{name}")).spawn(move || worker.run())?;
        Ok(Self { name, queue, thread: Some(thread), metrics })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Offers items with their bytes; what there is no room for is dropped and counted.
    pub(crate) fn offer(&self, items: impl IntoIterator<Item = (usize, T)>) {
        let dropped = self.queue.offer(items);
        if dropped > 0 {
            self.metrics.sink_dropped(self.name, dropped);
        }
    }

    pub(crate) fn take_dropped(&self) -> u64 {
        self.queue.take_dropped()
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Waits for the end of the thread. Close it first.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on stderr.
            let _ = thread.join();
        }
    }
}

impl<T> Drop for Outlet<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct Worker<T, D> {
    name: &'static str,
    queue: Arc<Queue<T>>,
    deliver: D,
    metrics: Arc<Metrics>,
}

impl<T, D: Deliver<T>> Worker<T, D> {
    fn run(mut self) {
        while let Some((bytes, items)) = self.queue.take(AT_ONCE) {
            let dropped = self.deliver_all(&items);
            self.queue.done(items.len(), bytes, dropped);
            if dropped > 0 {
                self.metrics.sink_dropped(self.name, dropped as u64);
            }
        }
    }

    /// Delivers until nothing is left; gives how many had to be dropped.
    fn deliver_all(&mut self, items: &[T]) -> usize {
        let (mut at, mut dropped, mut pause) = (0, 0, PAUSES.0);
        while at < items.len() {
            let (delivered, failure) = self.deliver.deliver(&items[at..]);
            self.metrics.sink_sent(self.name, delivered as u64);
            at += delivered;
            if delivered > 0 {
                pause = PAUSES.0;
            }
            match failure {
                None => {}
                Some(Failure::Refused(count)) => {
                    self.metrics.sink_failed(self.name);
                    let count = count.clamp(1, items.len() - at);
                    (at, dropped) = (at + count, dropped + count);
                }
                Some(Failure::Away) => {
                    self.metrics.sink_failed(self.name);
                    if !self.queue.pause(pause) {
                        return dropped + items.len() - at;
                    }
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
        dropped
    }
}
