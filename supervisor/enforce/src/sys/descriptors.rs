//! Descriptors: closing what was inherited, handles of processes, and passing descriptors over a socket.

use std::io::{IoSliceMut, Result as IoResult};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::Pid;

use super::check;

/// Closes every descriptor from this number on. The caller owns none of them by an `OwnedFd`.
pub(crate) fn close_from(first: u32) -> Result<(), Errno> {
    // SAFETY: called once in the last mile, where no `OwnedFd` or library holds a descriptor from `first` on.
    match check(unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) }) {
        // Linux before 5.9.
        Err(Errno::ENOSYS) => close_each_from(first),
        other => other.map(|_| ()),
    }
}

fn close_each_from(first: u32) -> Result<(), Errno> {
    let (soft, _) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)?;
    for descriptor in first..u32::try_from(soft).unwrap_or(1 << 20).min(1 << 20) {
        let Ok(descriptor) = RawFd::try_from(descriptor) else { break };
        // SAFETY: as above; closing a number that is not open fails with `EBADF` and does nothing.
        unsafe { libc::close(descriptor) };
    }
    Ok(())
}

/// A handle of a process (Linux 5.3). The process must be an unreaped child, or its number could mean another one.
pub(crate) fn pidfd_open(process: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers; the kernel returns a new descriptor (close-on-exec) or an error.
    let descriptor = check(unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) })?;
    let descriptor = RawFd::try_from(descriptor).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: nobody else owns the descriptor that the kernel just made.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sends a signal to the process behind the handle, and to no other, ever.
pub(crate) fn signal_pidfd(process: BorrowedFd<'_>, signal: i32) -> Result<(), Errno> {
    let info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null `siginfo_t` is allowed and means what `kill` would send.
    check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, info, 0) })
        .map(|_| ())
}

/// Reads bytes, and the descriptors that came with them.
pub(crate) fn receive_descriptors(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
) -> IoResult<(usize, Vec<OwnedFd>)> {
    let mut control = nix::cmsg_space!([RawFd; 4]);
    let mut buffers = [IoSliceMut::new(into)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut buffers, Some(&mut control), flags)?;
    let mut descriptors = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: the kernel just installed these descriptors for us; nobody else owns them.
            descriptors.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    Ok((message.bytes, descriptors))
}

/// Moves a descriptor to this number, closing what had it, and marks it close-on-exec.
pub(crate) fn move_descriptor(from: RawFd, to: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: called first thing in the last mile, where nothing of ours has the number `to`; what the process
    // inherited there must be closed anyway.
    check(unsafe { libc::dup3(from, to, libc::O_CLOEXEC) }.into())?;
    // SAFETY: `to` is open and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(to) })
}
