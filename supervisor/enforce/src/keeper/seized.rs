//! A process of somebody else's, held so that its number cannot come to mean another one.
//!
//! Control groups take processes by number. Between asking who a process is and writing its number there, it may end, and
//! its number be given to a stranger, whom the guard would then kill. A process that is traced stays until its tracer has
//! seen its end (`ptrace(2)`), and its number with it.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How long a process may take to come to where it can be let go.
const PATIENCE: Duration = Duration::from_millis(500);

/// A traced process. It runs on; dropping it lets it go.
#[derive(Debug)]
pub(super) struct Seized(Pid);

impl Seized {
    /// Seizes the process behind the handle. `ESRCH` if it has ended.
    pub(super) fn of(process: BorrowedFd<'_>, number: Pid) -> Result<Self, Errno> {
        ptrace::seize(number, ptrace::Options::empty())?;
        let seized = Self(number);
        // The number was seized; that it is this process's is known if this process lives still.
        if has_ended(process)? { Err(Errno::ESRCH) } else { Ok(seized) }
    }
}

/// Whether a process has ended, be it not yet reaped.
pub(super) fn has_ended(process: BorrowedFd<'_>) -> Result<bool, Errno> {
    let mut handles = [PollFd::new(process, PollFlags::POLLIN)];
    Ok(poll(&mut handles, PollTimeout::ZERO)? > 0)
}

impl Drop for Seized {
    fn drop(&mut self) {
        if ptrace::interrupt(self.0).is_err() {
            // It is at its end; taking note of that lets its parent see it.
            let _ = waitpid(self.0, Some(WaitPidFlag::WNOHANG));
            return;
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match waitpid(self.0, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_micros(20)),
                Err(Errno::EINTR) => {}
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(_) => return,
                // A signal that it was about to get goes with it.
                Ok(WaitStatus::Stopped(_, signal)) => return let_go(self.0, Some(signal)),
                Ok(_) => return let_go(self.0, None),
            }
        }
    }
}

fn let_go(process: Pid, signal: Option<nix::sys::signal::Signal>) {
    let signal = signal.filter(|signal| *signal != nix::sys::signal::Signal::SIGTRAP);
    let _ = ptrace::detach(process, signal);
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::sys;

    #[test]
    fn a_process_that_ends_meanwhile_keeps_its_number() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat is there");
        let number = Pid::from_raw(child.id().cast_signed());
        let handle = sys::pidfd_open(number).expect("an own child");
        let seized = Seized::of(handle.as_fd(), number).expect("a child");
        assert!(!has_ended(handle.as_fd()).expect("a handle"));
        drop(seized);
        // It goes on as it was.
        let status = std::fs::read_to_string(format!("/proc/{number}/status")).expect("it runs");
        assert!(status.contains("TracerPid:\t0\n"), "{status}");
        drop(child.stdin.take());
        assert!(child.wait().expect("a child").success());
        assert_eq!(Seized::of(handle.as_fd(), number).map(drop), Err(Errno::ESRCH));
    }
}
