//! Cutting the ties to the terminal, to the supervisor's signals and to inherited descriptors.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};

use super::{CONTROL, failed};
use crate::orders::{Failed, FailureKind};
use crate::sys;

/// The server dies with the supervisor. The check that the supervisor is still the parent closes the gap before the
/// request: a parent that died earlier would send nothing.
pub(super) fn follow_supervisor(supervisor: i32) -> Result<(), Failed> {
    sys::parent_death_signal()
        .map_err(|error| failed("the end of the supervisor cannot be followed", error))?;
    if nix::unistd::getppid().as_raw() == supervisor {
        return Ok(());
    }
    Err(Failed { kind: FailureKind::Own, message: "the supervisor has ended".to_owned() })
}

/// A session of its own without a controlling terminal, default signals, the server's directory, and a umask that lets
/// nobody else write what the server makes. The rest of the user's umask stays: the workspace is the user's.
pub(super) fn detach(directory: &OsStr) -> Result<(), Failed> {
    sys::reset_signals().map_err(|error| failed("signals cannot be reset", error))?;
    new_session()?;
    let inherited = umask(Mode::empty());
    umask(inherited | Mode::S_IWGRP | Mode::S_IWOTH);
    nix::unistd::chdir(directory)
        .map_err(|error| failed(&format!("the directory {} cannot be entered", directory.display()), error))
}

fn new_session() -> Result<(), Failed> {
    match nix::unistd::setsid() {
        Ok(_) => Ok(()),
        Err(error) => Err(failed("a session of its own cannot be made", error)),
    }
}

/// The server's three streams, the control socket, and nothing else.
pub(super) fn descriptors(stdin: OwnedFd) -> Result<(), Failed> {
    let refuse = |error: Errno| failed("descriptors cannot be arranged", error);
    nix::unistd::dup2_stdin(&stdin).map_err(refuse)?;
    drop(stdin);
    sys::close_from(CONTROL.cast_unsigned() + 1).map_err(refuse)
}
