//! The calls that the supervisor carries out itself, where it is the one who decides about addresses.
//!
//! A filter cannot follow a pointer, but it sees whether there is one: what sends to the peer of a connection runs as ever.

use super::arguments::Argued;
use super::network::Sockets;
use super::verdict::{Action, Clause, Decision, EPERM, Test};

const JUDGED: &str = "the supervisor looks at the address and carries the call out itself";

/// Always carried out by the supervisor: an address stands in each, or may stand in it.
const ALWAYS: [&str; 5] = ["connect", "bind", "sendmsg", "sendmmsg", "getpeername"];

/// Level and option of what sends a socket's packets to another address than the one that was judged: source routes, and
/// headers that are kept for it (`ip(7)`; RFC 3542 for those of IPv6). No privilege is needed for these.
const ROUTES: [(i32, u32); 5] = [
    (libc::IPPROTO_IP, 4),    // IP_OPTIONS: loose and strict source routes
    (libc::IPPROTO_IPV6, 57), // IPV6_RTHDR
    (libc::IPPROTO_IPV6, 5),  // IPV6_2292RTHDR
    (libc::IPPROTO_IPV6, 6),  // IPV6_2292PKTOPTIONS: any of them
    (libc::IPPROTO_IPV6, 32), // IPV6_FLOWLABEL_MGR: a label may carry them
];

/// Changes the rules of a kernel that decides alone into those of the supervisor's gate. What they refuse stays refused.
pub(super) fn mediate(rules: &mut Vec<Argued>, sockets: Sockets) {
    for call in ALWAYS {
        rule(rules, call).otherwise = Action::Mediate;
    }
    // Whoever listens without a bind gets a port that nobody has looked at.
    if sockets.tcp {
        rule(rules, "listen").otherwise = Action::Mediate;
    }
    // The kernel knows a unix socket by the name through which the supervisor has bound it.
    if sockets.unix {
        rule(rules, "getsockname").otherwise = Action::Mediate;
    }
    for (call, address) in [("sendto", 4), ("recvfrom", 4)] {
        let decision = rule(rules, call);
        decision.clauses.push(Clause { tests: vec![Test::null(address)], then: Action::Allow });
        decision.otherwise = Action::Mediate;
    }
    for (level, option) in ROUTES {
        let tests = vec![Test::is(1, level.cast_unsigned()), Test::is(2, option)];
        rule(rules, "setsockopt").clauses.push(Clause { tests, then: Action::Refuse(EPERM) });
    }
}

/// The call's decision, which is made if there is none.
fn rule<'a>(rules: &'a mut Vec<Argued>, call: &'static str) -> &'a mut Decision {
    let at = rules.iter().position(|argued| argued.call == call).unwrap_or_else(|| {
        rules.push(Argued::always(call, JUDGED, Action::Mediate));
        rules.len() - 1
    });
    &mut rules[at].decision
}
