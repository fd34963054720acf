//! A call that may have to wait.

use nix::errno::Errno;

use super::batch::Batch;
use super::caller::Caller;
use super::connect::Connect;
use super::desk::Desk;
use super::receive::Receive;
use super::send::Send;
use super::socket::Socket;
use super::step::{Progress, Stop};

/// What is to be done on a socket.
#[derive(Debug)]
pub(super) enum Job {
    Connect(Connect),
    Send(Send),
    Batch(Batch),
    Receive(Receive),
}

impl Job {
    /// Does as much as can be done now.
    pub(super) fn step(
        &mut self,
        desk: &mut Desk,
        caller: &Caller<'_>,
        socket: &Socket,
    ) -> Result<Progress, Stop> {
        match self {
            Self::Connect(connect) => connect.step(desk, socket),
            Self::Send(send) => send.step(caller, socket),
            Self::Batch(batch) => batch.step(desk, caller, socket),
            Self::Receive(receive) => receive.step(desk, caller, socket),
        }
    }

    /// The socket's option that says how long it may wait.
    pub(super) fn patience(&self) -> i32 {
        match self {
            Self::Connect(_) | Self::Send(_) | Self::Batch(_) => libc::SO_SNDTIMEO,
            Self::Receive(_) => libc::SO_RCVTIMEO,
        }
    }

    /// What the caller gets if the waiting ends for this reason: what is done, if anything is.
    pub(super) fn given_up(&self, error: i32) -> Result<i64, i32> {
        match self {
            Self::Connect(_) | Self::Receive(_) => Err(error),
            Self::Send(send) => send.so_far().ok_or(error),
            Self::Batch(batch) => batch.so_far().ok_or(error),
        }
    }

    /// The errno of one whose time is over (`socket(7)`).
    pub(super) fn timed_out(&self) -> i32 {
        match self {
            Self::Connect(_) => Errno::EINPROGRESS as i32,
            Self::Send(_) | Self::Batch(_) | Self::Receive(_) => Errno::EAGAIN as i32,
        }
    }
}
