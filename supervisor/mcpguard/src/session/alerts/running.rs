//! Programs that are being told. None outlives the session: it would hold our stderr open, and whoever reads that would wait.

use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::session::shell::{Group, Shell};

/// Programs that may run at once: one that is waited for, and those that were waited for long enough.
const MOST: usize = 4;

/// The programs, each with the shell that leads its process group and the end of the pipe on which that shell tells the status.
#[derive(Default)]
pub(in crate::session) struct Running {
    shells: Vec<(Pid, OwnedFd)>,
    closed: bool,
}

impl Running {
    /// Starts one more.
    ///
    /// # Errors
    /// It may not be started, or cannot.
    pub(super) fn start(&mut self, argv: &[String]) -> anyhow::Result<Shell> {
        anyhow::ensure!(!self.closed, "the session has ended");
        self.shells.retain(|(_, told)| is_alive(told));
        anyhow::ensure!(self.shells.len() < MOST, "{MOST} of its kind still run");
        let shell = Shell::start(argv, Group::Own)?;
        let (id, told) = shell.leader();
        self.shells.push((Pid::from_raw(i32::try_from(id)?), told.try_clone_to_owned()?));
        Ok(shell)
    }

    /// Ends those that still run; no other is started.
    pub(super) fn close(&mut self) {
        self.closed = true;
        for (shell, told) in self.shells.drain(..) {
            if is_alive(&told) {
                // The shell is there, so that the group's number is its own. A group that has just ended is no error.
                let _ = killpg(shell, Signal::SIGKILL);
            }
        }
    }
}

/// Whether the shell is there: it alone holds the other end, and closes it by its own end.
fn is_alive(told: &OwnedFd) -> bool {
    let mut waits = [PollFd::new(told.as_fd(), PollFlags::empty())];
    let asked = poll(&mut waits, PollTimeout::ZERO);
    asked.is_ok() && !waits[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}
