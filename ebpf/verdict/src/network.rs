//! The network: addresses, ports and the kinds of sockets.

use abi::{DNS_PORT, Door, Flow, Learned, NO_RULE, PORT_CHECKED, Port, PortUse, Reason, session_flags};

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

/// Where somebody wants to go.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// In its IPv6 form, in network byte order.
    pub address: &'a [u8; 16],
    /// In host byte order.
    pub port: u16,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`, or 0 where a hook does not know it and a later one decides.
    pub protocol: u32,
}

/// When, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The active classes.
    pub active: u64,
    /// `CLOCK_BOOTTIME` in nanoseconds.
    pub now_ns: u64,
    /// The session's flags.
    pub session: u32,
}

/// That somebody may go, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Through which door.
    pub door: Door,
    /// Classes in which what was opened may be used: those that are granted the same way now.
    pub classes: u64,
}

/// Connecting or sending to an address, TCP or UDP.
///
/// Names are looked up at the session's own resolver, whichever server is asked. Then ranges count: an address that the
/// policy names needs no name. Then what the resolver has learned; on a port where hosts are named, what is not TCP (QUIC)
/// is closed, because nobody could check it.
///
/// # Errors
/// [`Reason::NotGranted`], with the rule of the address if that is known and the port is not.
#[inline(always)]
pub fn reach(tables: &impl Network, wanted: &Wanted<'_>, at: &Moment) -> Result<Passage, Denial> {
    if wanted.port == DNS_PORT && at.session & session_flags::DOORS != 0 {
        return Ok(Passage { door: Door::Resolver, classes: u64::MAX });
    }
    let range = tables.address(wanted.address);
    let port = tables.port(wanted.port, PortUse::Connect);
    let mut rule = NO_RULE;
    if let Some(range) = range {
        if range.classes & at.active != 0 && port.is_some() {
            return Ok(Passage { door: Door::Direct, classes: range.classes });
        }
        rule = range.rule;
    }
    match (port, tables.learned(wanted.address)) {
        (Some(port), Some(learned)) => by_name(learned, port, wanted.protocol, at),
        (None, Some(learned)) => Err(Denial::by(Reason::NotGranted, learned.grants[0].rule)),
        _ => Err(Denial::by(Reason::NotGranted, rule)),
    }
}

/// What the names of an address grant: the address itself, if one of them asks for no check, else the way by the proxy.
#[inline(always)]
fn by_name(learned: &Learned, port: &Port, protocol: u32, at: &Moment) -> Result<Passage, Denial> {
    let checkable = port.flags & PORT_CHECKED != 0;
    let (mut direct, mut checked) = (0, 0);
    for grant in &learned.grants {
        if grant.until_ns > at.now_ns {
            if checkable && grant.checked != 0 {
                checked |= grant.classes;
            } else {
                direct |= grant.classes;
            }
        }
    }
    if !(checkable && protocol == UDP) {
        if direct & at.active != 0 {
            return Ok(Passage { door: Door::Direct, classes: direct });
        }
        if checked & at.active != 0 && at.session & session_flags::DOORS != 0 {
            return Ok(Passage { door: Door::Proxy, classes: checked });
        }
    }
    Err(Denial::by(Reason::NotGranted, learned.grants[0].rule))
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

/// A packet on its way out, at the moment it leaves: what its socket was let through to, in the classes for which it was,
/// what a rule reaches now, and answers of a listening port. A name's end closes no connection: its socket keeps its flow.
/// `active` are the active classes; most packets are of a flow, and for those nobody needs to know `at`. Returns the classes
/// that let it.
///
/// # Errors
/// [`Reason::Kind`] for what is neither TCP nor UDP; else as [`reach`].
#[inline(always)]
pub fn send(
    tables: &impl Network,
    address: &[u8; 16],
    segment: Segment,
    flow: Option<&Flow>,
    active: u64,
    at: impl FnOnce() -> Moment,
) -> Result<u64, Denial> {
    if segment.protocol != TCP && segment.protocol != UDP {
        return Err(Denial::of(Reason::Kind));
    }
    if let Some(flow) = flow
        && goes_on(flow, address, segment.target, active)
    {
        return Ok(flow.classes);
    }
    let at = at();
    if segment.protocol == TCP && !segment.opens && listens(tables, segment.source, at.session) {
        return Ok(abi::ALWAYS);
    }
    let wanted = Wanted { address, port: segment.target, protocol: segment.protocol };
    let Passage { door, classes } = reach(tables, &wanted, &at)?;
    match door {
        Door::Direct => Ok(classes),
        // Whoever goes through a door has a flow to it.
        Door::Resolver | Door::Proxy => Err(Denial::of(Reason::NotGranted)),
    }
}

/// Whether what goes to this address and port (host order) is of the flow, and the flow may send under these active classes.
#[inline(always)]
pub fn goes_on(flow: &Flow, address: &[u8; 16], port: u16, active: u64) -> bool {
    flow.classes & active != 0 && flow.real_port == port && same(&flow.real, address)
}

/// Compares by words: the verifier knows no `memcmp`.
#[inline(always)]
fn same(one: &[u8; 16], other: &[u8; 16]) -> bool {
    u128::from_ne_bytes(*one) == u128::from_ne_bytes(*other)
}
