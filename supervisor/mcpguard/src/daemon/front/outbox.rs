//! What waits to be sent on a socket that does not block: bytes, and descriptors that go with the first of them.

use std::collections::VecDeque;
use std::io::{ErrorKind, Result};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use enforce::keeper::channel;

/// What waits, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    parts: VecDeque<Part>,
    bytes: usize,
}

#[derive(Debug)]
struct Part {
    bytes: Vec<u8>,
    sent: usize,
    /// Closed as soon as they are sent.
    descriptors: Vec<OwnedFd>,
}

impl Outbox {
    /// Puts a message behind the others.
    pub(super) fn push(&mut self, bytes: Vec<u8>, descriptors: Vec<OwnedFd>) {
        self.bytes += bytes.len();
        self.parts.push_back(Part { bytes, sent: 0, descriptors });
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Sends as much as the socket takes now; whether that was all.
    ///
    /// # Errors
    /// The other side has gone.
    pub(super) fn flush(&mut self, socket: BorrowedFd<'_>) -> Result<bool> {
        while let Some(part) = self.parts.front_mut() {
            let descriptors: Vec<BorrowedFd<'_>> = part.descriptors.iter().map(AsFd::as_fd).collect();
            match channel::send(socket, &part.bytes[part.sent..], &descriptors) {
                Ok(count) => {
                    part.descriptors.clear();
                    part.sent += count;
                    self.bytes -= count;
                    if part.sent == part.bytes.len() {
                        self.parts.pop_front();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Nothing waits any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
