//! Network: domains by name, ranges by prefix, ports by number, sockets by path.

use std::collections::BTreeSet;

use super::desk::{Allowed, Desk};
use super::document::{Maximum, MaximumNetwork};
use super::roots::{Places, allowed};
use crate::compile::Way;
use crate::document::At;
use crate::document::address::{Domain, ListenPort, Port};
use crate::document::destination::Destination;
use crate::document::list::{Item, List, Subject};
use crate::document::range::{Cidr, Range};
use crate::plan::{Ask, CidrRule, ClassMask, DomainRule, NetworkPlan, RuleId};

impl Desk<'_> {
    /// Refuses what a plan opens beyond the maximum.
    pub(super) fn network(&mut self, maximum: &Maximum, plan: &NetworkPlan) {
        let empty = MaximumNetwork::default();
        // Sockets are paths: `sockets`. Numbers: `limits`.
        let MaximumNetwork { allowed_domains, allowed_ports, allowed_cidrs, listen, .. } =
            maximum.network.as_ref().map_or(&empty, |at| &at.value);
        // Every field of the plan is named here: one that is forgotten does not compile.
        let NetworkPlan {
            domains,
            cidrs,
            ports,
            listen: listening,
            unix_sockets: _,
            max_connections_per_minute: _,
            max_sent_bytes_per_minute: _,
            max_lookups_per_minute: _,
            max_names_per_minute: _,
            max_destinations_per_minute: _,
            // Follows from the ranges, and any name that is looked up leads to a range that is open.
            any_name: _,
        } = plan;
        allowed_domains.iter().for_each(|list| self.domains(list, domains));
        allowed_cidrs.iter().for_each(|list| self.ranges(list, cidrs));
        if let Some(list) = allowed_ports {
            let numbers = list.value.0.iter().map(|Item { value: Port(port), .. }| *port).collect();
            self.ports(
                "network.allowed_ports",
                numbers,
                ports,
                &as_allowed("maximum.network.allowed_ports", list),
            );
        }
        if let Some(list) = listen {
            let numbers = list.value.0.iter().map(|Item { value: ListenPort(port), .. }| *port).collect();
            self.ports("network.listen", numbers, listening, &as_allowed("maximum.network.listen", list));
        }
    }

    fn domains(&mut self, list: &At<List<Item<Destination>>>, rules: &[DomainRule]) {
        let items = list.value.0.iter().map(|item| Way::of(item.value.clone()).to_string()).collect();
        let allowed = Allowed { key: "maximum.network.allowed_domains", origin: &list.origin, items };
        let mut told = BTreeSet::new();
        for rule in rules {
            if !list.value.0.iter().any(|item| covers_domain(&item.value, rule)) && told.insert(rule.from) {
                let named = list.value.0.iter().any(|item| item.value.domain.covers(&asked(rule)));
                let what = if named { "this way to the domain" } else { "this domain" };
                let rule = self.rule(rule.from);
                self.outside(&rule, what, &allowed);
            }
        }
    }

    fn ranges(&mut self, list: &At<List<Item<Cidr>>>, rules: &[CidrRule]) {
        let ranges: Vec<Range> = list.value.0.iter().flat_map(|item| item.value.ranges()).collect();
        let allowed = as_allowed("maximum.network.allowed_cidrs", list);
        let mut told: BTreeSet<RuleId> = BTreeSet::new();
        for rule in rules {
            if !ranges.iter().any(|range| covers_range(range, rule)) && told.insert(rule.from) {
                let rule = self.rule(rule.from);
                self.outside(&rule, "this range", &allowed);
            }
        }
    }

    /// A port has no rule of its own in the plan; it is found by its text.
    fn ports(&mut self, key: &str, allowed: BTreeSet<u16>, ports: &[u16], list: &Allowed<'_>) {
        for port in ports.iter().filter(|port| !allowed.contains(port)) {
            let text = format!("{key}: {port}");
            let made = |ask: &Ask| matches!(ask, Ask::Ports | Ask::Listen);
            let written: Vec<RuleId> = (0..)
                .zip(&self.rules)
                .filter(|(_, rule)| made(&rule.ask) && rule.text == text)
                .map(|(id, _)| RuleId(id))
                .collect();
            let rule = self.rule(written.first().copied().unwrap_or(RuleId(u32::MAX)));
            let what = if rule.origin.line == 0 {
                "this port, which holds where none is named,"
            } else {
                "this port"
            };
            self.outside(&rule, what, list);
        }
    }

    /// Unix sockets are paths, and a denied path is denied to them too.
    pub(super) fn sockets(&mut self, places: &Places, plan: &NetworkPlan) {
        for socket in &plan.unix_sockets {
            let (rule, real) = (self.rule(socket.from), (self.caller.real)(&socket.path));
            let what = format!("`{}`", self.shown(&socket.path));
            if let Some(host) = places.closing(&socket.path, &real) {
                self.closed(&rule, &what, host);
            } else if let Some(roots) = places.sockets.as_ref().filter(|roots| !roots.hold(&real)) {
                self.outside(&rule, &what, &allowed(roots, &[]));
            }
        }
    }
}

fn as_allowed<'a, T: Subject>(key: &'a str, list: &'a At<List<Item<T>>>) -> Allowed<'a> {
    let items = list.value.0.iter().map(|item| item.value.show()).collect();
    Allowed { key, origin: &list.origin, items }
}

/// Whether an entry of the maximum allows all of what a rule opens: every name, in this way or a stricter one.
pub(super) fn covers_domain(entry: &Destination, rule: &DomainRule) -> bool {
    let records = entry.records();
    entry.domain.covers(&asked(rule))
        && rule.verify <= entry.verify()
        && rule.records.srv <= records.srv
        && rule.records.txt <= records.txt
}

fn asked(rule: &DomainRule) -> Domain {
    Domain { name: rule.name.clone(), subdomains_only: rule.subdomains_only }
}

/// Whether a range of the maximum holds all of a rule's.
pub(super) fn covers_range(range: &Range, rule: &CidrRule) -> bool {
    let Range { address, prefix } = *range;
    let wide = CidrRule { address, prefix, classes: ClassMask::NONE, from: rule.from };
    prefix <= rule.prefix && wide.contains(rule.address)
}
