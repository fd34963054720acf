//! Path rules that can never take effect. Read as text, before variables are known: what is an error here is
//! one on every host.

use super::Order;
use crate::document::list::Item;
use crate::document::path::{Denied, PathText, Program};
use crate::document::sections::{Document, Execution, Filesystem};
use crate::plan::Origin;
use crate::problem::Report;

/// Notes grants that a deny of the same path closes, and read grants beneath write grants.
pub(super) fn check(document: &Document, order: &Order, report: &mut Report) {
    let empty = Filesystem::default();
    let Filesystem { read, write, deny, max_opens_per_minute: _ } =
        document.filesystem.as_ref().map_or(&empty, |at| &at.value);
    let read: Vec<&Item<PathText>> = read.iter().flat_map(|at| &at.value.0).collect();
    let write: Vec<&Item<PathText>> = write.iter().flat_map(|at| &at.value.0).collect();
    let deny: Vec<&Item<Denied>> = deny.iter().flat_map(|at| &at.value.0).collect();
    let mut all: Vec<(&PathText, &Origin)> = Vec::new();
    all.extend(read.iter().chain(&write).map(|item| (&item.value, &item.origin)));
    all.extend(of_tools(document));
    all.extend(programs(document));
    for (path, origin) in all {
        closed(path, origin, &deny, order, report);
    }
    for item in read {
        already_writable(item, &write, &deny, order, report);
    }
}

fn of_tools(document: &Document) -> impl Iterator<Item = (&PathText, &Origin)> {
    super::tools::entries(document)
        .flat_map(|(_, tool)| tool.allowed_paths.iter())
        .flat_map(|at| &at.value.0)
        .map(|item| (&item.value, &item.origin))
}

fn programs(document: &Document) -> impl Iterator<Item = (&PathText, &Origin)> {
    let always = document.execution.iter().filter_map(|at| {
        let Execution { allowed_programs, .. } = &at.value;
        allowed_programs.as_ref()
    });
    let of_tools = super::tools::entries(document).filter_map(|(_, tool)| tool.allowed_programs.as_ref());
    always.chain(of_tools).flat_map(|at| &at.value.0).filter_map(|item| match &item.value {
        Program::Path(path) => Some((path, &item.origin)),
        Program::Name(_) => None,
    })
}

/// A grant that a deny closes. A deny in a later file is meant to narrow the grant and is no mistake.
fn closed(path: &PathText, origin: &Origin, deny: &[&Item<Denied>], order: &Order, report: &mut Report) {
    let closing =
        deny.iter().find(|deny| !order.is_earlier(origin, &deny.origin) && closes(&deny.value, path));
    if let Some(deny) = closing {
        let why = match &deny.value {
            Denied::Path(_) => "at equal length deny wins",
            Denied::Name { .. } => "a denied name wins everywhere",
        };
        let message = format!("`{}` is granted here and denied in {}; {why}", path.raw(), deny.origin);
        note(origin, message, order, &deny.origin, report);
    }
}

fn closes(deny: &Denied, path: &PathText) -> bool {
    match deny {
        Denied::Path(denied) => denied.covers_as_text(path) && path.covers_as_text(denied),
        Denied::Name { pattern, .. } => {
            let mut parts = path.raw().split('/').filter(|part| !part.contains("${"));
            parts.any(|part| pattern.matches(part.as_ref()))
        }
    }
}

fn already_writable(
    item: &Item<PathText>,
    write: &[&Item<PathText>],
    deny: &[&Item<Denied>],
    order: &Order,
    report: &mut Report,
) {
    let reopens = |wide: &PathText| {
        deny.iter().any(|deny| {
            matches!(&deny.value, Denied::Path(deny) if wide.covers_as_text(deny) && deny.covers_as_text(&item.value))
        })
    };
    let wider = write.iter().find(|write| {
        write.value.covers_as_text(&item.value)
            && !order.is_earlier(&item.origin, &write.origin)
            && !reopens(&write.value)
    });
    if let Some(wider) = wider {
        let message = format!(
            "`{}` is writable already by `{}` in {}; a grant cannot make it read-only",
            item.value.raw(),
            wider.value.raw(),
            wider.origin
        );
        note(&item.origin, message, order, &wider.origin, report);
    }
}

/// What the author of a file can mend in it is an error; what two presets do to each other is a warning.
fn note(origin: &Origin, message: String, order: &Order, other: &Origin, report: &mut Report) {
    match order.is_entry(origin) || origin.source == other.source {
        true => report.error(origin, message),
        false => report.warn(origin, message),
    }
}
