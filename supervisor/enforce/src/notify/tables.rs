//! The session's addresses and ports in this process, behind the look-ups of `verdict`.

use std::collections::HashMap;

use abi::{Address, Bucket, Learned, NO_RULE, Port, PortUse};
use policy::Plan;
use policy::plan::{Ask, FilesPlan};
use verdict::Network;

use super::counts::Limit;
use crate::encode::{self, BudgetRule, EncodeError, Implied, RealPaths};

/// What does not change while the session runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    /// The longest prefixes first.
    ranges: Vec<Range>,
    ports: HashMap<(u16, u16), Port>,
    /// See [`abi::session_flags`].
    pub(super) flags: u32,
    /// Connections.
    pub(super) connections: Limit,
    /// Addresses that are gone to.
    pub(super) destinations: Limit,
    /// What calls may spend.
    pub(super) budgets: Vec<BudgetRule>,
}

#[derive(Clone, Debug)]
struct Range {
    network: u128,
    prefix: u32,
    value: Address,
}

impl Tables {
    /// The network of a plan. Files are the business of other layers, so that nothing about them can be wrong here.
    pub(crate) fn of(plan: &Plan) -> Result<Self, EncodeError> {
        let network = Plan { files: FilesPlan::default(), ..plan.clone() };
        let tables = encode::encode(&network, &Implied::default(), &RealPaths::default())?;
        let mut tables = Self::from(tables);
        tables.connections.rule = rule_asking(plan, &Ask::ConnectRate);
        tables.destinations.rule = rule_asking(plan, &Ask::DestinationRate);
        Ok(tables)
    }
}

impl From<encode::Tables> for Tables {
    fn from(tables: encode::Tables) -> Self {
        let encode::Tables { addresses, ports, flags, rates, budgets, .. } = tables;
        let limit = |bucket: Bucket| Limit { rate: rates[bucket as usize], rule: NO_RULE };
        let range = |(prefix, key, value): (u8, abi::AddressKey, Address)| Range {
            network: u128::from_be_bytes(key.address),
            prefix: prefix.into(),
            value,
        };
        let mut ranges: Vec<Range> = addresses.into_iter().map(range).collect();
        ranges.sort_by_key(|range| std::cmp::Reverse(range.prefix));
        let ports = ports.into_iter().map(|(key, port)| ((key.port, key.usage), port)).collect();
        let (connections, destinations) = (limit(Bucket::Connect), limit(Bucket::Destination));
        Self { ranges, ports, flags, connections, destinations, budgets }
    }
}

/// The number of the rule that asks for this.
fn rule_asking(plan: &Plan, ask: &Ask) -> u32 {
    let found = plan.rules.iter().position(|rule| rule.ask == *ask);
    found.and_then(|index| u32::try_from(index).ok()).unwrap_or(NO_RULE)
}

impl Range {
    fn holds(&self, address: u128) -> bool {
        (self.network ^ address).checked_shr(128 - self.prefix).unwrap_or(0) == 0
    }
}

/// The tables together with what has been learned, at one moment.
pub(super) struct View<'a> {
    pub(super) tables: &'a Tables,
    pub(super) learned: &'a HashMap<[u8; 16], Learned>,
}

impl Network for View<'_> {
    fn address(&self, address: &[u8; 16]) -> Option<&Address> {
        let address = u128::from_be_bytes(*address);
        self.tables.ranges.iter().find(|range| range.holds(address)).map(|range| &range.value)
    }

    fn port(&self, port: u16, usage: PortUse) -> Option<&Port> {
        self.tables.ports.get(&(port, usage as u16))
    }

    fn learned(&self, address: &[u8; 16]) -> Option<&Learned> {
        self.learned.get(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::AddressKey;
    use std::net::IpAddr;

    fn tables(ranges: &[(&str, u8, u64)]) -> Tables {
        let range = |&(address, prefix, classes): &(&str, u8, u64)| {
            let address = super::super::address::key(address.parse::<IpAddr>().expect("an address"));
            let key = AddressKey { address, ..AddressKey::default() };
            (prefix, key, Address { classes, ..Address::default() })
        };
        let addresses = ranges.iter().map(range).collect();
        encode::Tables { addresses, ..encode::Tables::default() }.into()
    }

    #[test]
    fn the_longest_prefix_counts() {
        let ranges = [("10.0.0.0", 104, 1), ("10.1.0.0", 112, 2), ("10.1.2.3", 128, 4), ("::", 0, 8)];
        let tables = tables(&ranges);
        let learned = HashMap::new();
        let view = View { tables: &tables, learned: &learned };
        let classes = |address: &str| {
            let key = super::super::address::key(address.parse().expect("an address"));
            view.address(&key).map(|found| found.classes)
        };
        assert_eq!(classes("10.1.2.3"), Some(4));
        assert_eq!(classes("10.1.2.4"), Some(2));
        assert_eq!(classes("10.2.0.1"), Some(1));
        assert_eq!(classes("2001:db8::1"), Some(8));
    }
}
