//! `network` → domains, ranges, ports, sockets.

use std::collections::BTreeSet;

use super::Compiler;
use super::domains::{self, Way};
use crate::document::At;
use crate::document::address::{ListenPort, Port};
use crate::document::list::{Filled, Item, Subject};
use crate::document::numbers::{Bytes, PerMinute};
use crate::document::path::PathText;
use crate::document::range::{Cidr, Range};
use crate::document::sections::Network;
use crate::plan::{Ask, CidrRule, ClassId, ClassMask, NAMES_PER_MINUTE, NetworkPlan, RuleId, UnixSocketRule};

/// The port of `https`, which holds where domains or ranges are allowed and no port is named.
const DEFAULT_PORT: u16 = 443;

impl Compiler<'_> {
    /// What holds always. Domains of tools are added by [`Compiler::tools`].
    pub(super) fn network(&mut self, network: Network) -> NetworkPlan {
        let Network {
            allowed_domains,
            allowed_ports,
            allowed_cidrs,
            listen,
            unix_sockets,
            max_connections_per_minute,
            max_sent_bytes_per_minute,
            max_lookups_per_minute,
            max_names_per_minute,
            max_destinations_per_minute,
        } = network;
        let mut plan = NetworkPlan::default();
        for Item { value, reason, origin } in items(allowed_domains) {
            let way = Way::of(value);
            let text = format!("network.allowed_domains: {way}");
            let from = self.ledger.rule(text, &origin, reason, Ask::Domain);
            domains::add(&mut plan.domains, way, ClassId::ALWAYS, from);
        }
        (plan.cidrs, plan.any_name) = self.cidrs(items(allowed_cidrs));
        plan.ports = self.ports(items(allowed_ports));
        plan.listen = self.listen(items(listen));
        plan.unix_sockets = self.unix_sockets(items(unix_sockets));
        plan.max_connections_per_minute =
            self.rate("max_connections_per_minute", max_connections_per_minute, Ask::ConnectRate);
        plan.max_sent_bytes_per_minute = self.sent_bytes(max_sent_bytes_per_minute);
        plan.max_lookups_per_minute =
            self.rate("max_lookups_per_minute", max_lookups_per_minute, Ask::LookupRate);
        let names = self.rate("max_names_per_minute", max_names_per_minute, Ask::NameRate);
        plan.max_names_per_minute = names.unwrap_or(NAMES_PER_MINUTE);
        plan.max_destinations_per_minute =
            self.rate("max_destinations_per_minute", max_destinations_per_minute, Ask::DestinationRate);
        plan
    }

    fn rate(&mut self, key: &str, rate: Option<At<PerMinute>>, ask: Ask) -> Option<u32> {
        self.ledger.key(&format!("network.{key}"), &rate, |rate| rate.get().to_string(), ask);
        rate.map(|at| at.value.get32())
    }

    fn sent_bytes(&mut self, rate: Option<At<Bytes>>) -> Option<u64> {
        let show = |bytes: &Bytes| format!("{} bytes", bytes.0);
        self.ledger.key("network.max_sent_bytes_per_minute", &rate, show, Ask::SentBytesRate);
        rate.map(|at| at.value.0)
    }

    /// The ranges, and the rule that allows every public address.
    fn cidrs(&mut self, cidrs: Vec<Item<Cidr>>) -> (Vec<CidrRule>, Option<RuleId>) {
        let (mut rules, mut public) = (Vec::<CidrRule>::new(), None);
        for Item { value, reason, origin } in cidrs {
            let text = format!("network.allowed_cidrs: {}", value.show());
            let from = self.ledger.rule(text, &origin, reason, Ask::Cidr);
            if value == Cidr::Public {
                public.get_or_insert(from);
            }
            for Range { address, prefix } in value.ranges() {
                if !rules.iter().any(|rule| (rule.address, rule.prefix) == (address, prefix)) {
                    rules.push(CidrRule { address, prefix, classes: ClassMask::ALWAYS, from });
                }
            }
        }
        rules.sort_by_key(|rule| (rule.address, rule.prefix));
        (rules, public)
    }

    fn ports(&mut self, ports: Vec<Item<Port>>) -> Vec<u16> {
        let mut numbers = BTreeSet::new();
        for Item { value, reason, origin } in ports {
            self.ledger.rule(format!("network.allowed_ports: {}", value.show()), &origin, reason, Ask::Ports);
            numbers.insert(value.0);
        }
        numbers.into_iter().collect()
    }

    fn listen(&mut self, ports: Vec<Item<ListenPort>>) -> Vec<u16> {
        let mut numbers = BTreeSet::new();
        for Item { value, reason, origin } in ports {
            self.ledger.rule(format!("network.listen: {}", value.show()), &origin, reason, Ask::Listen);
            numbers.insert(value.0);
        }
        numbers.into_iter().collect()
    }

    fn unix_sockets(&mut self, sockets: Vec<Item<PathText>>) -> Vec<UnixSocketRule> {
        let mut rules: Vec<UnixSocketRule> = Vec::new();
        for Item { value, reason, origin } in sockets {
            let text = format!("network.unix_sockets: {}", value.show());
            let from = self.ledger.rule(text, &origin, reason, Ask::UnixSocket);
            for path in self.paths(&value, &origin) {
                if !rules.iter().any(|rule| rule.path == path) {
                    rules.push(UnixSocketRule { path, from });
                }
            }
        }
        rules.sort_by(|left, right| left.path.cmp(&right.path));
        rules
    }

    /// When the domains of all tools are known: whether the network is closed, and which ports and rates hold
    /// unsaid.
    pub(super) fn close_network(&mut self, network: &mut NetworkPlan) {
        if !network.wants_ip() {
            self.ledger.default_deny("network: closed", Ask::NoNetwork);
        }
        let reachable = !network.domains.is_empty() || !network.cidrs.is_empty();
        if reachable && network.ports.is_empty() {
            let text = format!("network.allowed_ports: {DEFAULT_PORT}");
            self.ledger.default_deny(&text, Ask::Ports);
            network.ports.push(DEFAULT_PORT);
        }
        if network.leaves_names_open() && !self.ledger.asks(&Ask::NameRate) {
            let text = format!("network.max_names_per_minute: {NAMES_PER_MINUTE}");
            self.ledger.default_deny(&text, Ask::NameRate);
        }
    }
}

/// The items of a list that may be absent.
pub(super) fn items<T>(list: Option<At<Filled<Item<T>>>>) -> Vec<Item<T>> {
    list.map(|at| at.value.0).unwrap_or_default()
}
