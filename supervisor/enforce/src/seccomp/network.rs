//! The calls about sockets: which families, types and protocols exist for the server.
//!
//! Landlock sees TCP alone (ports, ABI 4). What it does not see must not exist: MPTCP, SCTP, SMC, raw and packet
//! sockets, and connections that are made by sending (TCP Fast Open). UDP exists where a name must be resolved.

use super::arguments::Argued;
use super::gate;
use super::verdict::{Action, Clause, Decision, EPERM, Test};
use policy::plan::{NetworkPlan, SyscallProfile};

/// Which sockets a plan wants, all that the filter needs to know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sockets {
    /// TCP over IPv4 and IPv6.
    pub(crate) tcp: bool,
    /// UDP over IPv4 and IPv6.
    pub(crate) udp: bool,
    /// Unix stream sockets with a name.
    pub(crate) unix: bool,
    /// The question which addresses the host has (`os.networkInterfaces`, `getaddrinfo`): programs end with an error
    /// where it is refused, and it reaches nobody but the kernel.
    pub(crate) routes: bool,
    /// Somebody may connect to the server: on a TCP port, or on a unix socket that it makes.
    pub(crate) listens: bool,
    /// Who decides about addresses.
    pub(crate) addresses: Addresses,
}

/// Who decides about addresses, which no filter can see: they lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// The kernel: Landlock, or eBPF programs.
    #[default]
    Kernel,
    /// The supervisor, which carries the calls out itself ([`crate::notify`]).
    Gate,
}

impl Sockets {
    /// What the plan wants. A server that only listens has nobody to resolve.
    pub(crate) fn of(plan: &NetworkPlan, profile: SyscallProfile, addresses: Addresses) -> Self {
        let reaches_out = !plan.domains.is_empty() || !plan.cidrs.is_empty();
        let routes = plan.wants_ip() || profile == SyscallProfile::Default;
        let (tcp, udp, unix) = (plan.wants_ip(), reaches_out, !plan.unix_sockets.is_empty());
        let listens = unix || !plan.listen.is_empty();
        Self { tcp, udp, unix, routes, listens, addresses }
    }

    /// Whether any socket exists that has a peer.
    pub(crate) fn have_peers(self) -> bool {
        self.tcp || self.udp || self.unix
    }
}

const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
/// The type without `SOCK_CLOEXEC` and `SOCK_NONBLOCK`.
const TYPE: u32 = 0xf;
const MPTCP: u32 = 262;
/// `MSG_FASTOPEN`: connects by sending, where some kernels' security hooks do not look.
const FAST_OPEN: u32 = 0x2000_0000;

/// The rules.
pub(crate) fn rules(sockets: Sockets) -> Vec<Argued> {
    let mut rules = kernel_rules(sockets);
    if sockets.addresses == Addresses::Gate {
        gate::mediate(&mut rules, sockets);
    }
    rules
}

fn kernel_rules(sockets: Sockets) -> Vec<Argued> {
    vec![
        Argued { call: "socket", reason: SOCKET, decision: socket(sockets) },
        Argued::only(
            "socketpair",
            "a pair of streams reaches nobody else; an end of a datagram pair can send to any path",
            vec![vec![Test::is(0, libc::AF_UNIX.cast_unsigned()), Test::masked(1, TYPE, STREAM)]],
        ),
        Argued::never("sendto", FAST_OPEN_REASON, vec![vec![Test::masked(3, FAST_OPEN, FAST_OPEN)]]),
        Argued::never("sendmsg", FAST_OPEN_REASON, vec![vec![Test::masked(2, FAST_OPEN, FAST_OPEN)]]),
        Argued::never("sendmmsg", FAST_OPEN_REASON, vec![vec![Test::masked(3, FAST_OPEN, FAST_OPEN)]]),
        Argued::never(
            "setsockopt",
            "TCP_ULP can turn a TCP socket into one that Landlock's TCP rules do not see (SMC); routes lead around the address",
            vec![vec![Test::is(1, libc::IPPROTO_TCP.cast_unsigned()), Test::is(2, 31)]],
        ),
    ]
}

const SOCKET: &str = "only the families, types and protocols that the policy's network needs";
const FAST_OPEN_REASON: &str = "MSG_FASTOPEN connects without asking";

fn socket(sockets: Sockets) -> Decision {
    let mut clauses = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6].map(i32::cast_unsigned) {
        if sockets.tcp {
            clauses.push(allow(&[family_is(family), kind_is(STREAM), protocol_is(0)]));
            clauses.push(allow(&[family_is(family), kind_is(STREAM), protocol_is(6)]));
            clauses.push(no_mptcp(family));
        }
        if sockets.udp {
            clauses.push(allow(&[family_is(family), kind_is(DATAGRAM), protocol_is(0)]));
            clauses.push(allow(&[family_is(family), kind_is(DATAGRAM), protocol_is(17)]));
        }
    }
    if sockets.routes {
        // NETLINK_ROUTE. Without capabilities it answers questions and changes nothing.
        clauses.push(allow(&[family_is(libc::AF_NETLINK.cast_unsigned()), protocol_is(0)]));
    }
    if sockets.unix {
        clauses.push(allow(&[family_is(libc::AF_UNIX.cast_unsigned()), kind_is(STREAM)]));
    }
    Decision { clauses, otherwise: Action::Refuse(EPERM) }
}

/// Unix sockets of datagrams.
pub(super) fn unix_datagrams() -> Clause {
    allow(&[family_is(libc::AF_UNIX.cast_unsigned()), kind_is(DATAGRAM)])
}

/// Go (since 1.24) and newer Node ask for MPTCP first and fall back to TCP on this errno.
fn no_mptcp(family: u32) -> Clause {
    Clause {
        tests: vec![family_is(family), kind_is(STREAM), protocol_is(MPTCP)],
        then: Action::Refuse(libc::EPROTONOSUPPORT),
    }
}

fn allow(tests: &[Test]) -> Clause {
    Clause { tests: tests.to_vec(), then: Action::Allow }
}

fn family_is(family: u32) -> Test {
    Test::is(0, family)
}

fn kind_is(kind: u32) -> Test {
    Test::masked(1, TYPE, kind)
}

fn protocol_is(protocol: u32) -> Test {
    Test::is(2, protocol)
}
