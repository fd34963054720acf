//! Refused calls, as the kernel reports them.
//!
//! The kernel holds the caller until the report is answered. The answer is always that the call fails: mcpguard never
//! lets a reported call continue, because its arguments could change after the check. If nobody is left to answer,
//! the kernel lets the call fail with `ENOSYS`; it never runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::profile::{self, Profile};
use super::table;
use super::verdict::{Action, EPERM};
use crate::sys;

/// Receives and answers the reports of one process tree. Readable (`POLLIN`) when a report waits.
#[derive(Debug)]
pub struct DenialListener {
    listener: OwnedFd,
    profile: Profile,
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

impl DenialListener {
    pub(crate) fn new(listener: OwnedFd, profile: Profile) -> Self {
        Self { listener, profile }
    }

    /// Receives and answers one report; `None` if none waits. Never blocks. Call it until `None` after each wake-up.
    #[expect(clippy::should_implement_trait, reason = "no iterator: `None` means not now, and it may fail")]
    pub fn next(&mut self) -> Result<Option<SyscallDenial>, ListenError> {
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

    fn answer(&self, report: &sys::Notification) -> SyscallDenial {
        let errno = match self.profile.decide(report.number, &report.arguments) {
            Action::Refuse(errno) | Action::Lack(errno) => errno,
            Action::Allow | Action::Kill => EPERM,
        };
        // The caller may have died meanwhile; then there is nobody to answer.
        let _ = sys::answer_notification(self.listener.as_fd(), report.id, errno);
        let name = table::name_of(report.number);
        SyscallDenial {
            thread: report.thread,
            number: report.number,
            name,
            arguments: report.arguments,
            errno,
            reason: name.and_then(profile::reason),
        }
    }
}
