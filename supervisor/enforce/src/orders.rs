//! What supervisor and `enter` say to each other. Both are the same program, so the form needs no versions.
//!
//! ```text
//! supervisor ──Orders + the server's stdin──► enter
//! supervisor ◄──Sealed + listener, or Failed── enter ──execve──► (end of stream: the server runs)
//! ```

use std::ffi::{CString, OsString};
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::Limit;
use crate::ruleset::{Ruleset, Skipped};
use crate::seccomp::Instruction;
use crate::sys::{self, Received};

/// Everything that `enter` does, decided beforehand.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// The supervisor's process number: if it is no longer the parent, the supervisor is dead.
    pub(crate) supervisor: i32,
    pub(crate) program: CString,
    pub(crate) arguments: Vec<CString>,
    /// `NAME=value`.
    pub(crate) environment: Vec<CString>,
    pub(crate) directory: OsString,
    pub(crate) limits: Vec<Limit>,
    /// Absent where the kernel has no Landlock; coverage has then been accepted as it is.
    pub(crate) ruleset: Option<Ruleset>,
    /// Empty where the kernel has no seccomp filters; coverage has then been accepted as it is.
    pub(crate) filter: Vec<Instruction>,
    pub(crate) listen: bool,
    /// The filter reports `sendmsg`, so that the last word must be told by a thread that it does not hold for.
    pub(crate) aside: bool,
}

/// What `enter` says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// All is engaged; what follows is `execve`. With it, where the writable grants really are.
    Sealed(Sealed, Vec<OsString>),
    /// Nothing runs.
    Failed(Failed),
}

/// How the sandbox came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Granted paths that do not exist or cannot be reached; they stay closed.
    pub skipped: Vec<Skipped>,
    /// Refused system calls are refused but not reported, because an outer sandbox already receives reports.
    pub unreported: bool,
    /// The stages of `enter` in order, with the nanoseconds each took.
    pub stages: Vec<(String, u64)>,
}

/// Why nothing runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FailureKind {
    /// mcpguard could not do what it must.
    Own,
    /// The command cannot be executed.
    NotExecutable,
    /// The command is not there.
    NotFound,
}

/// The most that one message may hold; an environment and its arguments are bounded by the kernel far below.
const MAX_MESSAGE: usize = 64 << 20;

/// The most descriptors that one read may bring; a message has at most one.
const MOST_DESCRIPTORS: usize = 4;

/// Why a message did not pass.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the other side has gone")]
    Gone,
    #[error("the socket failed: {0}")]
    Socket(#[from] std::io::Error),
    #[error("the message is malformed: {0}")]
    Malformed(#[from] postcard::Error),
    #[error("the message is too long")]
    TooLong,
    #[error("the message brings descriptors that this process has no room for")]
    Descriptors,
}

/// Sends one message, with at most one descriptor.
pub(crate) fn send<T: Serialize>(
    socket: BorrowedFd<'_>,
    message: &T,
    with: Option<BorrowedFd<'_>>,
) -> Result<(), WireError> {
    let body = postcard::to_stdvec(message)?;
    let length = u32::try_from(body.len()).map_err(|_| WireError::TooLong)?;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(body);
    let numbers: Vec<RawFd> = with.iter().map(AsRawFd::as_raw_fd).collect();
    let mut sent = 0;
    while sent < bytes.len() {
        match send_some(socket, &bytes[sent..], if sent == 0 { &numbers } else { &[] }) {
            Ok(count) => sent += count,
            Err(Errno::EINTR) => {}
            Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(WireError::Gone),
            Err(error) => return Err(WireError::Socket(error.into())),
        }
    }
    Ok(())
}

/// Descriptors travel with a first byte, and by `sendmsg`, which a filter may report: what has none is sent without it.
fn send_some(socket: BorrowedFd<'_>, bytes: &[u8], numbers: &[RawFd]) -> Result<usize, Errno> {
    let (socket, flags) = (socket.as_raw_fd(), MsgFlags::MSG_NOSIGNAL);
    match numbers {
        [] => nix::sys::socket::send(socket, bytes, flags),
        _ => {
            let control = [ControlMessage::ScmRights(numbers)];
            sendmsg::<()>(socket, &[IoSlice::new(bytes)], &control, flags, None)
        }
    }
}

/// Receives one message and the descriptors that came with it. `Gone` if the stream ends before it.
pub(crate) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> Result<(T, Vec<OwnedFd>), WireError> {
    let mut descriptors = Vec::new();
    let mut length = [0; 4];
    fill(socket.as_fd(), &mut length, &mut descriptors)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return Err(WireError::TooLong);
    }
    let mut body = vec![0; length];
    fill(socket.as_fd(), &mut body, &mut descriptors)?;
    Ok((postcard::from_bytes(&body)?, descriptors))
}

fn fill(socket: BorrowedFd<'_>, into: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Result<(), WireError> {
    let mut filled = 0;
    while filled < into.len() {
        match sys::receive_descriptors(socket, &mut into[filled..], MOST_DESCRIPTORS) {
            Ok(Received { count: 0, .. }) => return Err(WireError::Gone),
            Ok(Received { truncated: true, .. }) => return Err(WireError::Descriptors),
            Ok(Received { count, descriptors: more, .. }) => {
                filled += count;
                descriptors.extend(more);
            }
            Err(Errno::EINTR) => {}
            Err(Errno::ECONNRESET) => return Err(WireError::Gone),
            Err(error) => return Err(WireError::Socket(error.into())),
        }
    }
    Ok(())
}
