//! Rules about the `tools` section: no two globs in doubt, no entry that is never reached, no key without effect.

use crate::document::At;
use crate::document::glob;
use crate::document::sections::Document;
use crate::document::tool::{Tool, ToolKey};
use crate::plan::Origin;
use crate::problem::Report;

/// The entries under `tools`.
pub(super) fn entries(document: &Document) -> impl Iterator<Item = (&At<ToolKey>, &Tool)> {
    document.tools.iter().flat_map(|at| &at.value.0).map(|(key, tool)| (key, tool))
}

/// Checks one file by itself: a disabled tool has no other rules.
pub(super) fn file(document: &Document, report: &mut Report) {
    for (key, tool) in entries(document) {
        let disabled = tool.enabled.as_ref().is_some_and(|at| !at.value);
        if disabled && key.value != ToolKey::Defaults {
            for (name, origin) in rules_of(tool) {
                report.error(origin, format!("`{name}` is never reached: the tool is disabled"));
            }
        }
    }
}

/// Every key of a tool that has an effect only if the tool is enabled.
fn rules_of(tool: &Tool) -> Vec<(&'static str, &Origin)> {
    let Tool {
        enabled: _,
        reason: _,
        require_audit_log: _,
        require_scope,
        require_approval,
        sensitive,
        arguments,
        unknown_arguments,
        validate_arguments,
        allowed_paths,
        read_only,
        allowed_domains,
        allowed_programs,
        max_requests_per_minute,
        on_rate_limit,
        timeout_seconds,
        exclusive,
        max_request_bytes,
        max_response_bytes,
        max_connections_per_call,
        max_sent_bytes_per_call,
    } = tool;
    fn place<T>(at: &Option<At<T>>) -> Option<&Origin> {
        at.as_ref().map(|at| &at.origin)
    }
    let all = [
        ("require_scope", place(require_scope)),
        ("require_approval", place(require_approval)),
        ("sensitive", place(sensitive)),
        ("arguments", place(arguments)),
        ("unknown_arguments", place(unknown_arguments)),
        ("validate_arguments", place(validate_arguments)),
        ("allowed_paths", place(allowed_paths)),
        ("read_only", place(read_only)),
        ("allowed_domains", place(allowed_domains)),
        ("allowed_programs", place(allowed_programs)),
        ("max_requests_per_minute", place(max_requests_per_minute)),
        ("on_rate_limit", place(on_rate_limit)),
        ("timeout_seconds", place(timeout_seconds)),
        ("exclusive", place(exclusive)),
        ("max_request_bytes", place(max_request_bytes)),
        ("max_response_bytes", place(max_response_bytes)),
        ("max_connections_per_call", place(max_connections_per_call)),
        ("max_sent_bytes_per_call", place(max_sent_bytes_per_call)),
    ];
    all.into_iter().filter_map(|(name, origin)| origin.map(|origin| (name, origin))).collect()
}

/// Checks all entries together, after merging.
pub(super) fn check(document: &Document, report: &mut Report) {
    check_globs(document, report);
    check_read_only(document, report);
    check_rates(document, report);
}

/// Two globs of one length that can both match leave it open which holds; a glob inside a longer one is never asked.
fn check_globs(document: &Document, report: &mut Report) {
    let globs: Vec<(&str, &Origin)> = entries(document)
        .filter_map(|(key, _)| match &key.value {
            ToolKey::Glob(glob) => Some((&glob[..], &key.origin)),
            ToolKey::Defaults | ToolKey::Exact(_) => None,
        })
        .collect();
    if globs.len() > MAX_GLOBS {
        let (_, origin) = globs[MAX_GLOBS];
        return report.error(origin, format!("there are more than {MAX_GLOBS} globs of tools"));
    }
    for (index, (glob, origin)) in globs.iter().enumerate() {
        for (other, place) in &globs[..index] {
            compare((glob, origin), (other, place), report);
        }
    }
}

/// More globs than any server has groups of tools; each pair is compared.
const MAX_GLOBS: usize = 64;

fn compare((glob, origin): (&str, &Origin), (other, place): (&str, &Origin), report: &mut Report) {
    let length = |glob: &str| glob.chars().count();
    if length(glob) == length(other) && glob::overlap(glob, other) {
        let message =
            format!("`{glob}` and `{other}` ({place}) have the same length and can match the same tool");
        return report.error(origin, message);
    }
    let pairs = [(glob, origin, other), (other, place, glob)];
    for (short, origin, long) in pairs {
        if length(short) < length(long) && glob::includes(long, short) {
            report.error(
                origin,
                format!("`{short}` is never asked: the longer `{long}` matches every such tool"),
            );
        }
    }
}

/// What becomes of calls beyond a rate says nothing where there is no rate.
fn check_rates(document: &Document, report: &mut Report) {
    const MESSAGE: &str = "`on_rate_limit` has no effect without `max_requests_per_minute`";
    let has_rate = |tool: &Tool| tool.max_requests_per_minute.is_some();
    let of_defaults = entries(document).any(|(key, tool)| key.value == ToolKey::Defaults && has_rate(tool));
    let anywhere = entries(document).any(|(_, tool)| has_rate(tool));
    for (key, tool) in entries(document) {
        let limited = if key.value == ToolKey::Defaults { anywhere } else { of_defaults || has_rate(tool) };
        if let (Some(written), false) = (&tool.on_rate_limit, limited) {
            report.error(&written.origin, MESSAGE);
        }
    }
    let session = document.session.as_ref().map(|at| &at.value);
    let written = session.filter(|session| session.max_requests_per_minute.is_none());
    if let Some(written) = written.and_then(|session| session.on_rate_limit.as_ref()) {
        report.error(&written.origin, MESSAGE);
    }
}

/// `read_only` says how `allowed_paths` are granted; alone it would promise what it cannot keep.
fn check_read_only(document: &Document, report: &mut Report) {
    let of_defaults =
        entries(document).any(|(key, tool)| key.value == ToolKey::Defaults && tool.allowed_paths.is_some());
    let anywhere = entries(document).any(|(_, tool)| tool.allowed_paths.is_some());
    for (key, tool) in entries(document) {
        let has_paths = match key.value {
            ToolKey::Defaults => anywhere,
            _ => of_defaults || tool.allowed_paths.is_some(),
        };
        if let (Some(read_only), false) = (&tool.read_only, has_paths) {
            let message = "`read_only` says how `allowed_paths` are granted, and there are none; what `filesystem.write` grants holds for every tool";
            report.error(&read_only.origin, message);
        }
    }
}
