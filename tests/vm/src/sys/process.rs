//! New processes without `execve`, so that an attack goes on in them.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::unistd::{ForkResult, Pid, fork};

use super::{Argument, call};

/// Forks. The child runs the closure and ends with its answer.
///
/// # Errors
/// The kernel's; `ENOTSUP` where this process has more than one thread.
pub(crate) fn child(run: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    alone()?;
    // SAFETY: this process has one thread, as was just seen, so that no lock is held by a thread that the child lacks.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => end(run()),
    }
}

/// Makes a child that is born in the cgroup (`CLONE_INTO_CGROUP`, Linux 5.7), which runs the closure and ends.
///
/// # Errors
/// The kernel's; `ENOTSUP` where this process has more than one thread.
pub(crate) fn child_in(cgroup: BorrowedFd<'_>, run: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    const INTO_CGROUP: u64 = 0x2_0000_0000;
    alone()?;
    let cgroup = u64::try_from(cgroup.as_raw_fd()).map_err(|_| Errno::EBADF)?;
    let signal = u64::try_from(libc::SIGCHLD).map_err(|_| Errno::EINVAL)?;
    // `struct clone_args` (clone(2)): flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
    // set_tid_size, cgroup.
    let words = [INTO_CGROUP, 0, 0, 0, signal, 0, 0, 0, 0, 0, cgroup];
    let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
    let size = Argument::Number(bytes.len() as u64);
    // Without `CLONE_VM` and with no stack given, clone3 is fork: the child goes on here in a copy of this memory.
    match call(libc::SYS_clone3, &mut [Argument::Memory(bytes), size])? {
        0 => end(run()),
        child => Ok(Pid::from_raw(i32::try_from(child).map_err(|_| Errno::ERANGE)?)),
    }
}

fn end(code: u8) -> ! {
    // SAFETY: ends the process at once, with no destructor and no exit handler of the parent's copy.
    unsafe { libc::_exit(i32::from(code)) }
}

fn alone() -> Result<(), Errno> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // Where the file is closed, as it may be under a guard, an act is alone: only `storm` and `thread` start threads.
    match status.lines().find_map(|line| line.strip_prefix("Threads:")) {
        Some(count) if count.trim() != "1" => Err(Errno::ENOTSUP),
        _ => Ok(()),
    }
}
