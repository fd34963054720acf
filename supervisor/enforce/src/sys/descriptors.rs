//! Descriptors: closing what was inherited, handles of processes, and passing descriptors over a socket.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
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

/// What one read of a socket brought.
#[derive(Debug)]
pub(crate) struct Received {
    /// Bytes at the front of the buffer; 0 at the end of a stream.
    pub(crate) count: usize,
    /// The descriptors that came with them, close-on-exec.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// There were more descriptors, for which there was no room here or in this process; the kernel closed them.
    pub(crate) truncated: bool,
}

/// The most descriptors that the kernel passes with one message (`SCM_MAX_FD`, Linux `scm.h`).
const MOST_DESCRIPTORS: usize = 253;

/// Reads bytes, and at most `most` descriptors that came with them. Every descriptor that the kernel has installed is in
/// the result, also when there were too many, so that none is left open by nobody.
pub(crate) fn receive_descriptors(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
    most: usize,
) -> Result<Received, Errno> {
    // Words, because control messages are aligned like `cmsghdr`; one more for the padding.
    let mut control = vec![0_u64; control_words(most.min(MOST_DESCRIPTORS))];
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: the struct is plain integers and pointers, for which all zeroes is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    (header.msg_control, header.msg_controllen) =
        (control.as_mut_ptr().cast(), std::mem::size_of_val(control.as_slice()) as _);
    // SAFETY: the kernel writes at most the given lengths to two live buffers, and to the header.
    let count =
        unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC) } as libc::c_long;
    let count = check(count)?.unsigned_abs() as usize;
    let truncated = header.msg_flags & libc::MSG_CTRUNC != 0;
    Ok(Received { count, descriptors: installed(&header), truncated })
}

/// Room for one control message with so many descriptors, in words of 8 bytes.
fn control_words(descriptors: usize) -> usize {
    let payload = descriptors * size_of::<RawFd>();
    // SAFETY: arithmetic on a small number.
    let bytes = unsafe { libc::CMSG_SPACE(payload as libc::c_uint) } as usize;
    bytes.div_ceil(size_of::<u64>())
}

/// The descriptors that a `recvmsg` has just installed.
fn installed(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    // SAFETY: the kernel has filled the control buffer, which lives, with whole control messages, and has set its length.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: `CMSG_FIRSTHDR` and `CMSG_NXTHDR` give a whole, aligned header within the buffer, or null.
    while let Some(message) = unsafe { next.as_ref() } {
        if (message.cmsg_level, message.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: arithmetic: the length of a header without payload.
            let head = unsafe { libc::CMSG_LEN(0) } as usize;
            // 32 bits with musl, 64 with glibc.
            let length: usize = message.cmsg_len as _;
            let count = length.saturating_sub(head) / size_of::<RawFd>();
            // SAFETY: the payload begins right after the header.
            let data = unsafe { libc::CMSG_DATA(next) }.cast::<RawFd>();
            // SAFETY: the message's own length says that so many numbers follow; the kernel just installed these
            // descriptors for us, and nobody else owns them.
            descriptors
                .extend((0..count).map(|n| unsafe { OwnedFd::from_raw_fd(data.add(n).read_unaligned()) }));
        }
        // SAFETY: `next` is a header of this very message.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    descriptors
}

/// Takes over a descriptor that this process was started with (`sd_listen_fds(3)`), once; `None` if it is not open.
pub(crate) fn inherited(number: RawFd) -> Option<OwnedFd> {
    static TAKEN: std::sync::Mutex<Vec<RawFd>> = std::sync::Mutex::new(Vec::new());
    let mut taken = TAKEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // SAFETY: `fcntl` with `F_GETFD` reads a flag of any number, and fails for one that is not open.
    let is_open = unsafe { libc::fcntl(number, libc::F_GETFD) } != -1;
    if !is_open || taken.contains(&number) {
        return None;
    }
    taken.push(number);
    // SAFETY: the number is open, whoever started this process meant it for it, and nobody took it before.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Moves a descriptor to this number, closing what had it, and marks it close-on-exec.
pub(crate) fn move_descriptor(from: RawFd, to: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: called first thing in the last mile, where nothing of ours has the number `to`; what the process
    // inherited there must be closed anyway.
    check(unsafe { libc::dup3(from, to, libc::O_CLOEXEC) }.into())?;
    // SAFETY: `to` is open and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(to) })
}
