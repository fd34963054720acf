//! Rates and repetitions that can never take effect.

use super::tools::entries;
use crate::document::At;
use crate::document::destination::Destination;
use crate::document::list::Item;
use crate::document::numbers::Bytes;
use crate::document::range::Cidr;
use crate::document::sections::{Document, Execution, Filesystem, Network, OnViolations};
use crate::document::tool::Tool;
use crate::plan::OnViolation;
use crate::problem::Report;

/// Beyond this a minute's bytes cannot be told apart by the nanosecond, in which rates are counted.
const MOST_BYTES: u64 = 4 << 30;

/// Notes each rate that limits nothing, and a rule about repetitions that is never reached.
pub(super) fn check(document: &Document, report: &mut Report) {
    opens(document, report);
    connections(document, report);
    sent_bytes(document, report);
    names(document, report);
    calls(document, report);
    executions(document, report);
    repetitions(document, report);
}

/// Whether any host may be connected to.
pub(super) fn reaches_out(document: &Document) -> bool {
    let always = document
        .network
        .as_ref()
        .is_some_and(|at| at.value.allowed_domains.is_some() || at.value.allowed_cidrs.is_some());
    always || entries(document).any(|(_, tool)| tool.allowed_domains.is_some())
}

/// The domains of the whole policy: what always holds, and what a tool has.
pub(super) fn all_domains(document: &Document) -> impl Iterator<Item = &Item<Destination>> {
    let always = document.network.iter().filter_map(|at| at.value.allowed_domains.as_ref());
    let of_tools = entries(document).filter_map(|(_, tool)| tool.allowed_domains.as_ref());
    always.chain(of_tools).flat_map(|at| &at.value.0)
}

fn executes(document: &Document) -> bool {
    let always = document.execution.as_ref().is_some_and(|at| at.value.allowed_programs.is_some());
    always || entries(document).any(|(_, tool)| tool.allowed_programs.is_some())
}

fn opens(document: &Document, report: &mut Report) {
    let Some(At { value: Filesystem { read, write, deny: _, max_opens_per_minute }, .. }) =
        &document.filesystem
    else {
        return;
    };
    let granted = [read, write].into_iter().flatten().any(|at| !at.value.0.is_empty());
    let opens =
        granted || executes(document) || entries(document).any(|(_, tool)| tool.allowed_paths.is_some());
    if let (Some(rate), false) = (max_opens_per_minute, opens) {
        report.error(&rate.origin, "this rate limits nothing: no file may be opened");
    }
}

fn connections(document: &Document, report: &mut Report) {
    let Some(At { value: network, .. }) = &document.network else { return };
    let Network { listen, unix_sockets, max_connections_per_minute, max_destinations_per_minute, .. } =
        network;
    for rate in [max_connections_per_minute, max_destinations_per_minute].into_iter().flatten() {
        if reaches_out(document) {
            return;
        }
        let why = match (unix_sockets, listen) {
            (Some(_), _) => "connections to unix sockets are not counted",
            (None, Some(_)) => "the server only listens",
            (None, None) => "nothing may be connected to",
        };
        report.error(&rate.origin, format!("this rate limits nothing: {why}"));
    }
}

fn sent_bytes(document: &Document, report: &mut Report) {
    let Some(At { value: network, .. }) = &document.network else { return };
    let Some(rate) = &network.max_sent_bytes_per_minute else { return };
    if !reaches_out(document) && network.listen.is_none() {
        report.error(&rate.origin, "this rate limits nothing: the network is closed");
    }
    sendable(rate, report);
}

/// Notes a rate of bytes that cannot be counted.
pub(crate) fn sendable(rate: &At<Bytes>, report: &mut Report) {
    if rate.value.0 > MOST_BYTES {
        let message = "more than 4GiB a minute cannot be counted to the byte";
        report.suggest(&rate.origin, message, "4GiB");
    }
}

/// Rates of what the resolver is asked.
fn names(document: &Document, report: &mut Report) {
    let Some(At { value: network, .. }) = &document.network else { return };
    let any = network.allowed_cidrs.iter().flat_map(|at| &at.value.0).any(|item| item.value == Cidr::Public);
    let domains: Vec<&Destination> = all_domains(document).map(|item| &item.value).collect();
    if let (Some(rate), true) = (&network.max_lookups_per_minute, !any && domains.is_empty()) {
        report.error(&rate.origin, "this rate limits nothing: no name may be looked up");
    }
    let open = |to: &&Destination| to.domain.subdomains_only || to.listed().next().is_some();
    if let (Some(rate), false) = (&network.max_names_per_minute, any || domains.iter().any(open)) {
        report.error(
            &rate.origin,
            "this rate limits nothing: it counts names that no rule spells out, and there is no wildcard, no `records` and no `public`",
        );
    }
}

/// Limits of one call.
fn calls(document: &Document, report: &mut Report) {
    let limits = entries(document).flat_map(|(_, tool)| {
        let Tool { max_connections_per_call, max_sent_bytes_per_call, .. } = tool;
        let connections = max_connections_per_call.as_ref().map(|at| &at.origin);
        connections.into_iter().chain(max_sent_bytes_per_call.as_ref().map(|at| &at.origin))
    });
    if !reaches_out(document) {
        limits.for_each(|origin| {
            report.error(origin, "this limits nothing: no host may be connected to");
        });
    }
}

fn executions(document: &Document, report: &mut Report) {
    let Some(At { value: Execution { max_execs_per_minute: Some(rate), .. }, .. }) = &document.execution
    else {
        return;
    };
    if !executes(document) {
        report.error(&rate.origin, "this rate limits nothing: no program may be executed");
    }
}

fn repetitions(document: &Document, report: &mut Report) {
    let Some(At { value: violations, .. }) = &document.on_violation else { return };
    let OnViolations { file, network, exec, tool: _, syscall: _, repeated } = violations;
    let kills =
        |kind: &Option<At<OnViolation>>| kind.as_ref().is_some_and(|at| at.value == OnViolation::Kill);
    if let (Some(repeated), true) = (repeated, [file, network, exec].into_iter().all(kills)) {
        let message = "this is never reached: the first denied file, connection or program ends the session";
        report.error(&repeated.origin, message);
    }
}
