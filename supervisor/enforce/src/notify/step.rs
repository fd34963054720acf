//! How far a call has come.

use nix::errno::Errno;

use super::denial::Refusal;

/// How far a call has come that goes well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is over, with this result.
    Done(i64),
    /// It goes on when the socket is ready.
    Waits(Interest),
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    Readable,
    Writable,
    /// Nothing that the kernel would tell of: it is tried again a little later.
    Later,
}

/// Why a call is over that does not go well.
#[derive(Debug)]
pub(super) enum Stop {
    /// It failed as it would have without the supervisor.
    Failed(Errno),
    /// The policy does not let it. A call that has done a part of its work tells how much (`sendmmsg`).
    Denied(Box<Refusal>, Option<i64>),
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(Box::new(refusal), None)
    }
}
