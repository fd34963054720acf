//! What stays closed, as far as a reader could wonder.

use super::{numbers, ports};
use crate::plan::{NetworkPlan, Verify};

/// Sentences without their full stop.
pub(super) fn sentences(network: &NetworkPlan) -> Vec<String> {
    let mut closed = Vec::new();
    closed.extend(nothing(network).map(str::to_owned));
    if reaches_out(network) {
        closed.extend(names(network).map(str::to_owned));
        closed.extend(quic(network));
        closed.extend(other_resolvers(network).map(str::to_owned));
        closed.push(private(network));
    }
    if network.unix_sockets.is_empty() {
        closed.push("unix sockets of other programs".to_owned());
    }
    closed
}

fn reaches_out(network: &NetworkPlan) -> bool {
    !network.domains.is_empty() || !network.cidrs.is_empty()
}

fn nothing(network: &NetworkPlan) -> Option<&'static str> {
    match (reaches_out(network), network.listen.is_empty()) {
        (true, _) => None,
        (false, true) => Some("the network: no IP socket can be made"),
        (false, false) => {
            Some("every host: the server answers who connects to its port, and connects to nobody")
        }
    }
}

fn names(network: &NetworkPlan) -> Option<&'static str> {
    match (network.any_name, network.domains.is_empty()) {
        (Some(_), _) => None,
        (None, false) => Some(
            "every other name: whichever server is asked, the session's own resolver answers, and refuses it",
        ),
        (None, true) => Some("every name: nothing can be looked up, ranges are reached by number"),
    }
}

/// Nobody looks at a name in UDP, so that it is closed where names are checked. A range is open to UDP all the same.
fn quic(network: &NetworkPlan) -> Option<String> {
    let (checked, _) = ports(&network.ports, Verify::Name);
    let by_name = !network.domains.is_empty() && network.any_name.is_none();
    (by_name && !checked.is_empty())
        .then(|| format!("QUIC to domains (UDP to port {}); clients fall back to TCP", numbers(&checked)))
}

fn other_resolvers(network: &NetworkPlan) -> Option<&'static str> {
    network.any_name.is_none().then_some(
        "other resolvers, also over TLS and HTTPS (DoT, DoH), unless a rule allows them as the hosts that they are",
    )
}

fn private(network: &NetworkPlan) -> String {
    let kinds = "private, loopback, link-local and metadata addresses";
    let listed = network.cidrs.iter().any(|rule| network.any_name != Some(rule.from));
    match (network.resolves(), listed) {
        (true, true) => format!("{kinds} outside of the ranges above, whatever name stands for them"),
        (true, false) => format!("{kinds}, whatever name stands for them"),
        (false, _) => format!("{kinds} outside of the ranges above"),
    }
}
