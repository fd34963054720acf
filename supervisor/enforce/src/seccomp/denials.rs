//! Refused calls, as the kernel reports them.
//!
//! The kernel holds the caller until the report is answered. mcpguard never lets a reported call continue, because its
//! arguments could change after the check: the answer is that it fails, or that the supervisor has done it (`modes`).
//! If nobody is left to answer, the kernel lets the call fail with `ENOSYS`; it never runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::modes::{Modes, Outcome};
use super::profile::{self, Profile};
use super::table;
use super::verdict::{Action, EPERM};
use crate::sys;

/// Receives and answers the reports of one process tree. Readable (`POLLIN`) when a report waits.
#[derive(Debug)]
pub struct DenialListener {
    listener: OwnedFd,
    profile: Profile,
    modes: Modes,
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
    /// The call was carried out for the caller, or failed as it would have without mcpguard. Nothing to write down.
    CarriedOut,
}

impl DenialListener {
    pub(crate) fn new(listener: OwnedFd, profile: Profile, modes: Modes) -> Self {
        Self { listener, profile, modes }
    }

    /// Receives and answers one report; `None` if none waits. Never blocks. Call it until `None` after each wake-up,
    /// or, so that a flood of reports holds nothing else up, a bounded number of times a turn.
    pub fn serve(&mut self) -> Result<Option<Served>, ListenError> {
        loop {
            if !self.waits()? {
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

    /// The next refused call; what is carried out meanwhile is passed over. A server that makes such calls without
    /// end holds the caller up: prefer [`DenialListener::serve`] in an event loop.
    #[expect(clippy::should_implement_trait, reason = "no iterator: `None` means not now, and it may fail")]
    pub fn next(&mut self) -> Result<Option<SyscallDenial>, ListenError> {
        loop {
            match self.serve()? {
                Some(Served::CarriedOut) => {}
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

    fn answer(&self, report: &sys::Notification) -> Served {
        let name = table::name_of(report.number);
        let (errno, denied) = match self.profile.decide(report.number, &report.arguments) {
            Action::Mediate => self.mediate(name, report),
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
    fn mediate(&self, name: Option<&str>, report: &sys::Notification) -> (i32, bool) {
        match self.modes.change(name.unwrap_or_default(), report, self.listener.as_fd()) {
            Outcome::Done => (0, false),
            Outcome::Failed(errno) => (errno as i32, false),
            Outcome::NotGranted => (libc::EACCES, true),
        }
    }
}
