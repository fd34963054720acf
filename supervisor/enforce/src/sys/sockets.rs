//! Calls on sockets whose addresses are bytes, as another process wrote them. Source: `connect(2)`, `sendmsg(2)`,
//! `recvfrom(2)`, `socket(7)`.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use super::check;

/// The size of `struct sockaddr_storage`: no address is longer.
pub(crate) const LONGEST_ADDRESS: usize = 128;

/// Connects the socket.
pub(crate) fn connect(socket: BorrowedFd<'_>, address: &[u8]) -> Result<(), Errno> {
    let (start, length) = parts(address)?;
    // SAFETY: the kernel reads `length` bytes from a live slice.
    check(unsafe { libc::connect(socket.as_raw_fd(), start, length) }.into()).map(|_| ())
}

/// Gives the socket a name.
pub(crate) fn bind(socket: BorrowedFd<'_>, address: &[u8]) -> Result<(), Errno> {
    let (start, length) = parts(address)?;
    // SAFETY: the kernel reads `length` bytes from a live slice.
    check(unsafe { libc::bind(socket.as_raw_fd(), start, length) }.into()).map(|_| ())
}

/// Lets the socket accept connections. The kernel bounds the backlog.
pub(crate) fn listen(socket: BorrowedFd<'_>, backlog: i32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    check(unsafe { libc::listen(socket.as_raw_fd(), backlog) }.into()).map(|_| ())
}

fn parts(address: &[u8]) -> Result<(*const libc::sockaddr, libc::socklen_t), Errno> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| Errno::EINVAL)?;
    Ok((address.as_ptr().cast(), length))
}

/// The supplementary groups of whoever connected a unix socket, when it did (`SO_PEERGROUPS`, Linux 4.13).
pub(crate) fn peer_groups(socket: BorrowedFd<'_>) -> Result<Vec<u32>, Errno> {
    // The most groups that a process may have (`NGROUPS_MAX`, Linux 2.6.4).
    const MOST: usize = 65_536;
    let mut groups = vec![0_u32; 64];
    loop {
        let mut length =
            libc::socklen_t::try_from(size_of_val(groups.as_slice())).map_err(|_| Errno::EOVERFLOW)?;
        // SAFETY: the kernel writes at most `length` bytes, which the vector has, and the length.
        let outcome = check(
            unsafe {
                libc::getsockopt(
                    socket.as_raw_fd(),
                    libc::SOL_SOCKET,
                    libc::SO_PEERGROUPS,
                    groups.as_mut_ptr().cast(),
                    &raw mut length,
                )
            }
            .into(),
        );
        let count = length as usize / size_of::<u32>();
        match outcome {
            Ok(_) => {
                groups.truncate(count);
                return Ok(groups);
            }
            Err(Errno::ERANGE) if count > groups.len() && count <= MOST => groups.resize(count, 0),
            Err(errno) => return Err(errno),
        }
    }
}

/// Which end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its own (`getsockname`).
    Near,
    /// The peer's (`getpeername`).
    Far,
}

/// The name of one end, as the kernel writes it.
pub(crate) fn name(socket: BorrowedFd<'_>, end: End) -> Result<Vec<u8>, Errno> {
    let mut name = vec![0_u8; LONGEST_ADDRESS];
    let mut length = LONGEST_ADDRESS as libc::socklen_t;
    let (descriptor, start) = (socket.as_raw_fd(), name.as_mut_ptr().cast());
    // SAFETY: the kernel writes at most `length` bytes to a live buffer of that size, and the length to a live integer.
    let result = unsafe {
        match end {
            End::Near => libc::getsockname(descriptor, start, &raw mut length),
            End::Far => libc::getpeername(descriptor, start, &raw mut length),
        }
    };
    check(result.into())?;
    name.truncate(length as usize);
    Ok(name)
}

/// One message on its way out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    /// Where to; `None`: to the peer.
    pub(crate) name: Option<&'a [u8]>,
    /// What.
    pub(crate) bytes: &'a [u8],
    /// Control messages as `cmsg(3)` lays them out.
    pub(crate) control: &'a [u8],
    /// `MSG_*`.
    pub(crate) flags: i32,
}

/// Sends it; how many bytes were taken.
pub(crate) fn send(socket: BorrowedFd<'_>, message: &Outgoing<'_>) -> Result<usize, Errno> {
    let mut part =
        libc::iovec { iov_base: message.bytes.as_ptr().cast_mut().cast(), iov_len: message.bytes.len() };
    // SAFETY: the struct is plain integers and pointers, for which all zeroes is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some(name) = message.name {
        (header.msg_name, header.msg_namelen) = (name.as_ptr().cast_mut().cast(), parts(name)?.1);
    }
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    if !message.control.is_empty() {
        header.msg_control = message.control.as_ptr().cast_mut().cast();
        header.msg_controllen = message.control.len() as _;
    }
    // SAFETY: `sendmsg` only reads: the header, the name, the bytes and the control messages, each with its own length
    // from a slice that lives until the call is over.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, message.flags) };
    check(sent as libc::c_long).map(|count| count.unsigned_abs() as usize)
}

/// Receives one message: how many bytes it has (with `MSG_TRUNC` maybe more than there was room for), and its source.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
    flags: i32,
) -> Result<(usize, Vec<u8>), Errno> {
    let mut name = vec![0_u8; LONGEST_ADDRESS];
    let mut length = LONGEST_ADDRESS as libc::socklen_t;
    // SAFETY: the kernel writes at most the given lengths to two live buffers, and the name's length to a live integer.
    let count = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            into.as_mut_ptr().cast(),
            into.len(),
            flags,
            name.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    let count = check(count as libc::c_long)?.unsigned_abs() as usize;
    name.truncate(length as usize);
    Ok((count, name))
}

/// A socket's option of exactly this size. `ENOTSOCK` for what is no socket.
pub(crate) fn option<const SIZE: usize>(
    socket: BorrowedFd<'_>,
    level: i32,
    name: i32,
) -> Result<[u8; SIZE], Errno> {
    let mut value = [0_u8; SIZE];
    let mut length = SIZE as libc::socklen_t;
    let start = value.as_mut_ptr().cast();
    // SAFETY: the kernel writes at most `SIZE` bytes to a live array, and the length to a live integer.
    check(unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, start, &raw mut length) }.into())?;
    if length as usize == SIZE { Ok(value) } else { Err(Errno::EINVAL) }
}
