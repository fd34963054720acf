//! Refused calls, as the kernel reports them.
//!
//! The kernel holds the caller until the report is answered. mcpguard never lets a reported call continue, because its
//! arguments could change after the check: the answer is that it fails, or that the supervisor has done it (`modes`, and
//! `crate::notify` for addresses). If nobody is left to answer, the kernel lets the call fail with `ENOSYS`; it never runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::modes::{Modes, Outcome};
use super::profile::{self, Profile};
use super::table;
use super::verdict::{Action, EPERM};
use crate::notify::{self, Gate, NetworkDenial};
use crate::sys::{self, Waking};

/// Receives and answers the reports of one process tree. Readable (`POLLIN`) when a report waits.
///
/// Where the supervisor decides about addresses, calls wait at it for their sockets, too: then give it a thread of its own
/// that [waits](Self::wait) and [serves](Self::serve).
#[derive(Debug)]
pub struct DenialListener {
    listener: Arc<OwnedFd>,
    profile: Profile,
    modes: Arc<Modes>,
    gate: Option<Gate>,
    /// A report has been seen to wait.
    seen: bool,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There is something to serve.
    Work,
    /// The descriptor that was given is readable, or its other end is closed.
    Stopped,
    /// The time is over.
    Idle,
}

/// One refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyscallDenial {
    /// The thread that called, in the supervisor's numbering.
    pub thread: i32,
    /// The call's number on this architecture.
    pub number: u32,
    /// Its name, unless it is newer than this program.
    pub name: Option<&'static str>,
    /// Its arguments as the caller's registers held them. Pointers are not followed.
    pub arguments: [u64; 6],
    /// What the caller got.
    pub errno: i32,
    /// Why it is refused, where the profile says so.
    pub reason: Option<&'static str>,
}

/// Why no more reports come.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// No process is left that could report.
    #[error("every process of the sandbox has ended")]
    Ended,
    /// The kernel refused.
    #[error("the kernel's reports of refused system calls cannot be read: {0}")]
    Kernel(Errno),
}

impl AsFd for DenialListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

/// What one report came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// The call was refused.
    Denied(SyscallDenial),
    /// The call was refused for its address.
    Network(NetworkDenial),
    /// The call was carried out for the caller, or waits for its socket, or failed as it would have without mcpguard.
    /// Nothing to write down.
    CarriedOut,
}

impl DenialListener {
    pub(crate) fn new(
        listener: OwnedFd,
        profile: Profile,
        modes: Modes,
        gate: Option<notify::Prepared>,
    ) -> Result<Self, Errno> {
        let (listener, modes) = (Arc::new(listener), Arc::new(modes));
        if gate.is_some() {
            // Linux before 6.6 has no such way, and wakes the other side on any processor.
            let _ = sys::set_waking(listener.as_fd(), Waking::InTurn);
        }
        let gate = gate.map(|gate| Gate::new(gate, Arc::clone(&listener), Arc::clone(&modes))).transpose()?;
        Ok(Self { listener, profile, modes, gate, seen: false })
    }

    /// Whether calls about addresses are decided and carried out here.
    pub fn has_gate(&self) -> bool {
        self.gate.is_some()
    }

    /// Takes back that callers and supervisor wake each other on one processor, which they do where addresses are decided
    /// here. It is there to be measured against.
    ///
    /// # Errors
    /// [`ListenError::Kernel`] before Linux 6.6, which knows no other way.
    pub fn wake_anywhere(&self) -> Result<(), ListenError> {
        sys::set_waking(self.listener.as_fd(), Waking::Anywhere).map_err(ListenError::Kernel)
    }

    /// Waits until there is something to serve, `stop` is readable, or the time is over; `None`: for ever.
    ///
    /// # Errors
    /// [`ListenError::Kernel`]. That every process has ended is work, of which [`Self::serve`] tells.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, ListenError> {
        let due = self.gate.as_ref().and_then(Gate::patience);
        let patience = timeout.into_iter().chain(due).min();
        let mut interest = vec![PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
        let waiting = self.gate.iter().filter(|gate| gate.waits());
        interest.extend(waiting.map(|gate| PollFd::new(gate.descriptor(), PollFlags::POLLIN)));
        interest.extend(stop.map(|stop| PollFd::new(stop, PollFlags::POLLIN)));
        match poll(&mut interest, rounded_up(patience)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(ListenError::Kernel(error)),
        }
        let ready = |at: &PollFd<'_>| at.revents().is_some_and(|seen| !seen.is_empty());
        let stopped = stop.is_some() && interest.last().is_some_and(ready);
        let work = interest[..interest.len() - usize::from(stop.is_some())].iter().any(ready);
        let seen = interest[0].revents().is_some_and(|seen| seen.contains(PollFlags::POLLIN));
        self.seen = seen;
        Ok(match (stopped, work || (due.is_some() && due == patience)) {
            (true, _) => Woken::Stopped,
            (false, true) => Woken::Work,
            (false, false) => Woken::Idle,
        })
    }

    /// Receives and answers one report, or goes on with calls that wait; `None` if there is nothing to do now. Never
    /// blocks. Call it once after each [wait](Self::wait); or until `None` after each wake-up; or, so that a flood of
    /// reports holds nothing else up, a bounded number of times a turn.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn serve(&mut self) -> Result<Option<Served>, ListenError> {
        if let Some(denial) = self.gate.as_mut().filter(|gate| gate.waits()).and_then(Gate::resume) {
            return Ok(Some(Served::Network(denial)));
        }
        loop {
            // One report that was seen is received without asking again; it is there, or its caller has died.
            if !std::mem::take(&mut self.seen) && !self.waits()? {
                return Ok(None);
            }
            match sys::receive_notification(self.listener.as_fd()) {
                Ok(report) => return Ok(Some(self.answer(&report))),
                // The caller died before it was heard.
                Err(Errno::ENOENT | Errno::EINTR) => {}
                Err(error) => return Err(ListenError::Kernel(error)),
            }
        }
    }

    /// The next call that is refused whatever its address; the rest is served meanwhile and passed over. A server that
    /// makes such calls without end holds the caller up: prefer [`DenialListener::serve`] in an event loop.
    #[expect(clippy::should_implement_trait, reason = "no iterator: `None` means not now, and it may fail")]
    pub fn next(&mut self) -> Result<Option<SyscallDenial>, ListenError> {
        loop {
            match self.serve()? {
                Some(Served::CarriedOut | Served::Network(_)) => {}
                Some(Served::Denied(denial)) => return Ok(Some(denial)),
                None => return Ok(None),
            }
        }
    }

    fn waits(&self) -> Result<bool, ListenError> {
        let mut interest = [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
        match poll(&mut interest, PollTimeout::ZERO) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(ListenError::Kernel(error)),
        }
        let seen = interest[0].revents().unwrap_or(PollFlags::empty());
        if seen.contains(PollFlags::POLLIN) {
            return Ok(true);
        }
        if seen.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
            return Err(ListenError::Ended);
        }
        Ok(false)
    }

    fn answer(&mut self, report: &sys::Notification) -> Served {
        let name = table::name_of(report.number);
        let (errno, denied) = match self.profile.decide(report.number, &report.arguments) {
            Action::Mediate => match (name, &mut self.gate) {
                (Some(name), Some(gate)) if !name.contains("chmod") => {
                    return gate.begin(name, report).map_or(Served::CarriedOut, Served::Network);
                }
                _ => self.change_mode(name, report),
            },
            Action::Refuse(errno) | Action::Lack(errno) => (errno, true),
            Action::Allow | Action::Kill => (EPERM, true),
        };
        // The caller may have died meanwhile; then there is nobody to answer.
        let _ = sys::answer_notification(self.listener.as_fd(), report.id, errno);
        if !denied {
            return Served::CarriedOut;
        }
        Served::Denied(SyscallDenial {
            thread: report.thread,
            number: report.number,
            name,
            arguments: report.arguments,
            errno,
            reason: name.and_then(profile::reason),
        })
    }

    /// The errno, and whether it is the policy's.
    fn change_mode(&self, name: Option<&str>, report: &sys::Notification) -> (i32, bool) {
        match self.modes.change(name.unwrap_or_default(), report, self.listener.as_fd()) {
            Outcome::Done => (0, false),
            Outcome::Failed(errno) => (errno as i32, false),
            Outcome::NotGranted => (libc::EACCES, true),
        }
    }
}

/// In milliseconds, not too early.
fn rounded_up(patience: Option<Duration>) -> PollTimeout {
    let Some(patience) = patience else { return PollTimeout::NONE };
    let milliseconds = patience.as_micros().div_ceil(1000);
    i32::try_from(milliseconds).ok().and_then(|ms| PollTimeout::try_from(ms).ok()).unwrap_or(PollTimeout::MAX)
}
