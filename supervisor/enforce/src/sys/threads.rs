//! Threads of other processes: a handle of one, a descriptor of its table, a signal to it alone.
//! Source: `pidfd_open(2)`, `pidfd_getfd(2)`, `tgkill(2)`.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use super::check;

/// `PIDFD_THREAD` (Linux 6.9): the handle is of one thread, whichever it is in its process.
const THREAD: libc::c_int = libc::O_EXCL;

/// A handle of one thread (Linux 6.9). `EINVAL` on older kernels.
pub(crate) fn open_thread(thread: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers; the kernel returns a new descriptor (close-on-exec) or an error.
    owned(check(unsafe { libc::syscall(libc::SYS_pidfd_open, thread, THREAD) })?)
}

/// A duplicate of the descriptor that has this number behind the handle (Linux 5.6), close-on-exec.
pub(crate) fn duplicate_of(process: BorrowedFd<'_>, number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers; the kernel returns a new descriptor or an error.
    owned(check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })?)
}

fn owned(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let number = RawFd::try_from(result).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: nobody else owns the descriptor that the kernel just made.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Sends a signal to one thread of a process. The numbers must be those of a caller whose report still waits.
pub(crate) fn signal_thread(process: i32, thread: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    check(unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) }).map(|_| ())
}
