//! Address ranges and ports.
//!
//! Domains are not here: which addresses they stand for is learned while the session runs.
//! One look-up by the longest prefix answers for all classes, so that each range contains what the shorter ones around
//! it grant. IPv4 addresses stand in their IPv6 form, but a range of IPv6 addresses says nothing about them: the root
//! of IPv4, `::ffff:0:0/96`, ends what an IPv6 range around it grants.

use std::collections::BTreeMap;
use std::net::IpAddr;

use abi::{Address, AddressKey, NO_RULE, PORT_CHECKED, Port, PortKey, PortUse};
use policy::plan::{ClassMask, NetworkPlan, RuleId, Speech};

/// `::ffff:0:0/96`, where IPv4 addresses stand (RFC 4291 section 2.5.5.2).
const MAPPED_ROOT: u128 = 0xffff << 32;
const MAPPED: u8 = 96;

/// The ranges of one family: prefix length and address in its IPv6 form, the classes, the rule.
type Ranges = BTreeMap<(u8, u128), (ClassMask, Option<RuleId>)>;

/// Every range with what it and the shorter ones grant.
pub(super) fn addresses(plan: &NetworkPlan) -> Vec<(u8, AddressKey, Address)> {
    let (mut v4, mut v6) = (Ranges::new(), Ranges::new());
    v4.insert((MAPPED, MAPPED_ROOT), (ClassMask::NONE, None));
    for rule in &plan.cidrs {
        match rule.address {
            IpAddr::V4(address) => {
                let key = (MAPPED + rule.prefix, address.to_ipv6_mapped().to_bits());
                add(&mut v4, key, rule.classes, rule.from);
            }
            IpAddr::V6(address) => add(&mut v6, (rule.prefix, address.to_bits()), rule.classes, rule.from),
        }
    }
    let reached = |ranges: &Ranges| ranges.values().any(|(classes, _)| !classes.is_empty());
    match reached(&v4) || reached(&v6) {
        true => resolved(&v4).chain(resolved(&v6)).collect(),
        false => Vec::new(),
    }
}

fn add(ranges: &mut Ranges, key: (u8, u128), classes: ClassMask, from: RuleId) {
    let (known, rule) = ranges.entry(key).or_insert((ClassMask::NONE, None));
    *known = known.union(classes);
    rule.get_or_insert(from);
}

/// Each range with the shorter ones' classes in it. The order of the keys is that of the lengths.
fn resolved(ranges: &Ranges) -> impl Iterator<Item = (u8, AddressKey, Address)> {
    ranges.iter().map(|(&(prefix, address), &(_, rule))| {
        let around = ranges.iter().filter(move |(key, _)| key.0 <= prefix && covers(**key, address));
        let classes = around.fold(ClassMask::NONE, |sum, (_, (classes, _))| sum.union(*classes));
        let key = AddressKey { address: address.to_be_bytes(), ..AddressKey::default() };
        let rule = rule.map_or(NO_RULE, |RuleId(number)| number);
        (prefix, key, Address { classes: classes.bits(), rule, ..Address::default() })
    })
}

fn covers((prefix, network): (u8, u128), address: u128) -> bool {
    (network ^ address).checked_shr(128 - u32::from(prefix)).unwrap_or(0) == 0
}

/// Ports to connect to and to listen on. Names are looked up at the session's resolver, which needs no port here.
pub(super) fn ports(plan: &NetworkPlan) -> Vec<(PortKey, Port)> {
    let reaches = !plan.domains.is_empty() || !plan.cidrs.is_empty();
    let connect = plan.ports.iter().copied().filter(|_| reaches).map(|port| (port, PortUse::Connect));
    let all = connect.chain(plan.listen.iter().map(|port| (*port, PortUse::Listen)));
    all.map(|(number, usage)| {
        (PortKey { port: number, usage: usage as u16, ..PortKey::default() }, port(number))
    })
    .collect::<BTreeMap<_, _>>()
    .into_iter()
    .collect()
}

/// No denial names a port's rule: a port that is known is allowed.
fn port(number: u16) -> Port {
    let flags = if Speech::expected_at(number).is_some() { PORT_CHECKED } else { 0 };
    Port { rule: NO_RULE, flags }
}
