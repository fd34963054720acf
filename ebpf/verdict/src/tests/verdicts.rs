//! Addresses, ports, sockets, rates, kills.

use abi::{Address, EventKind, PortUse, Rate, Reason, session_flags};

use super::tables::Maps;
use crate::rate::Taken;
use crate::{Denial, action, network, rate};

fn reachable() -> Maps {
    let mut maps = Maps::default();
    let address = Address { classes: 2, rule: 5, padding: 0 };
    maps.addresses.push((network::mapped([10, 0, 0, 1]), address));
    maps.ports.insert((443, PortUse::Connect as u16), 6);
    maps.ports.insert((8080, PortUse::Listen as u16), 7);
    maps
}

#[test]
fn an_address_is_reached_by_class_and_port() {
    let maps = reachable();
    let v4 = network::mapped([10, 0, 0, 1]);
    assert_eq!(network::reach(&maps, &v4, 443, 2), Ok(()));
    let denied = Err(Denial { reason: Reason::NotGranted, rule: 5 });
    assert_eq!(network::reach(&maps, &v4, 443, 1), denied);
    assert_eq!(network::reach(&maps, &v4, 8080, 2), denied);
    let unknown = network::reach(&maps, &network::mapped([10, 0, 0, 2]), 443, 2);
    assert_eq!(unknown, Err(Denial::of(Reason::NotGranted)));
}

#[test]
fn only_listening_ports_are_bound() {
    let maps = reachable();
    assert_eq!(network::bind(&maps, 0, 0), Ok(()));
    assert_eq!(network::bind(&maps, 8080, 0), Ok(()));
    assert!(network::bind(&maps, 443, 0).is_err());
    assert_eq!(network::bind(&maps, 443, session_flags::LISTEN_ANY), Ok(()));
}

#[test]
fn packets_leave_for_what_is_reached_now_or_answer() {
    let maps = reachable();
    let segment = |protocol, source, target, opens| network::Segment { protocol, source, target, opens };
    let known = network::mapped([10, 0, 0, 1]);
    let stranger = network::mapped([1, 2, 3, 4]);
    let sent = |address, segment, active| network::send(&maps, address, segment, active, 0).is_ok();
    assert!(sent(&known, segment(6, 40000, 443, true), 2));
    assert!(!sent(&known, segment(6, 40000, 443, false), 1));
    assert!(sent(&stranger, segment(6, 8080, 50000, false), 1));
    assert!(!sent(&stranger, segment(6, 8080, 50000, true), 1));
    assert!(!sent(&stranger, segment(17, 8080, 50000, false), 1));
    assert!(!sent(&known, segment(1, 0, 443, false), 2));
}

#[test]
fn sockets_of_other_kinds_are_not_made() {
    let made = |family, kind, protocol, session| {
        network::socket(family, kind, protocol, session).err().map(|denial| denial.reason)
    };
    assert_eq!(made(1, 5, 0, 0), None);
    assert_eq!(made(2, 1, 0, session_flags::NETWORK), None);
    assert_eq!(made(10, 2, 17, session_flags::NETWORK), None);
    assert_eq!(made(2, 1, 0, 0), Some(Reason::NotGranted));
    assert_eq!(made(16, 3, 0, 0), None);
    // Raw, ping, MPTCP, SCTP, packet, vsock, the socket diagnosis of netlink.
    for (family, kind, protocol) in
        [(2, 3, 1), (2, 2, 1), (2, 1, 262), (2, 1, 132), (17, 3, 0), (40, 1, 0), (16, 3, 4)]
    {
        assert_eq!(made(family, kind, protocol, session_flags::NETWORK), Some(Reason::Kind));
    }
}

#[test]
fn a_bucket_gives_its_burst_and_then_its_rate() {
    let limit = Rate { interval_ns: 100, window_ns: 300 };
    let mut word = 0;
    let mut take = |now, amount| match rate::take(&limit, word, now, amount) {
        Taken::Store(next) => {
            word = next;
            true
        }
        Taken::Over => false,
        Taken::Unlimited => unreachable!(),
    };
    assert_eq!([0; 4].map(|_| take(1000, 1)), [true, true, true, false]);
    assert!(!take(1099, 1));
    assert!(take(1100, 1) && !take(1100, 1));
    assert!(!take(1400, 4) && take(1400, 3));
    assert!(take(1_000_000, 1));
}

#[test]
fn rates_neither_overflow_nor_divide_by_zero() {
    assert_eq!(rate::take(&Rate::default(), u64::MAX, 5, u64::MAX), Taken::Unlimited);
    let limit = Rate { interval_ns: u64::MAX / 2, window_ns: u64::MAX / 2 };
    assert_eq!(rate::take(&limit, 0, 7, 2), Taken::Over);
    assert_eq!(rate::take(&limit, 0, 7, 1), Taken::Store(7 + u64::MAX / 2));
    assert_eq!(rate::take(&limit, u64::MAX, 7, 1), Taken::Over);
}

#[test]
fn only_what_the_policy_names_kills() {
    let kills = |kind: EventKind, reason: Reason, session, repeated| {
        action::kills(kind as u32, reason as u32, session, repeated)
    };
    let denied = Reason::NotGranted;
    assert!(kills(EventKind::Open, denied, session_flags::KILL_FILE, false));
    assert!(!kills(EventKind::Open, denied, session_flags::KILL_EXEC, false));
    assert!(kills(EventKind::Exec, denied, session_flags::KILL_EXEC, false));
    assert!(kills(EventKind::Connect, denied, session_flags::KILL_NETWORK, false));
    assert!(!kills(EventKind::Connect, Reason::Rate, session_flags::KILL_NETWORK, false));
    assert!(!kills(EventKind::Open, denied, session_flags::KILL_REPEATED, false));
    assert!(kills(EventKind::Open, denied, session_flags::KILL_REPEATED, true));
    assert!(!kills(EventKind::Open, denied, 0, true));
    assert!(kills(EventKind::Escape, Reason::Escape, 0, false));
    assert!(kills(EventKind::Open, Reason::Orphan, 0, false));
    assert!(!kills(EventKind::Bpf, Reason::Kind, session_flags::KILL_FILE, false));
}
