//! What every call that is carried out needs: the session's tables, the callers' handles, what is known of their sockets.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::{Door, Reason};
use verdict::Denial;
use verdict::network::Passage;

use super::address;
use super::bounded::Bounded;
use super::counts::Counts;
use super::denial::{Attempt, Refusal};
use super::handles::Handles;
use super::session::{self, Session};
use super::unix::UnixSockets;
use crate::seccomp::Modes;

/// Sockets that go through a door, and where they wanted to go; the oldest gives way to the newest, and then is told the
/// door instead.
const MOST_FLOWS: usize = 1 << 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) listener: Arc<OwnedFd>,
    pub(super) session: Arc<Session>,
    /// Where the plan lets files be made.
    pub(super) modes: Arc<Modes>,
    pub(super) handles: Handles,
    /// By the cookie of the socket.
    pub(super) flows: Bounded<u64, SocketAddr>,
    pub(super) unix: UnixSockets,
    counts: Counts,
}

/// Where a socket really goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) door: Door,
    /// The classes that may go there that way.
    classes: u64,
    /// Where it wants to go.
    pub(super) wanted: SocketAddr,
    /// The same, or the door.
    pub(super) to: SocketAddr,
}

fn now() -> Result<u64, Denial> {
    session::now().map_err(|_| Denial::of(Reason::Internal))
}

impl Desk {
    pub(super) fn new(
        listener: Arc<OwnedFd>,
        session: Arc<Session>,
        modes: Arc<Modes>,
        unix: UnixSockets,
    ) -> Self {
        let (handles, flows) = (Handles::default(), Bounded::new(MOST_FLOWS));
        let counts = session.counts();
        Self { listener, session, modes, handles, flows, unix, counts }
    }

    /// How somebody may go to an address.
    pub(super) fn way(&self, kind: Attempt, wanted: SocketAddr, protocol: u32) -> Result<Way, Refusal> {
        let wanted = address::effective(wanted);
        let refuse = |why| Refusal { address: Some(wanted), protocol, ..Refusal::new(kind, why) };
        let Passage { door, classes } = self.session.reach(wanted, protocol).map_err(refuse)?;
        if door == Door::Direct {
            return Ok(Way { door, classes, wanted, to: wanted });
        }
        let port = self.session.port_of(door).ok_or(refuse(Denial::of(Reason::NotGranted)))?;
        Ok(Way { door, classes, wanted, to: address::on_loopback(wanted, port) })
    }

    /// Counts a new connection, unless it is one to the resolver.
    pub(super) fn count_connection(&mut self, way: &Way) -> Result<(), Denial> {
        if way.door == Door::Resolver {
            return Ok(());
        }
        let now_ns = now()?;
        self.counts.connection(now_ns)?;
        self.counts.destination(way.wanted.ip(), now_ns)?;
        self.session.charge(way.classes)
    }

    /// Counts the address that a datagram goes to, unless that is the resolver's.
    pub(super) fn count_datagram(&mut self, way: &Way) -> Result<(), Denial> {
        match way.door {
            Door::Resolver => Ok(()),
            Door::Direct | Door::Proxy => self.counts.destination(way.wanted.ip(), now()?),
        }
    }

    /// What a socket is told of its peer: where it wanted to go, if this is a door that it was led to.
    pub(super) fn told(&self, cookie: u64, name: Vec<u8>) -> Vec<u8> {
        let door = |peer: SocketAddr| {
            let doors = self.session.doors();
            let port = doors.is_some_and(|doors| [doors.resolver, doors.proxy].contains(&peer.port()));
            port && peer.ip().to_canonical().is_loopback()
        };
        let led = address::internet(&name).is_ok_and(door);
        match self.flows.get(&cookie).filter(|_| led) {
            Some(wanted) => address::bytes_of(*wanted),
            None => name,
        }
    }
}
