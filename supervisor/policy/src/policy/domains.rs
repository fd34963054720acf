//! Domains whose rules open more than their author sees.

use super::rates::all_domains;
use crate::document::At;
use crate::document::address::Domain;
use crate::document::destination::Destination;
use crate::document::list::{Item, Subject};
use crate::document::sections::Document;
use crate::plan::Verify;
use crate::problem::Report;
use crate::shared;

/// Notes wildcards beneath which anyone can get a name, and domains that are never checked by name although they ask
/// for it.
pub(super) fn check(document: &Document, report: &mut Report) {
    let items: Vec<&Item<Destination>> = all_domains(document).collect();
    let always = document.network.iter().filter_map(|at| at.value.allowed_domains.as_ref());
    let always: Vec<&Item<Destination>> = always.flat_map(|At { value, .. }| &value.0).collect();
    for item in items {
        beneath_a_shared_parent(item, report);
        unchecked(item, &always, report);
    }
}

fn beneath_a_shared_parent(item: &Item<Destination>, report: &mut Report) {
    let Domain { name, subdomains_only } = &item.value.domain;
    if let (true, Some(shared)) = (subdomains_only, shared::parent(name)) {
        let message = format!(
            "anyone can get a name beneath `{name}` ({}), so that `{}` allows hosts of strangers; name the ones that are meant",
            shared.provider,
            item.value.show()
        );
        report.warn(&item.origin, message);
    }
}

/// What is granted adds up: where the address is enough at all times, nobody asks for the name.
fn unchecked(item: &Item<Destination>, always: &[&Item<Destination>], report: &mut Report) {
    if item.value.verify() == Verify::AddressOnly {
        return;
    }
    let by_address = |other: &&&Item<Destination>| {
        other.value.verify() == Verify::AddressOnly && other.value.domain.covers(&item.value.domain)
    };
    if let Some(other) = always.iter().find(by_address) {
        let message = format!(
            "`{}` is never checked by name: `{}` in {} lets it through by its address at all times",
            item.value.show(),
            other.value.show(),
            other.origin
        );
        report.warn(&item.origin, message);
    }
}
