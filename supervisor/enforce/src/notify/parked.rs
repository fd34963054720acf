//! Calls that wait: for a socket, for their time to be over, or for a signal. Nobody waits for them.
//!
//! The kernel tells neither that a caller has died nor that a signal waits for one (`WAIT_KILLABLE_RECV` keeps the report
//! whole), so as long as calls are parked they are looked at from time to time.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::caller::Caller;
use super::job::Job;
use super::socket::Socket;
use super::step::Interest;

/// Calls that wait at the same time. Each costs the supervisor the descriptor of its socket, and no more than the names
/// of the places in the caller's memory.
const MOST: usize = 256;
/// How often those are looked at that the kernel tells nothing of.
const ROUND: Duration = Duration::from_millis(100);
/// How soon something is tried again that nothing tells of.
const AGAIN: Duration = Duration::from_millis(5);
/// Events that are taken at once.
const EVENTS: usize = 64;

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) thread: i32,
    pub(super) socket: Socket,
    pub(super) job: Job,
    pub(super) interest: Interest,
    /// When its time is over.
    pub(super) until: Option<Instant>,
}

impl Waiting {
    /// As long as the socket's options say.
    pub(super) fn new(caller: &Caller<'_>, socket: Socket, job: Job, interest: Interest) -> Self {
        let patience = socket.patience(job.patience());
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        Self { id: caller.id, thread: caller.thread, socket, job, interest, until }
    }
}

/// Why one is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Its socket is ready, or it is time to try again.
    Ready,
    /// Its time is over.
    Late,
    /// It has been a while: does the caller live, and does a signal wait for it?
    Round,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Parked {
    epoll: Epoll,
    waiting: HashMap<u64, Waiting>,
    occasions: VecDeque<(u64, Occasion)>,
    looked: Instant,
}

impl Parked {
    pub(super) fn new() -> Result<Self, Errno> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let (waiting, occasions) = (HashMap::new(), VecDeque::new());
        Ok(Self { epoll, waiting, occasions, looked: Instant::now() })
    }

    /// Readable when a socket is ready.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Keeps a call until it can go on. It comes back if there is no room.
    pub(super) fn park(&mut self, waiting: Waiting) -> Result<(), Box<Waiting>> {
        if self.waiting.len() >= MOST || self.watch(&waiting).is_err() {
            return Err(Box::new(waiting));
        }
        if self.waiting.is_empty() {
            self.looked = Instant::now();
        }
        self.waiting.insert(waiting.id, waiting);
        Ok(())
    }

    fn watch(&self, waiting: &Waiting) -> Result<(), Errno> {
        let interest = match waiting.interest {
            Interest::Readable => EpollFlags::EPOLLIN,
            Interest::Writable => EpollFlags::EPOLLOUT,
            Interest::Later => return Ok(()),
        };
        self.epoll.add(&waiting.socket, EpollEvent::new(interest | EpollFlags::EPOLLONESHOT, waiting.id))
    }

    /// Takes a call that was found to be looked at, and why; `None`: all that were found are taken.
    pub(super) fn next(&mut self) -> Option<(Waiting, Occasion)> {
        while let Some((id, occasion)) = self.occasions.pop_front() {
            if let Some(waiting) = self.waiting.remove(&id) {
                // The caller's own descriptor would keep it watched. Who waits for no event is not watched at all.
                let _ = self.epoll.delete(&waiting.socket);
                return Some((waiting, occasion));
            }
        }
        None
    }

    /// Finds those that are to be looked at now, unless some were found before and not taken.
    pub(super) fn look(&mut self) {
        if self.occasions.is_empty() && !self.waiting.is_empty() {
            self.find();
        }
    }

    fn find(&mut self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        self.occasions.extend(events[..count].iter().map(|event| (event.data(), Occasion::Ready)));
        let now = Instant::now();
        let round = now.duration_since(self.looked);
        let occasion = |waiting: &Waiting| match waiting.until {
            Some(until) if until <= now => Some(Occasion::Late),
            _ if waiting.interest == Interest::Later && round >= AGAIN => Some(Occasion::Ready),
            _ => (round >= ROUND).then_some(Occasion::Round),
        };
        self.occasions
            .extend(self.waiting.values().filter_map(|waiting| Some((waiting.id, occasion(waiting)?))));
        if round >= ROUND || (round >= AGAIN && self.tries_again()) {
            self.looked = now;
        }
    }

    fn tries_again(&self) -> bool {
        self.waiting.values().any(|waiting| waiting.interest == Interest::Later)
    }

    /// How long nothing has to be looked at unless a socket is ready; `None`: for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.waiting.is_empty() {
            return None;
        }
        if !self.occasions.is_empty() {
            return Some(Duration::ZERO);
        }
        let now = Instant::now();
        let next = self.looked + if self.tries_again() { AGAIN } else { ROUND };
        let first = self.waiting.values().filter_map(|waiting| waiting.until).min();
        Some(first.map_or(next, |first| first.min(next)).saturating_duration_since(now))
    }
}
