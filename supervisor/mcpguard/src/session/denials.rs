//! Denied system calls: answered at once, written down in batches.
//!
//! A flood of them costs the flooding server time, not the log: equal ones of a batch become one record with a count,
//! and what does not fit is counted as lost, never dropped silently.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use super::attendant::Attendant;
use super::stdio::polled;
use crate::egress::Teller;
use enforce::{DenialListener, Guard, ListenError, Served, SyscallDenial};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Denials that are answered before others get their turn.
const TURN: usize = 256;

/// Different denials in one batch.
const DISTINCT: usize = 64;

/// The shortest time between two batches.
const PAUSE: Duration = Duration::from_millis(50);

/// What was denied since the last batch.
#[derive(Default)]
pub(super) struct Batch {
    /// Each different denial with the number of times it happened.
    pub(super) denials: Vec<(SyscallDenial, u64)>,
    /// Denials that are only known by number.
    pub(super) lost: u64,
}

/// The listener as tokio wants it.
struct Listener(DenialListener);

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Denied system calls of one session.
pub(super) struct Denials {
    source: Source,
    waiting: RefCell<Sorted>,
}

/// Who answers them.
enum Source {
    /// The kernel cannot report.
    Nobody,
    /// This thread, between its other work.
    Here(Box<RefCell<AsyncFd<Listener>>>),
    /// A thread of its own, because calls wait there that may succeed.
    Attendant(RefCell<Attendant>),
}

impl Denials {
    /// Takes over the answering of the server's denied system calls. What is refused for its address is told otherwise.
    pub(super) fn of(guard: &mut Guard, teller: &Teller) -> io::Result<Self> {
        let source = match guard.denials() {
            None => Source::Nobody,
            Some(listener) if listener.has_gate() => {
                Source::Attendant(RefCell::new(Attendant::start(listener, teller.clone())?))
            }
            Some(listener) => Source::Here(Box::new(RefCell::new(polled(Listener(listener))?))),
        };
        Ok(Self { source, waiting: RefCell::default() })
    }

    /// Answers denials, or lets them be answered, until a batch of them is due.
    pub(super) async fn next(&self) -> Batch {
        match &self.source {
            Source::Nobody => std::future::pending().await,
            Source::Here(listener) => self.answer(listener).await,
            Source::Attendant(attendant) => self.collect(attendant).await,
        }
    }

    #[expect(
        clippy::await_holding_refcell_ref,
        reason = "only this future and `last`, which runs after it, use it"
    )]
    async fn answer(&self, listener: &RefCell<AsyncFd<Listener>>) -> Batch {
        let mut listener = listener.borrow_mut();
        loop {
            let due = self.waiting.borrow().due;
            let heard = async {
                let mut ready = listener.readable_mut().await?;
                let state = self.hear(&mut ready.get_inner_mut().0);
                if state == Heard::All {
                    ready.clear_ready();
                }
                io::Result::Ok(state)
            };
            tokio::select! {
                heard = heard => match heard {
                    Ok(Heard::Ended) | Err(_) => break,
                    Ok(Heard::All) => {}
                    Ok(Heard::Some) => tokio::task::yield_now().await,
                },
                () = sleep_until(due) => return self.waiting.borrow_mut().batch(),
            }
        }
        self.finish().await
    }

    #[expect(
        clippy::await_holding_refcell_ref,
        reason = "only this future and `last`, which runs after it, use it"
    )]
    async fn collect(&self, attendant: &RefCell<Attendant>) -> Batch {
        let mut attendant = attendant.borrow_mut();
        loop {
            let due = self.waiting.borrow().due;
            tokio::select! {
                denial = attendant.next() => self.waiting.borrow_mut().add(denial),
                () = sleep_until(due) => {
                    self.waiting.borrow_mut().crowded_out += attendant.lost();
                    return self.waiting.borrow_mut().batch();
                }
            }
        }
    }

    /// No process can report any more: the rest, then nothing.
    async fn finish(&self) -> Batch {
        if self.waiting.borrow().denials.is_empty() {
            std::future::pending().await
        } else {
            self.waiting.borrow_mut().batch()
        }
    }

    /// What is left once the tree has ended.
    pub(super) fn last(&self) -> Batch {
        match &self.source {
            Source::Nobody => {}
            Source::Here(listener) => {
                if let Ok(mut listener) = listener.try_borrow_mut() {
                    while self.hear(&mut listener.get_mut().0) == Heard::Some {}
                }
            }
            Source::Attendant(attendant) => {
                if let Ok(mut attendant) = attendant.try_borrow_mut() {
                    while let Some(denial) = attendant.now() {
                        self.waiting.borrow_mut().add(denial);
                    }
                    self.waiting.borrow_mut().crowded_out += attendant.lost();
                }
            }
        }
        self.waiting.borrow_mut().batch()
    }

    /// Answers what waits, up to a turn's worth.
    fn hear(&self, listener: &mut DenialListener) -> Heard {
        for _ in 0..TURN {
            match listener.serve() {
                Ok(Some(Served::Denied(denial))) => self.waiting.borrow_mut().add(denial),
                // Without a gate nothing is judged by its address here.
                Ok(Some(Served::CarriedOut | Served::Network(_))) => {}
                Ok(None) => return Heard::All,
                Err(ListenError::Ended) => return Heard::Ended,
                Err(ListenError::Kernel(error)) => {
                    tracing::error!(
                        "{error}: further denied system calls are not recorded; they stay denied"
                    );
                    return Heard::Ended;
                }
            }
        }
        Heard::Some
    }
}

/// How far the listening went.
#[derive(PartialEq, Eq)]
enum Heard {
    All,
    Some,
    Ended,
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Equal denials counted.
#[derive(Default)]
struct Sorted {
    denials: BTreeMap<(i32, u32), (SyscallDenial, u64)>,
    crowded_out: u64,
    due: Option<Instant>,
    last: Option<Instant>,
}

impl Sorted {
    fn add(&mut self, denial: SyscallDenial) {
        let key = (denial.thread, denial.number);
        if let Some((_, count)) = self.denials.get_mut(&key) {
            *count += 1;
        } else if self.denials.len() < DISTINCT {
            self.denials.insert(key, (denial, 1));
        } else {
            self.crowded_out += 1;
        }
        self.become_due();
    }

    /// The first one after a quiet time is written at once.
    fn become_due(&mut self) {
        let now = Instant::now();
        self.due.get_or_insert_with(|| self.last.map_or(now, |last| now.max(last + PAUSE)));
    }

    fn batch(&mut self) -> Batch {
        let denials = std::mem::take(&mut self.denials).into_values().collect();
        self.due = None;
        self.last = Some(Instant::now());
        Batch { denials, lost: std::mem::take(&mut self.crowded_out) }
    }
}
