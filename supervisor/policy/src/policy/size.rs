//! How large a policy may grow: far beyond any that a person reviews, and small enough to be checked at once.

use super::tools::entries;
use crate::document::At;
use crate::document::list::{Filled, Item};
use crate::document::sections::{Document, Filesystem};
use crate::plan::Origin;
use crate::problem::Report;

/// Entries in all lists of paths, domains and programs together.
const MAX_GRANTS: usize = 1024;

/// Entries under `tools`.
const MAX_TOOLS: usize = 512;

/// Notes a policy that is too large. `None` if it is, for the checks that follow compare pairs.
pub(super) fn check(document: &Document, report: &mut Report) -> Option<()> {
    let grants = grants(document);
    if let Some(origin) = grants.get(MAX_GRANTS) {
        report.error(
            origin,
            format!("this is more than {MAX_GRANTS} paths, domains and programs in one policy"),
        );
        return None;
    }
    if let Some((key, _)) = entries(document).nth(MAX_TOOLS) {
        report.error(&key.origin, format!("this is more than {MAX_TOOLS} tools in one policy"));
        return None;
    }
    Some(())
}

fn grants(document: &Document) -> Vec<&Origin> {
    let mut all = Vec::new();
    if let Some(At { value: Filesystem { read, write, deny, max_opens_per_minute: _ }, .. }) =
        &document.filesystem
    {
        all.extend(read.iter().chain(write).flat_map(|at| &at.value.0).map(|item| &item.origin));
        all.extend(deny.iter().flat_map(|at| &at.value.0).map(|item| &item.origin));
    }
    if let Some(At { value: network, .. }) = &document.network {
        all.extend(origins(&network.allowed_domains));
        all.extend(origins(&network.allowed_cidrs));
        all.extend(origins(&network.unix_sockets));
    }
    if let Some(At { value: execution, .. }) = &document.execution {
        all.extend(origins(&execution.allowed_programs));
    }
    for (_, tool) in entries(document) {
        all.extend(origins(&tool.allowed_paths));
        all.extend(origins(&tool.allowed_domains));
        all.extend(origins(&tool.allowed_programs));
    }
    all
}

fn origins<T>(items: &Option<At<Filled<Item<T>>>>) -> impl Iterator<Item = &Origin> {
    items.iter().flat_map(|at| &at.value.0).map(|item| &item.origin)
}
