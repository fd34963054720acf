//! Rates and repetitions that can never take effect.

use super::tools::entries;
use crate::document::At;
use crate::document::sections::{Document, Execution, Filesystem, Network, OnViolations};
use crate::plan::OnViolation;
use crate::problem::Report;

/// Beyond this a minute's bytes cannot be told apart by the nanosecond, in which rates are counted.
const MOST_BYTES: u64 = 4 << 30;

/// Notes each rate that limits nothing, and a rule about repetitions that is never reached.
pub(super) fn check(document: &Document, report: &mut Report) {
    opens(document, report);
    connections(document, report);
    sent_bytes(document, report);
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
    let Network { listen, unix_sockets, max_connections_per_minute, .. } = network;
    if let (Some(rate), false) = (max_connections_per_minute, reaches_out(document)) {
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
    if rate.value.0 > MOST_BYTES {
        let message = "more than 4GiB a minute cannot be counted to the byte";
        report.suggest(&rate.origin, message, "4GiB");
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
