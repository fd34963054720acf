//! The one system call of a case.

use std::ffi::CString;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{execve, mkdir, truncate};
use serde::Deserialize;

/// One system call. Denied is `EPERM`; anything else is allowed, whatever comes of it.
#[derive(Debug, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(super) enum Attempt {
    /// `open(path, O_RDONLY)`.
    Read { path: String },
    /// `open(path, O_WRONLY)`.
    Write { path: String },
    /// `truncate(path, 0)`.
    Truncate { path: String },
    /// `chmod(path, 0755)`.
    Mode { path: String },
    /// `open(path, O_WRONLY | O_CREAT | O_EXCL)`.
    Create { path: String },
    /// `mkdir(path)`.
    MakeDirectory { path: String },
    /// `execve(path)`; allowed is `ENOEXEC`.
    Execute { path: String },
    /// `connect` of a datagram socket; no packet is sent.
    Connect { address: IpAddr, port: u16 },
}

impl Attempt {
    /// Makes the call; none: the kernel did it.
    pub(super) fn errno(&self) -> Option<Errno> {
        self.call().err()
    }

    fn call(&self) -> Result<(), Errno> {
        let (new, executable) = (Mode::from_bits_truncate(0o644), Mode::from_bits_truncate(0o755));
        let exclusive = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        match self {
            Self::Read { path } => open(path.as_str(), OFlag::O_RDONLY, new).map(drop),
            Self::Write { path } => open(path.as_str(), OFlag::O_WRONLY, new).map(drop),
            Self::Truncate { path } => truncate(path.as_str(), 0),
            Self::Mode { path } => {
                fchmodat(nix::fcntl::AT_FDCWD, path.as_str(), executable, FchmodatFlags::FollowSymlink)
            }
            Self::Create { path } => open(path.as_str(), exclusive, new).map(drop),
            Self::MakeDirectory { path } => mkdir(path.as_str(), executable),
            Self::Execute { path } => execute(path),
            Self::Connect { address, port } => reach(SocketAddr::new(*address, *port)),
        }
    }
}

/// Comes back only where it is refused.
fn execute(path: &str) -> Result<(), Errno> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    execve(&path, &[&path], &[] as &[CString]).map(|never| match never {})
}

/// The family of the socket is that of the address, also for an IPv4 address in its IPv6 form.
fn reach(peer: SocketAddr) -> Result<(), Errno> {
    let family = if peer.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(peer))
}
