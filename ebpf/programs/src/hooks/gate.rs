//! The network's second gate, on the session's control group: it sees what the first one cannot (Fast Open, packets), and
//! it can only deny.

use core::mem::MaybeUninit;

use abi::{Bucket, EventKind, Reason, Session, State, session_flags};
use aya_ebpf::bindings::{__sk_buff, bpf_sock_addr};
use aya_ebpf::helpers::generated::{bpf_get_current_cgroup_id, bpf_skb_cgroup_id, bpf_skb_load_bytes};
use aya_ebpf::macros::{cgroup_skb, cgroup_sock_addr};
use aya_ebpf::programs::{SkBuffContext, SockAddrContext};
use verdict::Denial;
use verdict::network::{self, AF_INET, AF_INET6, Segment, TCP};

use crate::maps::{ACTIVE, CGROUPS, SESSIONS, STATES};
use crate::reach::{Addresses, joined, mapped};
use crate::{denial, rate};

const ALLOW: i32 = 1;
const DENY: i32 = 0;
/// `ETH_P_IP` and `ETH_P_IPV6` (Linux `if_ether.h`).
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
/// The first byte of an IPv4 header of five words (RFC 791 section 3.1).
const NO_OPTIONS: u8 = 0x45;
/// Flags of TCP (RFC 9293 section 3.1).
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// An address, as records have it: two words of the IPv6 form, and port, family and protocol as they lie in memory.
type Told = [u64; 3];
const _: () =
    assert!(cfg!(target_endian = "little"), "port, family and protocol are put together for this order");

#[cgroup_sock_addr(connect4)]
pub(crate) fn connect4(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Connect, v4(ctx.sock_addr))
}

#[cgroup_sock_addr(connect6)]
pub(crate) fn connect6(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Connect, v6(ctx.sock_addr))
}

#[cgroup_sock_addr(sendmsg4)]
pub(crate) fn sendmsg4(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Send, v4(ctx.sock_addr))
}

#[cgroup_sock_addr(sendmsg6)]
pub(crate) fn sendmsg6(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Send, v6(ctx.sock_addr))
}

#[cgroup_sock_addr(bind4)]
pub(crate) fn bind4(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Bind, v4(ctx.sock_addr))
}

#[cgroup_sock_addr(bind6)]
pub(crate) fn bind6(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Bind, v6(ctx.sock_addr))
}

/// Counts what is sent, and lets out what a rule reaches now.
#[cgroup_skb(egress)]
pub(crate) fn egress(ctx: SkBuffContext) -> i32 {
    let packet = ctx.skb.skb;
    // SAFETY: the program's own context.
    let Some(member) = Member::of(unsafe { bpf_skb_cgroup_id(packet) }) else { return DENY };
    let mut told = [0; 3];
    // SAFETY: as above.
    let bytes = u64::from(unsafe { (*packet).len });
    let segment = segment(packet, &mut told);
    match segment.and_then(|segment| leave(&member, segment, &told, bytes)) {
        Ok(()) => ALLOW,
        Err(denial) => {
            denial::gate::<false>(member.slot, EventKind::Packet, denial, &told);
            DENY
        }
    }
}

/// The session of a control group.
struct Member {
    slot: u32,
    session: &'static Session,
    state: *mut State,
    active: u64,
}

impl Member {
    /// A control group that no session has is a child that a session made: it gets nothing.
    #[inline(always)]
    fn of(cgroup: u64) -> Option<Self> {
        // SAFETY: the value is a number that is read once.
        let slot = *unsafe { CGROUPS.get(cgroup) }?;
        let session = SESSIONS.get(slot)?;
        let state = STATES.get_ptr_mut(slot)?;
        let active = ACTIVE.get_value(slot, &0)?.mask;
        Some(Self { slot, session, state, active })
    }

    #[inline(always)]
    fn lives(&self) -> Result<(), Denial> {
        // SAFETY: a map value.
        let dead = unsafe { (&raw const (*self.state).dead).read_volatile() };
        if self.session.flags & session_flags::LIVE == 0 || dead != 0 {
            return Err(Denial::of(Reason::Orphan));
        }
        Ok(())
    }
}

/// Asks for a process that connects, sends or binds.
#[inline(always)]
fn asked(kind: EventKind, told: Told) -> i32 {
    // SAFETY: the helper has no preconditions.
    let Some(member) = Member::of(unsafe { bpf_get_current_cgroup_id() }) else { return DENY };
    let tables = Addresses { slot: member.slot };
    let verdict = member.lives().and_then(|()| match kind {
        EventKind::Bind => network::bind(&tables, port(&told), member.session.flags),
        _ => network::reach(&tables, address(&told), port(&told), member.active),
    });
    match verdict {
        Ok(()) => ALLOW,
        Err(denial) => {
            denial::gate::<true>(member.slot, kind, denial, &told);
            DENY
        }
    }
}

#[inline(always)]
fn leave(member: &Member, segment: Segment, told: &Told, bytes: u64) -> Result<(), Denial> {
    member.lives()?;
    let tables = Addresses { slot: member.slot };
    network::send(&tables, address(told), segment, member.active, member.session.flags)?;
    let limit = member.session.rates[Bucket::SentBytes as usize].interval_ns;
    if limit != 0 && rate::take(member.slot, Bucket::SentBytes as u32, bytes) != 0 {
        return Err(Denial::of(Reason::Rate));
    }
    // SAFETY: a map value.
    unsafe { rate::add(&raw mut (*member.state).sent_bytes, bytes) };
    Ok(())
}

/// The address that a process names, IPv4.
#[inline(always)]
fn v4(asked: *const bpf_sock_addr) -> Told {
    // SAFETY: the program's own context.
    unsafe {
        let (address, port) = ((*asked).user_ip4, (*asked).user_port as u16);
        told([0, mapped(address)], u16::from_be(port), AF_INET, (*asked).protocol as u16)
    }
}

/// The address that a process names, IPv6.
#[inline(always)]
fn v6(asked: *const bpf_sock_addr) -> Told {
    // SAFETY: the program's own context.
    unsafe {
        let [a, b, c, d] = (*asked).user_ip6;
        let port = (*asked).user_port as u16;
        let address = [joined(a, b), joined(c, d)];
        told(address, u16::from_be(port), AF_INET6, (*asked).protocol as u16)
    }
}

/// What a packet is and whom it is for. IPv4 options and IPv6 extensions may lead it elsewhere: no policy grants them.
#[inline(always)]
fn segment(packet: *const __sk_buff, into: &mut Told) -> Result<Segment, Denial> {
    // SAFETY: the program's own context.
    let family = u16::from_be(unsafe { (*packet).protocol } as u16);
    let (protocol, begin) = match family {
        ETH_P_IP => {
            let header: [u32; 5] = load(packet, 0)?;
            let (first, protocol) = (header[0].to_ne_bytes()[0], header[2].to_ne_bytes()[1]);
            *into = told([0, mapped(header[4])], 0, AF_INET, u16::from(protocol));
            if first != NO_OPTIONS {
                return Err(Denial::of(Reason::Kind));
            }
            (protocol, 20)
        }
        ETH_P_IPV6 => {
            let header: [u64; 5] = load(packet, 0)?;
            let protocol = header[0].to_ne_bytes()[6];
            *into = told([header[3], header[4]], 0, AF_INET6, u16::from(protocol));
            (protocol, 40)
        }
        _ => return Err(Denial::of(Reason::Kind)),
    };
    let [source, target]: [u16; 2] = load(packet, begin)?;
    let (source, target) = (u16::from_be(source), u16::from_be(target));
    into[2] |= u64::from(target);
    let opens = u32::from(protocol) == TCP && {
        let [_, flags]: [u8; 2] = load(packet, begin + 12)?;
        flags & SYN != 0 && flags & ACK == 0
    };
    Ok(Segment { protocol: u32::from(protocol), source, target, opens })
}

/// Bytes of a packet from its network header on.
#[inline(always)]
fn load<T: Copy>(packet: *const __sk_buff, offset: u32) -> Result<T, Denial> {
    let mut value = MaybeUninit::<T>::uninit();
    let (into, size) = (value.as_mut_ptr(), size_of::<T>() as u32);
    // SAFETY: the helper writes just the value's own bytes, and any bytes are a value of the integers used here.
    unsafe {
        match bpf_skb_load_bytes(packet.cast(), offset, into.cast(), size) {
            0 => Ok(value.assume_init()),
            _ => Err(Denial::of(Reason::Kind)),
        }
    }
}

#[inline(always)]
fn told(address: [u64; 2], port: u16, family: u16, protocol: u16) -> Told {
    let rest = u64::from(port) | u64::from(family) << 16 | u64::from(protocol) << 32;
    [address[0], address[1], rest]
}

#[inline(always)]
fn port(told: &Told) -> u16 {
    told[2] as u16
}

#[inline(always)]
fn address(told: &Told) -> &[u8; 16] {
    // SAFETY: the first two words are the sixteen bytes.
    unsafe { &*told.as_ptr().cast() }
}
