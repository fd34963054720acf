//! The network: addresses, ports and the kinds of sockets.

use abi::{PortUse, Reason, session_flags};

use crate::{Denial, Network};

/// `AF_UNIX` (Linux `socket.h`, as all that follow).
pub const AF_UNIX: u16 = 1;
/// `AF_INET`.
pub const AF_INET: u16 = 2;
/// `AF_INET6`.
pub const AF_INET6: u16 = 10;
/// `AF_NETLINK`.
pub const AF_NETLINK: u16 = 16;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;
/// `IPPROTO_TCP`.
pub const TCP: u32 = 6;
/// `IPPROTO_UDP`.
pub const UDP: u32 = 17;

/// An IPv4 address in its IPv6 form (RFC 4291 section 2.5.5.2); the parameter's bytes are in network order.
#[inline(always)]
pub const fn mapped(v4: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4[0], v4[1], v4[2], v4[3]]
}

/// Connecting or sending to an address (in its IPv6 form) and port (host order), TCP or UDP.
///
/// # Errors
/// [`Reason::NotGranted`], with the rule of the address if that is known and the port is not.
#[inline(always)]
pub fn reach(tables: &impl Network, address: &[u8; 16], port: u16, active: u64) -> Result<(), Denial> {
    let Some(found) = tables.address(address) else { return Err(Denial::of(Reason::NotGranted)) };
    if found.classes & active != 0 && tables.port(port, PortUse::Connect).is_some() {
        return Ok(());
    }
    Err(Denial { reason: Reason::NotGranted, rule: found.rule })
}

/// Binding an IP socket to a port (host order). UDP sockets and clients bind to port 0; that is no listening.
///
/// # Errors
/// [`Reason::NotGranted`].
#[inline(always)]
pub fn bind(tables: &impl Network, port: u16, session: u32) -> Result<(), Denial> {
    if port == 0 || listens(tables, port, session) {
        return Ok(());
    }
    Err(Denial::of(Reason::NotGranted))
}

/// Whether the session may listen on a port (host order).
#[inline(always)]
pub fn listens(tables: &impl Network, port: u16, session: u32) -> bool {
    session & session_flags::LISTEN_ANY != 0 || tables.port(port, PortUse::Listen).is_some()
}

/// Making a socket. `kind` without the flags of `socket(2)`.
///
/// # Errors
/// [`Reason::Kind`], or [`Reason::NotGranted`] for an IP socket of a session without network.
#[inline(always)]
pub fn socket(family: u16, kind: u32, protocol: u32, session: u32) -> Result<(), Denial> {
    match family {
        AF_UNIX => Ok(()),
        AF_INET | AF_INET6 => {
            let stream = kind == SOCK_STREAM && (protocol == 0 || protocol == TCP);
            let datagram = kind == SOCK_DGRAM && (protocol == 0 || protocol == UDP);
            if !stream && !datagram {
                return Err(Denial::of(Reason::Kind));
            }
            if session & session_flags::NETWORK == 0 {
                return Err(Denial::of(Reason::NotGranted));
            }
            Ok(())
        }
        // NETLINK_ROUTE is 0: getaddrinfo asks it for the host's addresses.
        AF_NETLINK if protocol == 0 => Ok(()),
        _ => Err(Denial::of(Reason::Kind)),
    }
}

/// What a packet is, as far as its verdict needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `IPPROTO_TCP`, `IPPROTO_UDP` or another one.
    pub protocol: u32,
    /// In host order.
    pub source: u16,
    /// In host order.
    pub target: u16,
    /// TCP: a request for a new connection, `SYN` without `ACK`.
    pub opens: bool,
}

/// A packet on its way out, at the moment it leaves: what a rule reaches now, and answers of a listening port.
///
/// # Errors
/// [`Reason::Kind`] for what is neither TCP nor UDP; else as [`reach`].
#[inline(always)]
pub fn send(
    tables: &impl Network,
    address: &[u8; 16],
    segment: Segment,
    active: u64,
    session: u32,
) -> Result<(), Denial> {
    if segment.protocol != TCP && segment.protocol != UDP {
        return Err(Denial::of(Reason::Kind));
    }
    let answers = segment.protocol == TCP && !segment.opens && listens(tables, segment.source, session);
    if answers { Ok(()) } else { reach(tables, address, segment.target, active) }
}
