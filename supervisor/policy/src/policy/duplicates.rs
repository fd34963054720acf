//! One file says nothing twice.

use std::collections::BTreeMap;

use crate::document::At;
use crate::document::destination::Destination;
use crate::document::list::{Filled, Item, List, Subject};
use crate::document::sections::{Document, Environment, Execution, Filesystem, Network, Session};
use crate::document::tool::Tool;
use crate::document::words::Word;
use crate::plan::Origin;
use crate::problem::Report;

/// Notes each item that stands in the same list of the same file twice.
pub(super) fn check(document: &Document, report: &mut Report) {
    if let Some(At { value: Filesystem { read, write, deny, max_opens_per_minute: _ }, .. }) =
        &document.filesystem
    {
        list(read, report);
        list(write, report);
        list(deny, report);
    }
    if let Some(At { value: network, .. }) = &document.network {
        let Network {
            allowed_domains,
            allowed_ports,
            allowed_cidrs,
            listen,
            unix_sockets,
            max_connections_per_minute: _,
            max_sent_bytes_per_minute: _,
            max_lookups_per_minute: _,
            max_names_per_minute: _,
            max_destinations_per_minute: _,
        } = network;
        records(allowed_domains, report);
        filled(allowed_domains, report);
        filled(allowed_ports, report);
        filled(allowed_cidrs, report);
        filled(listen, report);
        filled(unix_sockets, report);
    }
    if let Some(At { value: Execution { allowed_programs, .. }, .. }) = &document.execution {
        filled(allowed_programs, report);
    }
    if let Some(At { value: Session { extra_methods, .. }, .. }) = &document.session {
        filled(extra_methods, report);
    }
    for (_, tool) in document.tools.iter().flat_map(|at| &at.value.0) {
        let Tool { allowed_paths, allowed_domains, allowed_programs, .. } = tool;
        filled(allowed_paths, report);
        records(allowed_domains, report);
        filled(allowed_domains, report);
        filled(allowed_programs, report);
    }
    if let Some(At { value: environment, .. }) = &document.environment {
        variables(environment, report);
    }
    words_once(&document.require, report);
    once(
        document.extends.iter().flat_map(|at| &at.value.0).map(|at| (at.value.0.clone(), at.origin.clone())),
        report,
    );
}

fn list<T: Subject>(items: &Option<At<List<Item<T>>>>, report: &mut Report) {
    once(
        items.iter().flat_map(|at| &at.value.0).map(|item| (item.value.show(), item.origin.clone())),
        report,
    );
}

fn filled<T: Subject>(items: &Option<At<Filled<Item<T>>>>, report: &mut Report) {
    once(
        items.iter().flat_map(|at| &at.value.0).map(|item| (item.value.show(), item.origin.clone())),
        report,
    );
}

fn records(domains: &Option<At<Filled<Item<Destination>>>>, report: &mut Report) {
    for item in domains.iter().flat_map(|at| &at.value.0) {
        once(item.value.listed().map(|at| (at.value.word(), at.origin.clone())), report);
    }
}

/// A variable has one source: it is passed, or set, or a secret.
fn variables(Environment { pass, set, secrets }: &Environment, report: &mut Report) {
    let pass = pass.iter().flat_map(|at| &at.value.0).map(|item| (item.value.show(), item.origin.clone()));
    let set =
        set.iter().flat_map(|at| &at.value.0).map(|(name, _)| (name.value.0.clone(), name.origin.clone()));
    let secrets = secrets
        .iter()
        .flat_map(|at| &at.value.0)
        .map(|(name, _)| (name.value.0.clone(), name.origin.clone()));
    once(pass.chain(set).chain(secrets), report);
}

/// Notes each word that stands in a list twice.
pub(crate) fn words_once<W: Word>(list: &Option<At<List<At<W>>>>, report: &mut Report) {
    let words = |at: &At<W>| (at.value.word(), at.origin.clone());
    once(list.iter().flat_map(|at| &at.value.0).map(words), report);
}

/// Notes each thing that is there twice, at the second place.
pub(crate) fn once<K: Ord + ToString>(items: impl Iterator<Item = (K, Origin)>, report: &mut Report) {
    let mut seen: BTreeMap<K, Origin> = BTreeMap::new();
    let mut items: Vec<(K, Origin)> = items.collect();
    items.sort_by(|(_, left), (_, right)| left.cmp(right));
    for (item, origin) in items {
        match seen.get(&item) {
            Some(first) => {
                let message =
                    format!("`{}` stands here twice; the first is in line {}", item.to_string(), first.line);
                report.error(&origin, message);
            }
            None => {
                seen.insert(item, origin);
            }
        }
    }
}
