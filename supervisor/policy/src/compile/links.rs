//! Files and hosts that the policy grants → where links in answers may lead to.

use crate::plan::{DomainRule, FilesPlan, LinksPlan, NetworkPlan};

/// Opens links to what is granted: to tools as well, since a link is followed later.
pub(super) fn open(links: &mut LinksPlan, files: &FilesPlan, network: &NetworkPlan) {
    links.files = files.clone();
    let schemes = |port: &u16| match port {
        443 => vec!["https", "wss"],
        80 => vec!["http", "ws"],
        _ => vec!["http", "https", "ws", "wss"],
    };
    let schemes: std::collections::BTreeSet<&str> = network.ports.iter().flat_map(schemes).collect();
    links.schemes = schemes.into_iter().map(str::to_owned).collect();
    links.hosts = network.domains.iter().flat_map(|domain| hosts(domain, &network.ports)).collect();
    links.hosts.extend(network.any_name.map(|_| "*".to_owned()));
}

/// The name with each port, as rules of URLs name hosts.
fn hosts(domain: &DomainRule, ports: &[u16]) -> Vec<String> {
    let name = if domain.subdomains_only { format!("*.{}", domain.name) } else { domain.name.clone() };
    ports.iter().map(|port| format!("{name}:{port}")).collect()
}
