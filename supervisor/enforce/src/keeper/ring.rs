//! The ring of events, read so that nothing is lost: what nobody has acknowledged is found again by the next reader.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::bpf::{Event, parse_event};
use crate::sys::{RingMemory, RingRecord};

/// Events that wait to be acknowledged; the ring is not read further meanwhile, and drops what it has no room for.
const WAITING: usize = 65_536;

/// A ring and how far it was read.
pub(super) struct Ring {
    map: OwnedFd,
    memory: RingMemory,
    read: u64,
    /// Numbers that were given out, with where each event begins.
    waiting: VecDeque<(u64, u64)>,
}

impl Ring {
    pub(super) fn new(map: OwnedFd, bytes: usize) -> Result<Self, Errno> {
        let memory = RingMemory::new(map.as_fd(), bytes)?;
        let read = memory.consumed();
        Ok(Self { map, memory, read, waiting: VecDeque::new() })
    }

    /// The next event that can be read; `None` if there is none, or too many wait.
    pub(super) fn next(&mut self) -> Option<(Event, Place)> {
        if self.waiting.len() >= WAITING {
            return None;
        }
        loop {
            let begins = self.read;
            let (event, next) = match self.memory.at(begins) {
                RingRecord::Nothing => return None,
                RingRecord::Discarded(next) => (None, next),
                // What no program of this build writes has a number, which will be missing.
                RingRecord::Bytes(bytes, next) => (parse_event(bytes).ok(), next),
            };
            self.read = next;
            if let Some(event) = event {
                return Some((event, Place(begins)));
            }
        }
    }

    /// Where the next event will be written.
    pub(super) fn end(&self) -> u64 {
        self.memory.written()
    }

    /// Whether everything before this place was read.
    pub(super) fn has_read(&self, end: u64) -> bool {
        self.read >= end
    }

    /// Whether everything before this place was acknowledged, or told of nobody.
    pub(super) fn is_safe(&self, end: u64) -> bool {
        self.memory.consumed() >= end
    }

    /// Whether there is anything that is not acknowledged, read or not.
    pub(super) fn is_open(&self) -> bool {
        self.memory.consumed() < self.memory.written()
    }

    /// The event at this place was given out under this number, which is greater than all before.
    pub(super) fn given(&mut self, number: u64, Place(begins): Place) {
        self.waiting.push_back((number, begins));
    }

    /// Everything up to this number is safe.
    pub(super) fn acknowledge(&mut self, number: u64) {
        while self.waiting.front().is_some_and(|(given, _)| *given <= number) {
            self.waiting.pop_front();
        }
        self.settle();
    }

    /// What nobody waits for may be overwritten.
    pub(super) fn settle(&mut self) {
        let safe = self.waiting.front().map_or(self.read, |(_, begins)| *begins);
        if safe > self.memory.consumed() {
            self.memory.consume(safe);
        }
    }

    /// Begins again with the oldest event that nobody has acknowledged.
    pub(super) fn rewind(&mut self) {
        self.waiting.clear();
        self.read = self.memory.consumed();
    }
}

/// Where an event stands in its ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u64);

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
