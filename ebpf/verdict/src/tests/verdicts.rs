//! Addresses, ports, sockets, rates, kills.

use abi::{
    Address, Budget, Door, EventKind, Flow, Learned, Learning, PORT_CHECKED, Port, PortUse, Rate, Reason,
    session_flags,
};

use super::tables::Maps;
use crate::network::{Moment, Passage, Wanted};
use crate::rate::Taken;
use crate::{Denial, action, budget, network, rate};

fn reachable() -> Maps {
    let mut maps = Maps::default();
    let address = Address { classes: 2, rule: 5, padding: 0 };
    maps.addresses.push((network::mapped([10, 0, 0, 1]), address));
    maps.ports.insert((443, PortUse::Connect as u16), Port { rule: 6, flags: PORT_CHECKED });
    maps.ports.insert((5432, PortUse::Connect as u16), Port { rule: 8, flags: 0 });
    maps.ports.insert((8080, PortUse::Listen as u16), Port { rule: 7, flags: 0 });
    maps
}

fn at(active: u64) -> Moment {
    Moment { active, now_ns: 100, session: session_flags::DOORS }
}

fn reach(maps: &Maps, address: &[u8; 16], port: u16, active: u64) -> Result<Passage, Denial> {
    network::reach(maps, &Wanted { address, port, protocol: network::TCP }, &at(active))
}

fn through(door: Door, classes: u64) -> Result<Passage, Denial> {
    Ok(Passage { door, classes })
}

#[test]
fn an_address_is_reached_by_class_and_port() {
    let maps = reachable();
    let v4 = network::mapped([10, 0, 0, 1]);
    assert_eq!(reach(&maps, &v4, 443, 2), through(Door::Direct, 2));
    let denied = Err(Denial::by(Reason::NotGranted, 5));
    assert_eq!(reach(&maps, &v4, 443, 1), denied);
    assert_eq!(reach(&maps, &v4, 8080, 2), denied);
    let unknown = reach(&maps, &network::mapped([10, 0, 0, 2]), 443, 2);
    assert_eq!(unknown, Err(Denial::of(Reason::NotGranted)));
}

#[test]
fn names_are_looked_up_at_the_resolver_whichever_server_is_asked() {
    let maps = reachable();
    let server = network::mapped([9, 9, 9, 9]);
    assert_eq!(reach(&maps, &server, 53, 1), through(Door::Resolver, u64::MAX));
    let without_domains = Moment { session: 0, ..at(1) };
    let wanted = Wanted { address: &server, port: 53, protocol: network::UDP };
    assert!(network::reach(&maps, &wanted, &without_domains).is_err());
}

fn learned(grants: &[(u64, u64, u32)]) -> (Maps, [u8; 16]) {
    let (mut maps, address) = (reachable(), network::mapped([192, 0, 2, 7]));
    let mut learned = Learned::default();
    for (place, &(classes, until_ns, checked)) in learned.grants.iter_mut().zip(grants) {
        *place = Learning { classes, until_ns, rule: 9, checked };
    }
    maps.learned.push((address, learned));
    (maps, address)
}

#[test]
fn a_learned_address_goes_through_the_proxy_where_hosts_are_named_and_is_reached_itself_elsewhere() {
    let (maps, address) = learned(&[(1, 200, 1)]);
    assert_eq!(reach(&maps, &address, 443, 1), through(Door::Proxy, 1));
    assert_eq!(reach(&maps, &address, 5432, 1), through(Door::Direct, 1));
    let denied = Err(Denial::by(Reason::NotGranted, 9));
    assert_eq!(reach(&maps, &address, 22, 1), denied);
    assert_eq!(reach(&maps, &address, 443, 2), denied);
    let quic = Wanted { address: &address, port: 443, protocol: network::UDP };
    assert_eq!(network::reach(&maps, &quic, &at(1)), denied);
    let no_doors = Moment { session: 0, ..at(1) };
    let https = Wanted { address: &address, port: 443, protocol: network::TCP };
    assert_eq!(network::reach(&maps, &https, &no_doors), denied);
}

#[test]
fn what_was_learned_ends_in_time_each_class_by_itself() {
    let (maps, address) = learned(&[(1, 100, 1), (2, 101, 1), (4, 300, 0)]);
    assert!(reach(&maps, &address, 443, 1).is_err(), "it ends at the instant that is named");
    assert_eq!(reach(&maps, &address, 443, 2), through(Door::Proxy, 2));
    assert_eq!(reach(&maps, &address, 443, 4), through(Door::Direct, 4));
    assert_eq!(reach(&maps, &address, 443, 6), through(Door::Direct, 4));
    assert_eq!(reach(&maps, &address, 5432, 7), through(Door::Direct, 6));
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
    let sent = |address, segment, active| {
        network::send(&maps, address, segment, None, active, || at(active)).is_ok()
    };
    assert!(sent(&known, segment(6, 40000, 443, true), 2));
    assert!(!sent(&known, segment(6, 40000, 443, false), 1));
    assert!(sent(&stranger, segment(6, 8080, 50000, false), 1));
    assert!(!sent(&stranger, segment(6, 8080, 50000, true), 1));
    assert!(!sent(&stranger, segment(17, 8080, 50000, false), 1));
    assert!(!sent(&known, segment(1, 0, 443, false), 2));
}

#[test]
fn packets_of_a_flow_leave_as_long_as_its_classes_are_active_and_only_to_its_peer() {
    let maps = reachable();
    let segment = |target| network::Segment { protocol: 6, source: 40000, target, opens: false };
    let (door, other) = (network::mapped([127, 0, 0, 1]), network::mapped([127, 0, 0, 2]));
    let flow = Flow { classes: 2, real: door, real_port: 3128, door: Door::Proxy as u32, ..Flow::default() };
    let sent = |address, target, active| {
        network::send(&maps, address, segment(target), Some(&flow), active, || at(active)).is_ok()
    };
    assert!(sent(&door, 3128, 2));
    assert!(!sent(&door, 3128, 1), "no call that opened it is in flight");
    assert!(!sent(&door, 3129, 2));
    assert!(!sent(&other, 3128, 2));
    let server = network::mapped([9, 9, 9, 9]);
    assert!(!sent(&server, 53, 2), "what goes to the resolver has a flow to it");
}

#[test]
fn a_flow_goes_on_to_where_it_goes_and_in_its_classes() {
    let real = [0x20, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let flow =
        Flow { classes: 6, real, wanted: network::mapped([9, 9, 9, 9]), real_port: 443, ..Flow::default() };
    assert!(network::goes_on(&flow, &real, 443, 2) && network::goes_on(&flow, &real, 443, 5));
    assert!(!network::goes_on(&flow, &real, 443, 1));
    assert!(!network::goes_on(&flow, &real, 444, 2));
    assert!(!network::goes_on(&flow, &flow.wanted, 443, 2), "where it wanted to go counts for nothing");
    for byte in 0..16 {
        let mut other = real;
        other[byte] ^= 1;
        assert!(!network::goes_on(&flow, &other, 443, 2), "byte {byte} counts for nothing");
    }
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
fn what_is_granted_always_is_charged_to_every_call_and_the_rest_to_those_that_it_is_granted_to() {
    let budgets = 0b1110;
    assert_eq!(budget::charged(0b0010, 0b0111, budgets), 0b0010);
    assert_eq!(budget::charged(0b0010, 0b0101, budgets), 0, "no call that may");
    assert_eq!(budget::charged(0b0011, 0b0111, budgets), 0b0110);
    assert_eq!(budget::charged(0b0001, 0b0001, budgets), 0, "no call is in flight");
    assert_eq!(budget::charged(u64::MAX, u64::MAX, budgets), budgets);
}

#[test]
fn a_budget_is_spent_to_its_end_and_no_further() {
    let left = |granted, spent, amount| budget::take(&Budget { granted, spent, rule: 0, padding: 0 }, amount);
    assert_eq!(left(5, 3, 2), Some(5));
    assert_eq!(left(5, 3, 3), None);
    assert_eq!(left(5, 9, 0), Some(9), "nothing is spent");
    assert_eq!(left(5, 9, 1), None, "what was taken back while it was spent");
    assert_eq!(left(u64::MAX, 1, u64::MAX), None);
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
