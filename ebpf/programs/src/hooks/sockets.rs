//! Sockets: their kinds, and whom they connect and send to.

use abi::{Door, EventKind, Reason, SocketAddress, Task, slot_of};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use verdict::Denial;
use verdict::network::{self, AF_INET, AF_INET6, Moment, Wanted};

use crate::fields::{CGROUP_NODE, MESSAGE_NAME, NODE_ID, SOCK_CGROUP, SOCKET_SOCK};
use crate::kernel::{Memory, Raw, Typed};
use crate::maps::SESSIONS;
use crate::member::now_ns;
use crate::reach::{Addresses, door_port, mapped};
use crate::scope::{self, Subject};

/// `AF_UNSPEC` (Linux `socket.h`): disconnects, and is taken for `AF_INET` where a port is given.
const AF_UNSPEC: u16 = 0;

#[lsm(hook = "socket_create")]
pub(crate) fn socket_create(ctx: LsmContext) -> i32 {
    // The kernel's own.
    if ctx.arg::<i32>(3) != 0 {
        return 0;
    }
    scope::judge(EventKind::Socket, |subject| {
        let family: u32 = ctx.arg(0);
        // SAFETY: the task's own storage.
        unsafe { (*subject.task).decision.access = family };
        network::socket(family as u16, ctx.arg(1), ctx.arg(2), subject.flags)
    })
}

#[lsm(hook = "socket_connect")]
pub(crate) fn socket_connect(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Connect, |subject| {
        let address = Typed::new(ctx.arg(1)).address(subject.task);
        let family = told(subject, address)?;
        match family {
            AF_INET | AF_INET6 => {
                own(subject, Typed::new(ctx.arg(0)))?;
                // What is connected is counted by the next gate, which knows whether it is.
                reach(subject)
            }
            // Disconnects; unix sockets and netlink are decided elsewhere.
            AF_UNSPEC | network::AF_UNIX | network::AF_NETLINK => Ok(()),
            _ => Err(Denial::of(Reason::Kind)),
        }
    })
}

#[lsm(hook = "socket_bind")]
pub(crate) fn socket_bind(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Bind, |subject| {
        let address = Typed::new(ctx.arg(1)).address(subject.task);
        match told(subject, address)? {
            AF_INET | AF_INET6 | AF_UNSPEC => {
                // SAFETY: the task's own storage.
                let port = unsafe { (*subject.task).decision.address.port };
                network::bind(&Addresses { rules: subject.rules }, port, subject.flags)
            }
            network::AF_UNIX | network::AF_NETLINK => Ok(()),
            _ => Err(Denial::of(Reason::Kind)),
        }
    })
}

/// Sending to an address that is given with the message: without a connection, or with Fast Open.
#[lsm(hook = "socket_sendmsg")]
pub(crate) fn socket_sendmsg(ctx: LsmContext) -> i32 {
    let name = Typed::new(ctx.arg(1)).long(&MESSAGE_NAME);
    if name == 0 {
        return 0;
    }
    scope::judge(EventKind::Send, |subject| match told(subject, Raw(name))? {
        AF_INET | AF_INET6 | AF_UNSPEC => reach(subject),
        network::AF_UNIX | network::AF_NETLINK => Ok(()),
        _ => Err(Denial::of(Reason::Kind)),
    })
}

/// A socket is judged by the programs on the group that it was made in: one from elsewhere would be led through no door.
#[inline(always)]
fn own(subject: &Subject, socket: Typed) -> Result<(), Denial> {
    // SAFETY: a map value.
    let group = unsafe { (*subject.session).cgroup };
    let inner = socket.follow(&SOCKET_SOCK);
    // Newer verifiers want to see this looked at.
    if inner.is_null() {
        return Err(Denial::of(Reason::Foreign));
    }
    let made_in = inner.follow(&SOCK_CGROUP).follow(&CGROUP_NODE).long(&NODE_ID);
    if group == 0 || made_in == group { Ok(()) } else { Err(Denial::of(Reason::Foreign)) }
}

/// Whether some way leads there. Which one, and whether it does for this protocol, the next gate decides.
#[inline(always)]
fn reach(subject: &Subject) -> Result<(), Denial> {
    let now_ns = now_ns();
    subject.allowed(|active| {
        let failed = reachable(subject.task, subject.rules, subject.flags, active, now_ns);
        if failed == 0 {
            return Ok(());
        }
        let reason = if failed == Reason::NotGranted as u32 { Reason::NotGranted } else { Reason::Internal };
        // SAFETY: the task's own storage, which `reachable` has filled.
        Err(Denial::by(reason, unsafe { (*subject.task).decision.rule }))
    })
}

/// [`network::reach`] for the address in the task's decision. A boundary of the verifier. Returns a [`Reason`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn reachable(
    task: *mut Task,
    rules: u32,
    session: u32,
    active: u64,
    now_ns: u64,
) -> u32 {
    if task.is_null() {
        return Reason::Internal as u32;
    }
    // SAFETY: the task's own storage.
    let told = unsafe { &(*task).decision.address };
    let wanted = Wanted { address: &told.address, port: told.port, protocol: 0 };
    let at = Moment { active, now_ns, session };
    match network::reach(&Addresses { rules }, &wanted, &at).and_then(|passage| leads(slot_of(rules), passage.door)) {
        Ok(()) => 0,
        Err(denial) => {
            // SAFETY: as above.
            unsafe { (*task).decision.rule = denial.rule };
            denial.reason as u32
        }
    }
}

/// Nothing passes here because of a door to which nobody leads.
#[inline(always)]
fn leads(slot: u32, door: Door) -> Result<(), Denial> {
    let Some(session) = SESSIONS.get(slot) else { return Err(Denial::of(Reason::Internal)) };
    if matches!(door, Door::Direct) || door_port(session, door).is_some() {
        return Ok(());
    }
    Err(Denial::of(Reason::NotGranted))
}

/// Reads a socket address, which the kernel has copied already, into the task's decision; returns its family.
#[inline(always)]
fn told(subject: &Subject, address: Raw) -> Result<u16, Denial> {
    let mut memory = Memory::new();
    let [family, port] = memory.read::<[u16; 2]>(address);
    let at = |bytes: u64| Raw(address.0.wrapping_add(bytes));
    let [high, low] = if family == AF_INET6 {
        memory.read::<[u64; 2]>(at(8))
    } else {
        [0, mapped(memory.read::<u32>(at(4)))]
    };
    if memory.has_failed() {
        return Err(Denial::of(Reason::Internal));
    }
    // SAFETY: the task's own storage.
    unsafe {
        let told: *mut SocketAddress = &raw mut (*subject.task).decision.address;
        (&raw mut (*told).address).cast::<[u64; 2]>().write([high, low]);
        (*told).family = family;
        (*told).port = u16::from_be(port);
        (*subject.task).decision.access = u32::from(family);
    }
    Ok(family)
}
