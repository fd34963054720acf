//! The network's second gate, on the session's control group: it sees what the first one cannot (Fast Open), and it leads
//! through the session's doors what may leave by them only.

use abi::{Door, EventKind, Reason};
use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::helpers::generated::bpf_get_current_cgroup_id;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use verdict::Denial;
use verdict::network::{self, AF_INET6, Passage, Wanted};

use crate::denial;
use crate::flows::{self, Way};
use crate::member::Member;
use crate::reach::{Addresses, door_port};
use crate::spending;
use crate::told::{self, Told};

const ALLOW: i32 = 1;
const DENY: i32 = 0;
/// `TCP_ESTABLISHED` (Linux `tcp_states.h`), of a socket of any protocol.
const CONNECTED: u32 = 1;

#[cgroup_sock_addr(connect4)]
pub(crate) fn connect4(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Connect, &told::v4(ctx.sock_addr), |member, told| {
        connect::<false>(member, told, ctx.sock_addr)
    })
}

#[cgroup_sock_addr(connect6)]
pub(crate) fn connect6(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Connect, &told::v6(ctx.sock_addr), |member, told| {
        connect::<true>(member, told, ctx.sock_addr)
    })
}

#[cgroup_sock_addr(sendmsg4)]
pub(crate) fn sendmsg4(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Send, &told::v4(ctx.sock_addr), |member, told| {
        send::<false>(member, told, ctx.sock_addr)
    })
}

#[cgroup_sock_addr(sendmsg6)]
pub(crate) fn sendmsg6(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Send, &told::v6(ctx.sock_addr), |member, told| send::<true>(member, told, ctx.sock_addr))
}

#[cgroup_sock_addr(bind4)]
pub(crate) fn bind4(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Bind, &told::v4(ctx.sock_addr), bind)
}

#[cgroup_sock_addr(bind6)]
pub(crate) fn bind6(ctx: SockAddrContext) -> i32 {
    asked(EventKind::Bind, &told::v6(ctx.sock_addr), bind)
}

/// Asks for a process that connects, sends or binds.
#[inline(always)]
fn asked(kind: EventKind, told: &Told, decide: impl FnOnce(&Member, &Told) -> Result<(), Denial>) -> i32 {
    // SAFETY: the helper has no preconditions.
    let Some(member) = Member::of(unsafe { bpf_get_current_cgroup_id() }) else { return DENY };
    match member.lives().and_then(|()| decide(&member, told)) {
        Ok(()) => ALLOW,
        Err(denial) => {
            denial::gate::<true>(member.slot, kind, denial, told);
            DENY
        }
    }
}

/// A connection: it is counted, unless names are asked for, and its socket keeps where it was let through to, straight or by
/// a door.
#[inline(always)]
fn connect<const SIX: bool>(member: &Member, told: &Told, asked: *mut bpf_sock_addr) -> Result<(), Denial> {
    let passage = reach(member, told)?;
    if !matches!(passage.door, Door::Resolver) {
        spending::connection(member, told, passage.classes)?;
    }
    match passage.door {
        Door::Direct => {
            let (real, port) = ([told[0], told[1]], told::port(told));
            let way = Way { door: passage.door, classes: passage.classes, real, port, member };
            flows::keep(flows::socket(asked), told, &way)
        }
        Door::Resolver | Door::Proxy => lead::<SIX>(member, told, &passage, asked),
    }
}

/// A datagram with an address: to the resolver by its door, else straight; then its packet is judged by itself, and what
/// the socket is connected to stays.
#[inline(always)]
fn send<const SIX: bool>(member: &Member, told: &Told, asked: *mut bpf_sock_addr) -> Result<(), Denial> {
    if !SIX && names_its_peer(member, told, asked) {
        return Ok(());
    }
    let passage = reach(member, told)?;
    match passage.door {
        Door::Direct => spending::destination(member, told),
        Door::Resolver => lead::<SIX>(member, told, &passage, asked),
        Door::Proxy => Err(Denial::of(Reason::NotGranted)),
    }
}

/// An IPv6 socket that is connected to an IPv4 address sends without naming it, but the kernel names it here, and it may be
/// a door (`udpv6_sendmsg` in `net/ipv6/udp.c`). Then it counts as what it is: one more datagram of its flow.
#[inline(always)]
fn names_its_peer(member: &Member, told: &Told, asked: *const bpf_sock_addr) -> bool {
    // SAFETY: the program's own context, and the socket in it, which the verifier knows.
    let (family, state) = unsafe { ((*asked).family, (*(*asked).__bindgen_anon_1.sk).state) };
    if family != u32::from(AF_INET6) || state != CONNECTED {
        return false;
    }
    let kept = flows::of(flows::socket(asked));
    if kept.is_null() {
        return false;
    }
    // SAFETY: a map value.
    let kept = unsafe { &*kept };
    kept.is_of(member.slot, member.revision)
        && network::goes_on(&kept.flow, told::address(told), told::port(told), member.active)
}

#[inline(always)]
fn bind(member: &Member, told: &Told) -> Result<(), Denial> {
    network::bind(&Addresses { rules: member.rules }, told::port(told), member.policy.flags)
}

#[inline(always)]
fn reach(member: &Member, told: &Told) -> Result<Passage, Denial> {
    let tables = Addresses { rules: member.rules };
    let (address, port, protocol) = (told::address(told), told::port(told), told::protocol(told));
    network::reach(&tables, &Wanted { address, port, protocol }, &member.now())
}

/// Leads a socket to a door. A session without that door has no way out there.
#[inline(always)]
fn lead<const SIX: bool>(
    member: &Member,
    told: &Told,
    passage: &Passage,
    asked: *mut bpf_sock_addr,
) -> Result<(), Denial> {
    let Some(port) = door_port(member.session, passage.door) else {
        return Err(Denial::of(Reason::NotGranted));
    };
    let real = told::loopback([told[0], told[1]]);
    let way = Way { door: passage.door, classes: passage.classes, real, port, member };
    flows::keep(flows::socket(asked), told, &way)?;
    told::put::<SIX>(asked, real, port);
    Ok(())
}
