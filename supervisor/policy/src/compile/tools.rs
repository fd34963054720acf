//! `tools` → tool rules, and the grant classes of their grants.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::domains::Way;
use super::grants::Right;
use super::ledger::sentence;
use super::{Compiler, domains};
use crate::document::destination::Destination;
use crate::document::list::{Item, Subject};
use crate::document::numbers::Bytes;
use crate::document::sections::Roles;
use crate::document::tool::{PerCall, Tool, ToolKey, Tools};
use crate::document::words::{OnRateLimit, Permission};
use crate::document::{At, Merge};
use crate::plan::{
    self, AbsolutePath, Ask, CallBudget, ClassId, MAX_CLASSES, NetworkPlan, Numbering, Origin, RuleId,
    SchemaCheck, ToolRule, ToolsPlan,
};

/// What a tool grants beyond class 0, and what its calls may spend. Tools with equal sets share a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct ToolGrants {
    paths: BTreeSet<(AbsolutePath, Right)>,
    domains: BTreeSet<Way>,
    connections: Option<u32>,
    sent_bytes: Option<u64>,
}

impl ToolGrants {
    /// What stands for the set: see [`Numbering`].
    fn digest(&self) -> u64 {
        let digest = Sha256::digest(format!("{self:?}"));
        digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

/// The grants of one tool with the rules that made them.
#[derive(Default)]
struct Pending {
    paths: Vec<(AbsolutePath, Right, RuleId, Origin)>,
    domains: Vec<(Way, RuleId)>,
    budget: CallBudget,
}

impl Pending {
    fn set(&self) -> ToolGrants {
        ToolGrants {
            paths: self.paths.iter().map(|(path, right, ..)| (path.clone(), *right)).collect(),
            domains: self.domains.iter().map(|(way, _)| way.clone()).collect(),
            connections: self.budget.connections.map(|(count, _)| count),
            sent_bytes: self.budget.sent_bytes.map(|(bytes, _)| bytes),
        }
    }
}

/// The classes that are numbered so far.
pub(super) struct Classes {
    /// See [`crate::Plan::numbering`].
    pub(super) numbering: Numbering,
    /// See [`crate::Plan::classes`].
    pub(super) keys: Vec<Vec<String>>,
    /// See [`crate::Plan::budgets`].
    pub(super) budgets: BTreeMap<ClassId, CallBudget>,
}

impl Classes {
    fn new(numbering: &Numbering) -> Self {
        Self { numbering: numbering.clone(), keys: vec![Vec::new()], budgets: BTreeMap::new() }
    }

    /// The number of these grants, which a tool of this key has.
    fn number(&mut self, set: &ToolGrants, key: &str) -> Option<ClassId> {
        let class = self.numbering.number(set.digest())?;
        let index = usize::from(class.number());
        if self.keys.len() <= index {
            self.keys.resize(index + 1, Vec::new());
        }
        self.keys[index].push(key.to_owned());
        Some(class)
    }
}

impl Compiler<'_> {
    /// The doorman's rules, and the grant classes. Adds the domains of tools to the network.
    pub(super) fn tools(
        &mut self,
        tools: Option<At<Tools>>,
        roles: Option<At<Roles>>,
        numbering: &Numbering,
        network: &mut NetworkPlan,
    ) -> (ToolsPlan, Classes) {
        let mut classes = Classes::new(numbering);
        let roles = roles.map(|roles| self.roles(roles));
        let Some(At { value: tools, origin }) = tools else {
            let from =
                self.ledger.default_deny("tools: no section, every tool passes the doorman", Ask::Doorman);
            let default = plain(from);
            return (ToolsPlan { default, exact: BTreeMap::new(), globs: Vec::new(), roles }, classes);
        };
        let defaults = tools.0.iter().find(|(key, _)| key.value == ToolKey::Defaults);
        let key =
            At { value: ToolKey::Defaults, origin: defaults.map_or(origin, |(key, _)| key.origin.clone()) };
        let defaults = defaults.map(|(_, tool)| tool.clone()).unwrap_or_default();
        self.keys_of(&key, &defaults);
        let default = self.tool(&key, defaults.clone(), network, &mut classes);
        let (mut exact, mut globs) = (BTreeMap::new(), Vec::new());
        // A tool that is named is enabled unless its own entry says otherwise: that is what an allow-list means.
        let defaults = Tool { enabled: None, reason: None, ..defaults };
        for (key, own) in tools.0 {
            let name = key.value.text().to_owned();
            if key.value == ToolKey::Defaults {
                continue;
            }
            if own.enabled.as_ref().is_none_or(|at| at.value) {
                self.keys_of(&key, &own);
            }
            let rule = self.tool(&key, defaults.clone().merge(own), network, &mut classes);
            match key.value {
                ToolKey::Glob(_) => globs.push((name, rule)),
                ToolKey::Exact(_) | ToolKey::Defaults => {
                    exact.insert(name, rule);
                }
            }
        }
        globs.sort_by(|(left, _), (right, _)| {
            right.chars().count().cmp(&left.chars().count()).then_with(|| left.cmp(right))
        });
        (ToolsPlan { default, exact, globs, roles }, classes)
    }

    fn roles(&mut self, At { value: roles, origin }: At<Roles>) -> plan::Roles {
        let text = "roles: a tool is open only to who holds a role that lists it".to_owned();
        let from = self.ledger.rule(text, &origin, None, Ask::Scope);
        let mut each = Vec::new();
        for (scope, tools) in roles.0 {
            let globs: Vec<String> = tools.0.iter().map(|item| item.value.show()).collect();
            let text = format!("roles.{}: {}", scope.value.0, globs.join(" "));
            each.push((scope.value.0, globs, self.ledger.rule(text, &scope.origin, None, Ask::Scope)));
        }
        plan::Roles { each, from }
    }

    /// The rule of one entry, with the values of `defaults` merged in.
    fn tool(
        &mut self,
        At { value: key, origin }: &At<ToolKey>,
        tool: Tool,
        network: &mut NetworkPlan,
        classes: &mut Classes,
    ) -> ToolRule {
        // What asks for a rule of its own is noted by `keys_of`; here is what the doorman needs.
        let Tool {
            enabled,
            require_scope,
            require_approval,
            sensitive,
            require_audit_log: _,
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
            reason,
        } = tool;
        let name = key.text();
        let reason = sentence(reason);
        let (text, place) = match &enabled {
            Some(at) => (format!("tools.{name}.enabled: {}", at.value), &at.origin),
            None => (format!("tools.{name}"), origin),
        };
        let from = self.ledger.rule(text, place, reason.clone(), Ask::Doorman);
        let enabled = enabled.is_none_or(|at| at.value);
        let scope = require_scope.map(|at| (at.value.0, self.ledger.noted(&at.origin, &Ask::Scope)));
        let approval = self.approval(require_approval, sensitive);
        let noted = |origin: &Origin| self.ledger.noted(origin, &Ask::Arguments);
        let refused = unknown_arguments.filter(|at| at.value == Permission::Deny);
        let unknown_arguments = refused.map(|at| noted(&at.origin));
        let schema = match validate_arguments {
            None => SchemaCheck::Known,
            Some(at) if at.value => SchemaCheck::Always(noted(&at.origin)),
            Some(_) => SchemaCheck::Never,
        };
        let arguments = self.arguments(arguments);
        let mut pending = Pending::default();
        if enabled {
            let right = if read_only.is_some_and(|at| at.value) { Right::Read } else { Right::Write };
            for item in super::network::items(allowed_paths) {
                self.tool_path(name, item, right, &mut pending);
            }
            for item in super::network::items(allowed_programs) {
                self.tool_program(name, item, &mut pending);
            }
            for item in super::network::items(allowed_domains) {
                self.tool_domain(name, item, network, &mut pending);
            }
            pending.budget = self.budget(max_connections_per_call, max_sent_bytes_per_call);
        }
        let class = self.class(name, origin, pending, network, classes);
        ToolRule {
            key: name.to_owned(),
            enabled,
            scope,
            approval,
            arguments,
            unknown_arguments,
            schema,
            max_requests_per_minute: max_requests_per_minute.map(|at| at.value.get32()),
            throttle: on_rate_limit.is_some_and(|at| at.value == OnRateLimit::Throttle),
            timeout: timeout_seconds.map(|at| std::time::Duration::from_secs(at.value.get())),
            exclusive: exclusive.is_some_and(|at| at.value),
            max_request_bytes: max_request_bytes.map(|at| at.value.0),
            max_response_bytes: max_response_bytes.map(|at| at.value.0),
            class,
            reason,
            from,
        }
    }

    /// How many must approve a call.
    fn approval(&self, required: Option<At<bool>>, sensitive: Option<At<bool>>) -> Option<plan::Approval> {
        let asked = |flag: Option<At<bool>>, approvers| {
            let At { origin, .. } = flag.filter(|at| at.value)?;
            Some(plan::Approval { approvers, from: self.ledger.noted(&origin, &Ask::Approval) })
        };
        asked(sensitive, 2).or_else(|| asked(required, 1))
    }

    /// A path that class 0 has already adds nothing, and needs no layer that follows calls.
    fn tool_path(
        &mut self,
        name: &str,
        Item { value, reason, origin }: Item<crate::document::path::PathText>,
        right: Right,
        pending: &mut Pending,
    ) {
        let text = format!("tools.{name}.allowed_paths: {}{}", value.show(), read_only(right));
        let rule = self.ledger.rule(text, &origin, reason, Ask::PathGrant);
        for path in self.paths(&value, &origin) {
            if !self.grants.always(&path, right) {
                self.ledger.rules[rule.0 as usize].ask = Ask::ToolPaths;
                pending.paths.push((path, right, rule, origin.clone()));
            }
        }
    }

    fn tool_program(
        &mut self,
        name: &str,
        Item { value, reason, origin }: Item<crate::document::path::Program>,
        pending: &mut Pending,
    ) {
        let text = format!("tools.{name}.allowed_programs: {}", value.show());
        let rule = self.ledger.rule(text, &origin, reason, Ask::Programs);
        for file in self.program(&value, &origin) {
            if !self.grants.always(&file, Right::Execute) {
                self.ledger.rules[rule.0 as usize].ask = Ask::ToolPrograms;
                pending.paths.push((file, Right::Execute, rule, origin.clone()));
            }
        }
    }

    fn tool_domain(
        &mut self,
        name: &str,
        Item { value, reason, origin }: Item<Destination>,
        network: &NetworkPlan,
        pending: &mut Pending,
    ) {
        let way = Way::of(value);
        let always = domains::always(&network.domains, &way);
        let ask = if always { Ask::Domain } else { Ask::ToolDomains };
        let rule = self.ledger.rule(format!("tools.{name}.allowed_domains: {way}"), &origin, reason, ask);
        if !always {
            pending.domains.push((way, rule));
        }
    }

    /// What one call may spend, with the rules that `keys_of` has noted where the numbers are written.
    fn budget(&self, connections: Option<At<PerCall>>, sent_bytes: Option<At<Bytes>>) -> CallBudget {
        CallBudget {
            connections: connections
                .map(|at| (at.value.get32(), self.ledger.noted(&at.origin, &Ask::CallConnections))),
            sent_bytes: sent_bytes.map(|at| (at.value.0, self.ledger.noted(&at.origin, &Ask::CallSentBytes))),
        }
    }

    /// The class of a tool's grants; the grants are given to it.
    fn class(
        &mut self,
        name: &str,
        origin: &Origin,
        pending: Pending,
        network: &mut NetworkPlan,
        classes: &mut Classes,
    ) -> ClassId {
        let set = pending.set();
        if set == ToolGrants::default() {
            return ClassId::ALWAYS;
        }
        let Some(class) = classes.number(&set, name) else {
            let message = format!(
                "this is the {MAX_CLASSES}th different set of tool grants; there can be {}",
                MAX_CLASSES - 1
            );
            self.ledger.report.error(origin, message);
            return ClassId::ALWAYS;
        };
        if pending.budget != CallBudget::default() {
            classes.budgets.entry(class).or_insert(pending.budget);
        }
        for (path, right, rule, origin) in pending.paths {
            self.grant(path, right, class, rule, &origin);
        }
        for (way, rule) in pending.domains {
            domains::add(&mut network.domains, way, class, rule);
        }
        class
    }
}

fn read_only(right: Right) -> &'static str {
    match right {
        Right::Read => " (read only)",
        Right::Write | Right::Execute => "",
    }
}

/// What holds for every tool when there is no section.
fn plain(from: RuleId) -> ToolRule {
    ToolRule {
        key: "defaults".to_owned(),
        enabled: true,
        scope: None,
        arguments: Vec::new(),
        unknown_arguments: None,
        schema: SchemaCheck::Known,
        max_requests_per_minute: None,
        throttle: false,
        timeout: None,
        approval: None,
        exclusive: false,
        max_request_bytes: None,
        max_response_bytes: None,
        class: ClassId::ALWAYS,
        reason: None,
        from,
    }
}
