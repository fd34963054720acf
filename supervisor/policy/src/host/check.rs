//! What host rules must not say: what limits nothing, and what limits less than it seems to.

use super::document::{
    HostAudit, HostDocument, HostPolicies, HostPresets, Maximum, MaximumExecution, MaximumFilesystem,
    MaximumNetwork,
};
use crate::document::At;
use crate::document::list::{Item, List, Subject};
use crate::plan::{ArgumentDetail, AuditFailure, Origin, SyscallProfile};
use crate::policy::duplicates::{once, words_once};
use crate::policy::rates::sendable;
use crate::problem::Report;

/// Checks each file, then all of them together.
pub(super) fn check(files: &[HostDocument], report: &mut Report) {
    files.iter().for_each(|file| one(file, report));
    both_ways_out(files, report);
    workspaces_are_bound(files, report);
    let directories = files.iter().filter_map(|file| file.audit.as_ref()?.value.directory.as_ref());
    for second in directories.skip(1) {
        report.error(
            &second.origin,
            "`audit.directory` stands in an earlier file already; a log can lie in one place only",
        );
    }
}

fn one(file: &HostDocument, report: &mut Report) {
    let HostDocument { version: _, maximum, require, allow_degraded, audit, presets, policies } = file;
    if let Some(At { value: Maximum { environment, filesystem, network, execution }, .. }) = maximum {
        list(environment, report);
        filesystem.iter().for_each(|at| self::filesystem(&at.value, report));
        network.iter().for_each(|at| self::network(&at.value, report));
        execution.iter().for_each(|at| self::execution(&at.value, report));
    }
    words_once(require, report);
    if let Some(At { value: true, origin }) = allow_degraded {
        nothing(origin, "allow_degraded: true", report);
    }
    audit.iter().for_each(|at| self::audit(&at.value, report));
    if let Some(At { value: HostPresets { allow }, .. }) = presets {
        list(allow, report);
    }
    if let Some(At { value: HostPolicies { deny_tools }, .. }) = policies {
        list(deny_tools, report);
        if let Some(At { origin, .. }) = deny_tools.as_ref().filter(|at| at.value.0.is_empty()) {
            nothing(origin, "deny_tools: []", report);
        }
    }
}

fn filesystem(
    MaximumFilesystem { workspaces, read, write, deny, max_opens_per_minute: _ }: &MaximumFilesystem,
    report: &mut Report,
) {
    [workspaces, read, write].into_iter().for_each(|paths| list(paths, report));
    list(deny, report);
    for item in all(workspaces).filter(|item| item.value.is_in_workspace()) {
        report
            .error(&item.origin, "this says where a workspace may lie; `${workspace}` itself cannot say it");
    }
}

fn network(network: &MaximumNetwork, report: &mut Report) {
    let MaximumNetwork {
        allowed_domains,
        allowed_ports,
        allowed_cidrs,
        listen,
        unix_sockets,
        max_connections_per_minute: _,
        max_sent_bytes_per_minute,
        max_lookups_per_minute: _,
        max_names_per_minute: _,
        max_destinations_per_minute: _,
    } = network;
    list(allowed_domains, report);
    list(allowed_ports, report);
    list(allowed_cidrs, report);
    list(listen, report);
    list(unix_sockets, report);
    max_sent_bytes_per_minute.iter().for_each(|rate| sendable(rate, report));
}

fn execution(execution: &MaximumExecution, report: &mut Report) {
    let MaximumExecution {
        allowed_programs,
        memory_limit: _,
        cpus: _,
        max_processes: _,
        max_execs_per_minute: _,
        max_open_files: _,
        max_file_size: _,
        seccomp,
    } = execution;
    list(allowed_programs, report);
    if let Some(At { value: SyscallProfile::Default, origin }) = seccomp {
        nothing(origin, "seccomp: default", report);
    }
}

fn audit(HostAudit { arguments, directory, on_failure }: &HostAudit, report: &mut Report) {
    if let Some(At { value: ArgumentDetail::None, origin }) = arguments {
        nothing(origin, "arguments: none", report);
    }
    if let Some(At { value: AuditFailure::Continue, origin }) = on_failure {
        nothing(origin, "on_failure: continue", report);
    }
    if let Some(At { origin, .. }) = directory.as_ref().filter(|at| at.value.is_in_workspace()) {
        report.error(origin, "a workspace is where servers write; name a directory of the host for logs");
    }
}

/// What asks for nothing is not written: a reader would take it for a permission, and another file may forbid it.
fn nothing(origin: &Origin, what: &str, report: &mut Report) {
    report.error(origin, format!("`{what}` limits nothing; leave the key out"));
}

/// Domains and ranges are two ways to the same hosts: to bound one of them alone bounds nothing.
fn both_ways_out(files: &[HostDocument], report: &mut Report) {
    let network =
        || files.iter().filter_map(|file| Some(&file.maximum.as_ref()?.value.network.as_ref()?.value));
    let domains = network().find_map(|it| it.allowed_domains.as_ref()).map(|at| &at.origin);
    let ranges = network().find_map(|it| it.allowed_cidrs.as_ref()).map(|at| &at.origin);
    let message = |there, missing| {
        format!(
            "`{there}` bounds nothing while `{missing}` is absent, by which a policy reaches the same hosts; \
             say what it may grant (`{missing}: []`: nothing)"
        )
    };
    match (domains, ranges) {
        (Some(origin), None) => report.error(origin, message("allowed_domains", "allowed_cidrs")),
        (None, Some(origin)) => report.error(origin, message("allowed_cidrs", "allowed_domains")),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// A workspace is whatever `--workspace` names, the root directory too.
fn workspaces_are_bound(files: &[HostDocument], report: &mut Report) {
    let maximum = || files.iter().filter_map(|file| Some(&file.maximum.as_ref()?.value));
    let filesystem = || maximum().filter_map(|it| Some(&it.filesystem.as_ref()?.value));
    if filesystem().any(|it| it.workspaces.is_some()) {
        return;
    }
    let granted = filesystem().flat_map(|it| all(&it.read).chain(all(&it.write)));
    let sockets = maximum().flat_map(|it| it.network.iter().flat_map(|at| all(&at.value.unix_sockets)));
    let programs =
        maximum().flat_map(|it| it.execution.iter().flat_map(|at| all(&at.value.allowed_programs)));
    for item in granted.chain(sockets).chain(programs).filter(|item| item.value.is_in_workspace()) {
        report.error(
            &item.origin,
            "a workspace is whatever the user names, `/` too; say in `maximum.filesystem.workspaces` where it may lie",
        );
    }
}

fn all<T>(list: &Option<At<List<Item<T>>>>) -> impl Iterator<Item = &Item<T>> {
    list.iter().flat_map(|at| &at.value.0)
}

fn list<T: Subject>(list: &Option<At<List<Item<T>>>>, report: &mut Report) {
    once(all(list).map(|item| (item.value.show(), item.origin.clone())), report);
}
