//! What the author of a network section should know.

use super::{numbers, ports};
use crate::plan::{DomainRule, NetworkPlan, Verify};
use crate::shared;

/// Sentences without their full stop.
pub(super) fn sentences(network: &NetworkPlan) -> Vec<String> {
    let neighbours = network.domains.iter().filter_map(|rule| neighbours(rule, &network.ports));
    neighbours.chain(ranges_come_first(network)).collect()
}

/// Strangers at the same address, and ports on which nothing tells them apart.
fn neighbours(rule: &DomainRule, all: &[u16]) -> Option<String> {
    let shared = shared::host(&rule.name)?;
    let (_, unchecked) = ports(all, rule.verify);
    let why = match rule.verify {
        _ if unchecked.is_empty() => return None,
        Verify::AddressOnly => "by `verify: address-only`".to_owned(),
        Verify::Name => format!("on port {}", numbers(&unchecked)),
    };
    Some(format!(
        "`{}` is served by {}, and {why} only the address counts: whoever shares that address is reached as well",
        super::written(rule),
        shared.provider
    ))
}

/// An address in an allowed range needs no name.
fn ranges_come_first(network: &NetworkPlan) -> Option<String> {
    let checked = network.domains.iter().any(|rule| rule.verify == Verify::Name);
    (checked && network.any_name.is_some()).then(|| {
        "`allowed_cidrs: [public]` reaches the addresses of every domain already, so that no domain is checked by name"
            .to_owned()
    })
}
