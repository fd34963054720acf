//! The engaged sandbox: the server's process, its reports, and the duty to end the whole tree.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::egress::Egress;
use crate::enclosure::Enclosure;
use crate::orders::Sealed;
use crate::seccomp::DenialListener;
use crate::tree::{self, Ending, Exited, Leader};

/// A running server. Dropping it ends the server and everything it started.
///
/// While it lives the supervisor must have no other children and reap none itself: see [`crate::end_tree`].
#[derive(Debug)]
#[must_use]
pub struct Guard {
    pub(crate) leader: Leader,
    pidfd: OwnedFd,
    denials: Option<DenialListener>,
    enclosure: Option<Enclosure>,
    egress: Option<Arc<dyn Egress>>,
    sealed: Sealed,
}

impl Guard {
    pub(crate) fn new(
        server: Pid,
        pidfd: OwnedFd,
        (denials, enclosure): (Option<DenialListener>, Option<Enclosure>),
        egress: Option<Arc<dyn Egress>>,
        sealed: Sealed,
    ) -> Self {
        Self { leader: Leader::new(server), pidfd, denials, enclosure, egress, sealed }
    }

    /// The server's process, which is also its session and process group.
    pub fn pid(&self) -> Pid {
        self.leader.pid()
    }

    /// Readable once the server itself has ended. Others of its tree may still run.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// The reports of refused system calls, once; `None` if there are none on this host or they are taken.
    /// Somebody must read them: a refused call waits until its report is answered.
    pub fn denials(&mut self) -> Option<DenialListener> {
        self.denials.take()
    }

    /// What root's layers have of the session, once; `None` without root, or if it is taken. It must outlive the server.
    pub fn enclosure(&mut self) -> Option<Enclosure> {
        self.enclosure.take()
    }

    /// Whoever decides about the session's addresses; `None` where the policy opens no network, or nobody can decide.
    pub fn egress(&self) -> Option<Arc<dyn Egress>> {
        self.egress.clone()
    }

    /// How the sandbox came out.
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// Reaps whatever of the tree has ended, without waiting. For each `SIGCHLD`.
    pub fn reap(&mut self) -> Vec<Exited> {
        self.leader.reap().exited
    }

    /// Sends a signal to the server itself. Does nothing once it has been reaped.
    pub fn signal(&self, signal: Signal) {
        if self.leader.is_unreaped() {
            // It may have ended and wait to be reaped; then the signal is nobody's.
            let _ = crate::sys::signal_pidfd(self.pidfd.as_fd(), signal as i32);
        }
    }

    /// Asks the server's whole process group to end (`SIGTERM`). Follow with [`crate::end_tree`] after a while.
    pub fn terminate(&self) {
        self.leader.signal_group(Signal::SIGTERM);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody is left to whom survivors could be told; they stay under Landlock and seccomp.
        let _ =
            tree::end(&mut self.leader, Ending { grace: Duration::ZERO, patience: Duration::from_secs(2) });
    }
}
