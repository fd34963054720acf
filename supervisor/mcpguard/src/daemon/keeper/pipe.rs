//! The keeper's end of the socket pair: whole messages in and out, without waiting.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::{Context, ensure};
use enforce::keeper::channel;

use crate::daemon::wire::{Ask, Told};

/// The most bytes of one message: tables of a policy, or a memo.
const LONGEST: usize = 64 << 20;
/// Bytes that wait to be sent, beyond which no events are told: an answer waits behind them.
const BACKLOG: usize = 256 << 10;
/// Descriptors that come with one read.
const DESCRIPTORS: usize = 16;

/// One end.
pub(super) struct Pipe {
    socket: OwnedFd,
    read: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
    unsent: VecDeque<(Vec<u8>, usize, Vec<OwnedFd>)>,
    backlog: usize,
}

impl Pipe {
    /// The socket does not block.
    pub(super) fn new(socket: OwnedFd) -> Self {
        let (read, descriptors, unsent) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self { socket, read, descriptors, unsent, backlog: 0 }
    }

    /// Whether something waits to be sent.
    pub(super) fn wants_to_send(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether so much waits that the other end does not keep up.
    pub(super) fn is_full(&self) -> bool {
        self.backlog > BACKLOG
    }

    /// Puts a message behind those that wait, and sends what can be sent.
    pub(super) fn tell(&mut self, told: &Told, descriptors: Vec<OwnedFd>) -> anyhow::Result<()> {
        let body = postcard::to_stdvec(told)?;
        let mut bytes = u32::try_from(body.len())?.to_le_bytes().to_vec();
        bytes.extend(body);
        self.backlog += bytes.len();
        self.unsent.push_back((bytes, 0, descriptors));
        self.send()
    }

    /// Sends what can be sent now.
    pub(super) fn send(&mut self) -> anyhow::Result<()> {
        while let Some((bytes, sent, descriptors)) = self.unsent.front_mut() {
            let with: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
            match channel::send(self.socket.as_fd(), &bytes[*sent..], &with) {
                Ok(count) => {
                    descriptors.clear();
                    *sent += count;
                    self.backlog -= count;
                    if *sent == bytes.len() {
                        self.unsent.pop_front();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("the front cannot be told"),
            }
        }
        Ok(())
    }

    /// Reads what has come; `false` at the end of the stream.
    pub(super) fn receive(&mut self) -> anyhow::Result<bool> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match channel::receive(self.socket.as_fd(), &mut buffer, DESCRIPTORS) {
                Ok((0, _)) => return Ok(false),
                Ok((count, descriptors)) => {
                    self.read.extend_from_slice(&buffer[..count]);
                    self.descriptors.extend(descriptors);
                    if count < buffer.len() {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error).context("the front cannot be heard"),
            }
        }
    }

    /// The next whole message, with the descriptor that it brings.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<(Ask, Option<OwnedFd>)>> {
        let Some(head) = self.read.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        ensure!(length <= LONGEST, "the front announces a message of {length} bytes");
        let Some(body) = self.read.get(4..4 + length) else { return Ok(None) };
        let ask: Ask = postcard::from_bytes(body).context("the front says what is no message")?;
        self.read.drain(..4 + length);
        let brings = ask.brings_a_descriptor();
        let descriptor = if brings { self.descriptors.pop_front() } else { None };
        ensure!(brings == descriptor.is_some(), "a message of the front lacks its descriptor");
        Ok(Some((ask, descriptor)))
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
