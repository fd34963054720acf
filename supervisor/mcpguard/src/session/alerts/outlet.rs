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

/// Alerts in a minute. Rules do not tell the same again and again; many rules and tools together are bounded here.
pub(super) const A_MINUTE: usize = 60;

/// An alert, and how many before it were dropped since the last one that was not.
type Queued = (Arc<Message>, u64);

/// One who is told.
pub(super) struct Outlet {
    name: &'static str,
    queue: Option<SyncSender<Queued>>,
    /// Until the thread is started.
    worker: Option<Worker>,
    /// When the last alerts were let in.
    let_in: VecDeque<Instant>,
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
    _ends: Sender<()>,
}

impl Outlet {
    pub(super) fn new(name: &'static str, way: impl Way) -> Self {
        let (queue, waiting) = sync_channel(ROOM);
        let (ends, ended) = channel();
        let told = Arc::new(AtomicU64::new(0));
        let worker =
            Worker { name, queue: waiting, way: Box::new(way), told: Arc::clone(&told), _ends: ends };
        let (queue, worker, let_in) = (Some(queue), Some(worker), VecDeque::new());
        Self { name, queue, worker, let_in, missed: 0, offered: 0, told, ended }
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
        while self.let_in.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(60)) {
            self.let_in.pop_front();
        }
        let may = self.let_in.len() < A_MINUTE;
        let queue = self.queue.as_ref().filter(|_| may);
        match queue.map(|queue| queue.try_send((Arc::clone(message), self.missed))) {
            Some(Ok(())) => {
                self.let_in.push_back(now);
                self.missed = 0;
            }
            _ => self.missed += 1,
        }
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
        }
    }
}
