//! Several messages in one call (`sendmmsg(2)`), each judged and sent by itself. What went before one that fails stands.

use nix::errno::Errno;

use super::caller::Caller;
use super::desk::Desk;
use super::message::Message;
use super::send::Send;
use super::socket::Socket;
use super::step::{Interest, Progress, Stop};

/// `sizeof(struct mmsghdr)` of 64-bit architectures, and where the number of sent bytes stands in it.
const ENTRY: u64 = 64;
const SENT: u64 = 56;
/// `UIO_MAXIOV`: more are not looked at.
const MOST: u64 = 1024;
/// Messages of one batch that are sent before others get their turn.
const TURN: u64 = 64;

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Batch {
    at: u64,
    count: u64,
    flags: i32,
    sent: u64,
    current: Option<Send>,
}

impl Batch {
    pub(super) fn new(at: u64, count: u64, flags: i32) -> Self {
        Self { at, count: (count & u64::from(u32::MAX)).min(MOST), flags, sent: 0, current: None }
    }

    /// How many messages were sent, if any were.
    pub(super) fn so_far(&self) -> Option<i64> {
        (self.sent > 0).then(|| self.sent.cast_signed())
    }

    /// Sends as many as there is room for, at most a turn's worth.
    pub(super) fn step(
        &mut self,
        desk: &mut Desk,
        caller: &Caller<'_>,
        socket: &Socket,
    ) -> Result<Progress, Stop> {
        let turn = self.sent + TURN;
        while self.sent < self.count && self.sent < turn {
            match self.one(desk, caller, socket) {
                Ok(Progress::Done(_)) => self.sent += 1,
                Ok(waits) => return Ok(waits),
                Err(stop) => return self.stopped(stop),
            }
        }
        match self.sent == self.count {
            true => Ok(Progress::Done(self.sent.cast_signed())),
            false => Ok(Progress::Waits(Interest::Writable)),
        }
    }

    fn one(&mut self, desk: &mut Desk, caller: &Caller<'_>, socket: &Socket) -> Result<Progress, Stop> {
        let entry = self.at.checked_add(self.sent * ENTRY).ok_or(Errno::EFAULT)?;
        let mut send = match self.current.take() {
            Some(send) => send,
            None => Send::new(desk, caller, socket, Message::read(caller, entry)?, self.flags)?,
        };
        let progress = send.step(caller, socket)?;
        match progress {
            Progress::Done(bytes) => caller.write(entry + SENT, &(bytes as u32).to_ne_bytes())?,
            Progress::Waits(_) => self.current = Some(send),
        }
        Ok(progress)
    }

    /// The caller hears of the failure when it sends the rest; a denial is written down now.
    fn stopped(&self, stop: Stop) -> Result<Progress, Stop> {
        match (self.so_far(), stop) {
            (None, stop) => Err(stop),
            (Some(sent), Stop::Failed(_)) => Ok(Progress::Done(sent)),
            (Some(sent), Stop::Denied(refusal, _)) => Err(Stop::Denied(refusal, Some(sent))),
        }
    }
}
