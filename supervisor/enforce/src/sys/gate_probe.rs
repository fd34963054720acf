//! A child that makes one reported call, to see whether the supervisor could carry it out. Source: `seccomp_unotify(2)`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::unistd::{ForkResult, Pid, read};

use super::seccomp::{KILLABLE_LISTENER, program_header};
use crate::seccomp::Instruction;

/// The child, which waits until its call is answered.
pub(crate) struct Reporter {
    pub(crate) process: Pid,
    /// The number of the descriptor of its reports, in the child.
    pub(crate) listener: RawFd,
}

/// What the child asks: `getpeername` of nothing. Only an answer from outside makes it anything but an error.
pub(crate) const ASKED: libc::c_long = libc::SYS_getpeername;

/// Forks the child. It makes bare system calls and nothing else, so that it is sound in a process with threads too
/// (signal-safety(7)). Its exit code is 0 if its call was answered with `expected`.
pub(crate) fn start_reporter(program: &[Instruction], expected: libc::c_long) -> Result<Reporter, Errno> {
    let (ours, theirs) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let parent = nix::unistd::getpid().as_raw();
    let header = program_header(program)?;
    let pipe = theirs.as_raw_fd();
    // SAFETY: the child calls nothing but the kernel, with pointers to memory that was made before, and ends by `_exit`.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => {
            // SAFETY: as above.
            unsafe { report(parent, pipe, &header, expected) }
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            Ok(Reporter { process: child, listener: told(&ours)? })
        }
    }
}

/// The child's whole life.
///
/// # Safety
/// Only in a child that was just forked.
unsafe fn report(parent: i32, pipe: RawFd, header: &libc::sock_fprog, expected: libc::c_long) -> ! {
    // SAFETY: bare system calls; every pointer is to a live local or to the parent's memory as it was copied.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            libc::_exit(1);
        }
        // The supervisor is hardened against being read, and so its copy would be.
        libc::prctl(libc::PR_SET_DUMPABLE, 1);
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let listener =
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, KILLABLE_LISTENER, header);
        let number = listener as i32;
        libc::write(pipe, (&raw const number).cast(), size_of::<i32>());
        if listener < 0 {
            libc::_exit(1);
        }
        let answer = libc::syscall(ASKED, -1, 0, 0);
        libc::_exit(i32::from(answer != expected))
    }
}

fn told(pipe: &OwnedFd) -> Result<RawFd, Errno> {
    let mut number = [0; size_of::<i32>()];
    match read(pipe.as_fd(), &mut number)? {
        4 => Ok(i32::from_ne_bytes(number)),
        _ => Err(Errno::EPIPE),
    }
}
