//! System calls that answer with a new descriptor, and descriptors that travel.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use super::{Argument, call};

/// Calls whose answer is a descriptor that nobody else knows.
const MAKERS: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_open_by_handle_at,
    libc::SYS_memfd_create,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_perf_event_open,
];

/// Makes a descriptor.
///
/// # Errors
/// The kernel's; `ENOTSUP` for a call that makes none.
pub(crate) fn make(number: libc::c_long, arguments: &mut [Argument]) -> Result<OwnedFd, Errno> {
    if !MAKERS.contains(&number) {
        return Err(Errno::ENOTSUP);
    }
    let raw = i32::try_from(call(number, arguments)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor, as every call of the list does, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Receives a message with a descriptor (`SCM_RIGHTS`, unix(7)); `None` if it came without one.
///
/// # Errors
/// The kernel's.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    let (mut byte, mut space) = ([0], cmsg_space!(RawFd));
    let mut buffers = [IoSliceMut::new(&mut byte)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
    if message.flags.contains(MsgFlags::MSG_CTRUNC) {
        return Ok(None);
    }
    let received = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    // SAFETY: the kernel has just made this descriptor for this process; there is room for one only.
    Ok(received.map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }))
}

/// Sends a descriptor.
///
/// # Errors
/// The kernel's.
pub(crate) fn send(socket: BorrowedFd<'_>, descriptor: BorrowedFd<'_>) -> Result<(), Errno> {
    let rights = [descriptor.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&rights)];
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(b"d")], &message, MsgFlags::empty(), None).map(drop)
}
