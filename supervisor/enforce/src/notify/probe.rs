//! Whether this kernel lets the supervisor carry calls out: really tried, with a child that makes one reported call.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::seccomp::Instruction;
use crate::sys::{self, ASKED, Reporter};

/// What the child's call is answered with.
const ANSWER: i64 = 42;
/// How long the child may take, in milliseconds.
const PATIENCE: u16 = 2000;

/// Whether reports that no signal interrupts can be received and answered (Linux 5.19), and descriptors of a child be
/// duplicated (`pidfd_getfd`, Linux 5.6, unless a security module forbids it). Takes as long as a fork.
pub(crate) fn is_possible() -> bool {
    sys::start_reporter(&filter(), ANSWER).is_ok_and(|child| {
        let served = serve(&child);
        if served.is_err() {
            // It is our child and not reaped, so the number is its own. It may have ended already.
            let _ = kill(child.process, Signal::SIGKILL);
        }
        served.is_ok() & was_answered(child.process)
    })
}

/// One call is reported, all others run.
fn filter() -> [Instruction; 4] {
    let instruction = |code, jump_false, operand| Instruction { code, jump_true: 0, jump_false, operand };
    [
        instruction(0x20, 0, 0),
        instruction(0x15, 1, u32::try_from(ASKED).unwrap_or(u32::MAX)),
        instruction(0x06, 0, libc::SECCOMP_RET_USER_NOTIF),
        instruction(0x06, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

fn serve(child: &Reporter) -> Result<(), Errno> {
    let handle = sys::pidfd_open(child.process)?;
    // The child tells the number, or that there is none, before it waits.
    let listener: OwnedFd = sys::duplicate_of(handle.as_fd(), child.listener)?;
    let mut interest = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    if poll(&mut interest, PollTimeout::from(PATIENCE))? == 0 {
        return Err(Errno::ETIMEDOUT);
    }
    let report = sys::receive_notification(listener.as_fd())?;
    sys::answer_with(listener.as_fd(), report.id, ANSWER)
}

fn was_answered(child: Pid) -> bool {
    loop {
        match waitpid(child, None) {
            Err(Errno::EINTR) => {}
            other => return matches!(other, Ok(WaitStatus::Exited(_, 0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machines that run the tests have it; a child is left in no case.
    #[test]
    fn it_is_possible_here() {
        assert!(is_possible());
    }
}
