//! Host rules as a person reads them: one entry for each key and each item of a list.

use super::document::{
    HostAudit, HostDocument, HostPolicies, HostPresets, Maximum, MaximumExecution, MaximumFilesystem,
    MaximumNetwork,
};
use super::{HostRules, rates};
use crate::document::At;
use crate::document::list::{Item, List, Subject};
use crate::document::words::Word;
use crate::plan::Origin;

/// One rule of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// The rule as a person reads it: `maximum.filesystem.read: /srv`.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
    /// The administrator's `reason:`.
    pub reason: Option<String>,
}

impl HostRule {
    /// The rule of a key with one value.
    pub(super) fn key(key: &str, value: &str, origin: &Origin) -> Self {
        Self { text: format!("{key}: {value}"), origin: origin.clone(), reason: None }
    }

    /// The rule of an item.
    pub(super) fn item<T: Subject>(key: &str, Item { value, reason, origin }: &Item<T>) -> Self {
        Self { text: format!("{key}: {}", value.show()), origin: origin.clone(), reason: reason.clone() }
    }
}

impl HostRules {
    /// Every rule, file by file.
    pub fn rules(&self) -> Vec<HostRule> {
        self.files.iter().flat_map(of).collect()
    }
}

fn of(file: &HostDocument) -> Vec<HostRule> {
    let HostDocument { version: _, maximum, require, allow_degraded, audit, presets, policies } = file;
    let mut rules = Vec::new();
    maximum.iter().for_each(|at| of_maximum(&at.value, &mut rules));
    let layers = require.iter().flat_map(|at| &at.value.0);
    rules.extend(layers.map(|at| HostRule::key("require", at.value.word(), &at.origin)));
    rules.extend(allow_degraded.iter().map(|at| HostRule::key("allow_degraded", "false", &at.origin)));
    if let Some(At { value: HostAudit { arguments, directory, on_failure }, .. }) = audit {
        rules
            .extend(arguments.iter().map(|at| HostRule::key("audit.arguments", at.value.word(), &at.origin)));
        rules.extend(
            directory.iter().map(|at| HostRule::key("audit.directory", &at.value.show(), &at.origin)),
        );
        rules.extend(
            on_failure.iter().map(|at| HostRule::key("audit.on_failure", at.value.word(), &at.origin)),
        );
    }
    if let Some(At { value: HostPresets { allow }, .. }) = presets {
        list("presets.allow", allow, &mut rules);
    }
    if let Some(At { value: HostPolicies { deny_tools: Some(denied) }, .. }) = policies {
        rules.extend(denied.value.0.iter().map(|item| HostRule::item("policies.deny_tools", item)));
    }
    rules
}

fn of_maximum(maximum: &Maximum, rules: &mut Vec<HostRule>) {
    let Maximum { environment, filesystem, network, execution } = maximum;
    list("maximum.environment", environment, rules);
    if let Some(At { value: MaximumFilesystem { workspaces, read, write, deny, .. }, .. }) = filesystem {
        list("maximum.filesystem.workspaces", workspaces, rules);
        list("maximum.filesystem.read", read, rules);
        list("maximum.filesystem.write", write, rules);
        list("maximum.filesystem.deny", deny, rules);
    }
    if let Some(At { value: network, .. }) = network {
        let MaximumNetwork { allowed_domains, allowed_ports, allowed_cidrs, listen, unix_sockets, .. } =
            network;
        list("maximum.network.allowed_domains", allowed_domains, rules);
        list("maximum.network.allowed_ports", allowed_ports, rules);
        list("maximum.network.allowed_cidrs", allowed_cidrs, rules);
        list("maximum.network.listen", listen, rules);
        list("maximum.network.unix_sockets", unix_sockets, rules);
    }
    if let Some(At { value: MaximumExecution { allowed_programs, seccomp, .. }, .. }) = execution {
        list("maximum.execution.allowed_programs", allowed_programs, rules);
        let key = "maximum.execution.seccomp";
        rules.extend(seccomp.iter().map(|at| HostRule::key(key, at.value.word(), &at.origin)));
    }
    rules.extend(rates::bounds(maximum).into_iter().map(|bound| bound.rule));
}

/// The items of a list; an empty one is a rule too, which allows nothing.
fn list<T: Subject>(key: &str, list: &Option<At<List<Item<T>>>>, rules: &mut Vec<HostRule>) {
    let Some(At { value: List(items), origin }) = list else { return };
    if items.is_empty() && !key.ends_with("deny") {
        rules.push(HostRule::key(key, "nothing", origin));
    }
    rules.extend(items.iter().map(|item| HostRule::item(key, item)));
}
