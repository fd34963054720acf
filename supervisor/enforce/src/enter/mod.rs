//! The last mile: a process of one thread (see `teller`) that seals itself and then becomes the server.
//!
//! It is started by the supervisor as `mcpguard enter` with a socket as standard input, so that no descriptor is ever
//! inheritable by accident. It receives its orders and the server's real standard input through that socket, engages
//! one stage after the other, tells how it went, and calls `execve`. The stages stand in `stages`, in their order.
//!
//! No stage can be left out by an error: each failure ends the process before the server's first instruction.

mod privileges;
mod session;
mod stages;
mod teller;

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::orders::{self, Failed, FailureKind, Orders, Word};
use crate::sys;

pub(crate) use privileges::{drop_all as drop_privileges, empty_bounding_set};

/// Why the server was not started. Never made on success, because then this program is no more.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EnterError {
    message: String,
    exit_code: u8,
}

impl EnterError {
    /// 125 if mcpguard failed, 126 if the command cannot be executed, 127 if it is not there.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    pub(crate) fn own(message: impl Into<String>) -> Self {
        Self::of(&Failed { kind: FailureKind::Own, message: message.into() })
    }

    fn of(failed: &Failed) -> Self {
        let exit_code = match failed.kind {
            FailureKind::Own => 125,
            FailureKind::NotExecutable => 126,
            FailureKind::NotFound => 127,
        };
        Self { message: failed.message.clone(), exit_code }
    }
}

/// Becomes the server that the orders behind this descriptor describe. The supervisor gives them on descriptor 0.
///
/// Must be the first thing that the process does: it takes descriptor 3 and closes all above.
pub fn enter(socket: RawFd) -> EnterError {
    let (socket, orders, stdin) = match receive(socket) {
        Ok(received) => received,
        Err(message) => return EnterError::own(format!("`enter` is for mcpguard's own use: {message}")),
    };
    let failed = stages::run(&orders, &socket, stdin);
    // The supervisor may be gone; then nobody is left to tell.
    let _ = orders::send(socket.as_fd(), &Word::Failed(failed.clone()), None);
    EnterError::of(&failed)
}

/// The last mile in a child that was forked: arranges the streams as `Command` would, then as [`enter`].
/// Returns the exit code of a failure.
pub(crate) fn on_streams(socket: &OwnedFd, stdout: &OwnedFd, stderr: &OwnedFd) -> u8 {
    let arranged = nix::unistd::dup2_stdin(socket)
        .and_then(|()| nix::unistd::dup2_stdout(stdout))
        .and_then(|()| nix::unistd::dup2_stderr(stderr));
    match arranged {
        Ok(()) => enter(0).exit_code(),
        Err(_) => 125,
    }
}

/// The control socket gets a descriptor that no stream of the server has, and that `execve` closes.
const CONTROL: RawFd = 3;

fn receive(socket: RawFd) -> Result<(OwnedFd, Orders, OwnedFd), String> {
    let socket = sys::move_descriptor(socket, CONTROL).map_err(|error| error.desc().to_owned())?;
    let (orders, mut descriptors) = orders::receive::<Orders>(&socket).map_err(|error| error.to_string())?;
    let stdin = descriptors.pop().ok_or("the server's standard input is missing")?;
    Ok((socket, orders, stdin))
}

/// The parts of a sentence about a stage that failed.
fn failed(what: &str, error: Errno) -> Failed {
    Failed { kind: FailureKind::Own, message: format!("{what}: {}", error.desc()) }
}

/// The hidden subcommand `enter` as a whole: without arguments the last mile, with `--self-test NAME` one of the
/// mechanisms that `examine` tries. Returns the exit code; on success of the last mile it does not return.
pub fn main(arguments: impl Iterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.collect();
    match arguments.iter().map(|argument| argument.to_str()).collect::<Vec<_>>().as_slice() {
        [] => enter(0).exit_code(),
        [Some("--self-test"), Some(name)] => crate::examine::self_test(name),
        _ => 125,
    }
}
