//! One who is told: a bounded queue and the thread that empties it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::found::Message;
use super::ways::Way;
use crate::terminal;

/// Alerts that wait.
pub(super) const ROOM: usize = 64;
/// Of these, room that only critical alerts have: what is not critical can be brought about by a server at will.
const FOR_CRITICAL: u64 = 16;

/// Critical alerts in a minute, and others. Rules do not tell the same again and again; many rules and tools together are bounded here.
pub(super) const A_MINUTE: usize = 60;

/// An alert, and how many before it were dropped since the last one that was not.
type Queued = (Arc<Message>, u64);

/// One who is told.
pub(super) struct Outlet {
    name: &'static str,
    queue: Option<SyncSender<Queued>>,
    /// Until the thread is started.
    worker: Option<Worker>,
    /// When the last alerts were let in: critical ones, and others.
    let_in: [VecDeque<Instant>; 2],
    /// Those that the thread is through with.
    done: Arc<AtomicU64>,
    /// Those that were let in altogether.
    sent: u64,
    /// Dropped since the last one that was let in.
    missed: u64,
    /// Dropped and let in altogether.
    offered: u64,
    told: Arc<AtomicU64>,
    /// Ends when the thread does.
    ended: Receiver<()>,
}

struct Worker {
    name: &'static str,
    queue: Receiver<Queued>,
    way: Box<dyn Way>,
    told: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
    _ends: Sender<()>,
}

impl Outlet {
    pub(super) fn new(name: &'static str, way: impl Way) -> Self {
        let (queue, waiting) = sync_channel(ROOM);
        let (ends, ended) = channel();
        let (told, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let worker = Worker {
            name,
            queue: waiting,
            way: Box::new(way),
            told: Arc::clone(&told),
            done: Arc::clone(&done),
            _ends: ends,
        };
        let (queue, worker) = (Some(queue), Some(worker));
        let let_in = [VecDeque::new(), VecDeque::new()];
        Self { name, queue, worker, let_in, done, sent: 0, missed: 0, offered: 0, told, ended }
    }

    /// Starts the thread, if it is not there yet.
    pub(super) fn open(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        // The kernel shows fifteen characters of a thread's name.
        let started = Builder::new().name(format!("alert-{}", self.name)).spawn(move || worker.run());
        if let Err(error) = started {
            terminal::warning(&format!("no alert reaches `alerts.to.{}`: {error}", self.name));
        }
    }

    /// Puts an alert into the queue. Never waits: what there is no room for is dropped and counted.
    pub(super) fn offer(&mut self, message: &Arc<Message>, now: Instant) {
        self.offered += 1;
        let may = self.has_room(message.is_critical(), now);
        let queue = self.queue.as_ref().filter(|_| may);
        match queue.map(|queue| queue.try_send((Arc::clone(message), self.missed))) {
            Some(Ok(())) => {
                self.let_in[usize::from(message.is_critical())].push_back(now);
                self.sent += 1;
                self.missed = 0;
            }
            _ => self.missed += 1,
        }
    }

    /// Whether another alert of this kind may be let in; one kind takes nothing from the other.
    fn has_room(&mut self, critical: bool, now: Instant) -> bool {
        let let_in = &mut self.let_in[usize::from(critical)];
        while let_in.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(60)) {
            let_in.pop_front();
        }
        let wait = self.sent.saturating_sub(self.done.load(Ordering::Acquire));
        let_in.len() < A_MINUTE && (critical || wait < ROOM as u64 - FOR_CRITICAL)
    }

    /// Dropped since the last one that was let in.
    #[cfg(test)]
    pub(super) fn missed(&self) -> u64 {
        self.missed
    }

    /// Nothing more is let in.
    pub(super) fn close(&mut self) {
        self.queue = None;
    }

    /// Waits for the thread, but not longer than until then; how often this one was not told.
    pub(super) fn end(mut self, until: Instant) -> u64 {
        self.close();
        let left = until.saturating_duration_since(Instant::now());
        let late = self.ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout);
        let untold = self.offered.saturating_sub(self.told.load(Ordering::Acquire));
        if untold > 0 {
            let why = if late { ", which is not waited for any longer" } else { "" };
            terminal::warning(&format!("{untold} alerts did not reach `alerts.to.{}`{why}", self.name));
        }
        untold
    }
}

impl Worker {
    fn run(mut self) {
        let mut missed = 0;
        while let Ok((message, dropped)) = self.queue.recv() {
            missed += dropped;
            match self.way.tell(&message, missed) {
                Ok(()) => {
                    self.told.fetch_add(1, Ordering::Release);
                    missed = 0;
                }
                Err(error) => {
                    // Once until it works again: who is away may be away for long.
                    if missed == dropped {
                        terminal::warning(&format!(
                            "an alert did not reach `alerts.to.{}`: {error:#}",
                            self.name
                        ));
                    }
                    missed += 1;
                }
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }
}
