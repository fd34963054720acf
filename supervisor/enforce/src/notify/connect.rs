//! Connecting.
//!
//! The socket is connected without waiting, so that one slow peer holds nobody else up; who wants to wait is parked until
//! the socket is writable, and then the same call tells what became of it, as it would have told the caller.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use abi::Door;
use nix::errno::Errno;
use verdict::network::{AF_INET, AF_INET6, TCP, UDP};

use super::address::{self, AF_UNSPEC};
use super::caller::Caller;
use super::denial::{Attempt, Refusal};
use super::desk::Desk;
use super::socket::{Socket, Speaks, Version};
use super::step::{Interest, Progress, Stop};
use crate::sys::End;

/// One connection on its way.
#[derive(Debug)]
pub(super) struct Connect {
    address: Vec<u8>,
    /// Holds what the address names.
    _named: Option<OwnedFd>,
    /// Where it wants to go by way of the proxy.
    by_proxy: Option<SocketAddr>,
    /// Its near end, as the proxy will see it.
    arrival: Option<SocketAddr>,
    begun: bool,
}

impl Connect {
    /// Judges the address, which was copied from the caller's memory once.
    pub(super) fn new(
        desk: &mut Desk,
        caller: &Caller<'_>,
        socket: &Socket,
        address: Vec<u8>,
    ) -> Result<Self, Stop> {
        match socket.speaks {
            Speaks::Tcp(version) => Self::internet(desk, socket, &address, (TCP, version)),
            Speaks::Udp(version) => Self::internet(desk, socket, &address, (UDP, version)),
            Speaks::Unix => {
                let peer = desk.unix.peer(caller, &address)?;
                Ok(Self { _named: peer.named, ..Self::to(peer.address) })
            }
            Speaks::Routes => Ok(Self::to(address)),
            Speaks::Foreign => Err(Refusal::foreign(Attempt::Connect).into()),
        }
    }

    fn to(address: Vec<u8>) -> Self {
        Self { address, _named: None, by_proxy: None, arrival: None, begun: false }
    }

    fn internet(
        desk: &mut Desk,
        socket: &Socket,
        address: &[u8],
        (protocol, version): (u32, Version),
    ) -> Result<Self, Stop> {
        let family = address::family(address)?;
        if family == AF_UNSPEC {
            // Disconnects, TCP and UDP alike, whatever follows.
            forget(desk, socket)?;
            return Ok(Self::to(AF_UNSPEC.to_ne_bytes().to_vec()));
        }
        let fits = match (version, protocol) {
            (Version::Four, _) => family == AF_INET,
            (Version::Six, TCP) => family == AF_INET6,
            (Version::Six, _) => true,
        };
        let wanted = if fits { address::internet(address)? } else { return Err(Errno::EAFNOSUPPORT.into()) };
        let way = desk.way(Attempt::Connect, wanted, protocol)?;
        let over = |why| Refusal { address: Some(wanted), protocol, ..Refusal::new(Attempt::Connect, why) };
        desk.count_connection(&way).map_err(over)?;
        match way.door {
            Door::Direct => forget(desk, socket)?,
            // The socket is to be told of its peer what it wants to hear.
            Door::Resolver | Door::Proxy => desk.flows.insert(socket.cookie()?, way.wanted),
        }
        Ok(Self {
            by_proxy: (way.door == Door::Proxy).then_some(way.wanted),
            ..Self::to(address::bytes_of(way.to))
        })
    }

    /// Connects, or looks what became of it.
    pub(super) fn step(&mut self, desk: &Desk, socket: &Socket) -> Result<Progress, Stop> {
        let result = match self.by_proxy.filter(|_| !self.begun) {
            Some(wanted) => self.through_proxy(desk, socket, wanted),
            None => socket.connect_at_once(&self.address),
        };
        let again = std::mem::replace(&mut self.begun, true);
        match result {
            Ok(()) => Ok(Progress::Done(0)),
            // Another thread of the caller's has asked, and was told.
            Err(Errno::EISCONN) if again => Ok(Progress::Done(0)),
            Err(error @ (Errno::EINPROGRESS | Errno::EALREADY)) => match socket.blocks()? {
                true => Ok(Progress::Waits(Interest::Writable)),
                false => Err(error.into()),
            },
            // The backlog of a unix socket is full; nothing tells when it is not.
            Err(Errno::EAGAIN) if socket.speaks == Speaks::Unix && socket.blocks()? => {
                Ok(Progress::Waits(Interest::Later))
            }
            Err(error) => {
                self.forget(desk);
                Err(error.into())
            }
        }
    }

    /// The proxy may see the connection before this call is over, and then asks where it wants to go: it has to wait at
    /// the lock until that is known.
    fn through_proxy(&mut self, desk: &Desk, socket: &Socket, wanted: SocketAddr) -> Result<(), Errno> {
        let mut arrivals = desk.session.arrivals();
        let result = socket.connect_at_once(&self.address);
        if let Ok(()) | Err(Errno::EINPROGRESS | Errno::EALREADY) = result {
            let near = address::canonical(address::internet(&socket.name(End::Near)?)?);
            arrivals.insert(near, wanted);
            self.arrival = Some(near);
        }
        result
    }

    /// It never arrives.
    fn forget(&self, desk: &Desk) {
        if let Some(near) = self.arrival {
            desk.session.arrivals().remove(&near);
        }
    }
}

/// What the socket was led to before is over.
fn forget(desk: &mut Desk, socket: &Socket) -> Result<(), Errno> {
    if !desk.flows.is_empty() {
        desk.flows.remove(&socket.cookie()?);
    }
    Ok(())
}
