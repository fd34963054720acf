//! A socket of the caller's, duplicated: it is the socket itself that says what it is, never the address.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use verdict::network::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, TCP, UDP};

use crate::sys::{self, End};

/// `SO_COOKIE` (Linux 4.12).
const SO_COOKIE: i32 = 57;

/// What a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// TCP.
    Tcp(Version),
    /// UDP.
    Udp(Version),
    /// Unix sockets of any type.
    Unix,
    /// The kernel's routing tables (`NETLINK_ROUTE`).
    Routes,
    /// What no policy grants.
    Foreign,
}

/// Of the internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// IPv4.
    Four,
    /// IPv6, which may speak IPv4 too.
    Six,
}

/// A duplicate of the caller's socket. It shares everything with the caller's but its number.
#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
    pub(super) speaks: Speaks,
    pub(super) stream: bool,
}

impl Socket {
    /// Asks the socket what it is. `ENOTSOCK` if it is none.
    pub(super) fn of(descriptor: OwnedFd) -> Result<Self, Errno> {
        let ask = |name| sys::option(descriptor.as_fd(), libc::SOL_SOCKET, name).map(i32::from_ne_bytes);
        let (family, kind, protocol) = (ask(libc::SO_DOMAIN)?, ask(libc::SO_TYPE)?, ask(libc::SO_PROTOCOL)?);
        let speaks = speaks(family, kind, protocol.cast_unsigned());
        Ok(Self { descriptor, speaks, stream: kind == libc::SOCK_STREAM })
    }

    /// Whether a call on it waits.
    pub(super) fn blocks(&self) -> Result<bool, Errno> {
        Ok(!self.flags()?.contains(OFlag::O_NONBLOCK))
    }

    fn flags(&self) -> Result<OFlag, Errno> {
        fcntl(&self.descriptor, FcntlArg::F_GETFL).map(OFlag::from_bits_retain)
    }

    /// A number that is the socket's alone, for as long as the machine runs.
    pub(super) fn cookie(&self) -> Result<u64, Errno> {
        sys::option(self.as_fd(), libc::SOL_SOCKET, SO_COOKIE).map(u64::from_ne_bytes)
    }

    /// How long a call on it waits at most (`SO_RCVTIMEO`, `SO_SNDTIMEO`); `None`: for ever.
    pub(super) fn patience(&self, name: i32) -> Option<Duration> {
        let bytes = sys::option::<16>(self.as_fd(), libc::SOL_SOCKET, name).ok()?;
        let (seconds, rest) = bytes.split_at(8);
        let word = |half: &[u8]| half.try_into().map(u64::from_ne_bytes).ok();
        let patience = Duration::from_secs(word(seconds)?) + Duration::from_micros(word(rest)?);
        (!patience.is_zero()).then_some(patience)
    }

    /// The name of one end.
    pub(super) fn name(&self, end: End) -> Result<Vec<u8>, Errno> {
        sys::name(self.as_fd(), end)
    }

    /// Connects without waiting. Whether to wait is an attribute of the open file, which the caller's other threads see:
    /// for these few microseconds they are told that their calls would block.
    pub(super) fn connect_at_once(&self, address: &[u8]) -> Result<(), Errno> {
        let flags = self.flags()?;
        if !self.stream || flags.contains(OFlag::O_NONBLOCK) {
            return sys::connect(self.as_fd(), address);
        }
        fcntl(&self.descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let result = match sys::connect(self.as_fd(), address) {
            // A peer on this machine has answered already, which is seen only when the first call is over.
            Err(Errno::EINPROGRESS) => sys::connect(self.as_fd(), address),
            other => other,
        };
        // It was settable a moment ago.
        let _ = fcntl(&self.descriptor, FcntlArg::F_SETFL(flags));
        result
    }
}

fn speaks(family: i32, kind: i32, protocol: u32) -> Speaks {
    let version = match u16::try_from(family) {
        Ok(AF_UNIX) => return Speaks::Unix,
        Ok(AF_NETLINK) if protocol == 0 => return Speaks::Routes,
        Ok(AF_INET) => Version::Four,
        Ok(AF_INET6) => Version::Six,
        _ => return Speaks::Foreign,
    };
    match (kind, protocol) {
        (libc::SOCK_STREAM, TCP) => Speaks::Tcp(version),
        (libc::SOCK_DGRAM, UDP) => Speaks::Udp(version),
        _ => Speaks::Foreign,
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
