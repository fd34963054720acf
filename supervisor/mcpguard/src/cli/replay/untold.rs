//! What the log does not tell of a session whose beginning is not in it, and what of a policy hangs on that.

use std::collections::BTreeSet;

use mcp::Caller;
use policy::Plan;
use policy::plan::{AbsolutePath, ArgumentKind, ArgumentRule, RuleId, ToolRule};
use serde_json::Value;

use super::arguments::Recorded;
use super::judge::Judge;

/// Where such a session's workspace would be: nowhere, so that it is no place of this host.
pub(super) const NOWHERE: &str = "/workspace-that-no-log-tells";

/// Why it is not known what a rule with a variable means.
pub(super) const PLACES: &str = "the log does not hold the session's beginning, and so neither its workspace nor its home, which the rule asks for";
/// Why it is not known what a relative path means.
const RELATIVE: &str = "the log does not hold the session's beginning, and so not where relative paths begin";
/// Why it is not known who calls.
pub(super) const SCOPES: &str =
    "the log does not hold the session's beginning, and so not which scopes the caller holds";

/// What is known of a session beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The log holds its beginning.
    pub(super) beginning: bool,
    /// What `${workspace}` means.
    pub(super) workspace: bool,
    /// What `${server}` means.
    pub(super) server: bool,
}

/// Who calls, as far as that is known.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// If it is not known: one who holds every scope, so that nothing is refused for one.
    pub(super) caller: Caller,
    pub(super) known: bool,
}

/// What is said of somebody for the scopes that he holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForScopes<T> {
    /// He may.
    Open,
    /// He may not.
    Refused(T),
    /// It depends on scopes that are not known; the rule that asks for one.
    Unknown(T),
}

impl Known {
    /// Of a session whose beginning is in the log.
    #[cfg(test)]
    pub(super) const ALL: Self = Self { beginning: true, workspace: true, server: true };

    /// The rules that mean something that is not known.
    pub(super) fn adrift(self, plan: &Plan) -> BTreeSet<RuleId> {
        let mut words = Vec::new();
        words.extend((!self.workspace).then_some("${workspace}"));
        words.extend((!self.server).then_some("${server}"));
        if !self.beginning {
            words.extend(["${home}", "${config_home}", "${cache_home}", "${runtime_dir}", "${env:"]);
        }
        let rules = (0..).map(RuleId).zip(&plan.rules);
        rules
            .filter(|(_, rule)| words.iter().any(|word| rule.text.contains(word)))
            .map(|(id, _)| id)
            .collect()
    }
}

/// Arguments that are paths are not refused for a place that is not known: what else is wanted of them is.
pub(super) fn anywhere(plan: &mut Plan, adrift: &BTreeSet<RuleId>) {
    let tools = &mut plan.tools;
    let all = tools.exact.values_mut().chain(tools.globs.iter_mut().map(|(_, rule)| rule));
    let rules = all.chain([&mut tools.default]).flat_map(|tool| &mut tool.arguments);
    for rule in rules.filter(|rule| adrift.contains(&rule.from)) {
        if let ArgumentKind::Path { within } = &mut rule.kind {
            *within = AbsolutePath::new("/").into_iter().collect();
        }
    }
}

impl Asker {
    /// Whether scopes decide, by who refuses whom.
    pub(super) fn asked<T>(&self, refuses: impl Fn(&dyn Fn(&str) -> bool) -> Option<T>) -> ForScopes<T> {
        let holds = |scope: &str| !self.known || self.caller.scopes.contains(scope);
        match refuses(&holds) {
            Some(rule) => ForScopes::Refused(rule),
            None if self.known => ForScopes::Open,
            None => refuses(&|_| false).map_or(ForScopes::Open, ForScopes::Unknown),
        }
    }

    /// One of whom nothing is known holds every scope that the policy asks for.
    pub(super) fn of(judge: &Judge, known: Option<Caller>) -> Self {
        let is_known = known.is_some();
        Self { caller: known.unwrap_or_else(|| holder_of_all(&judge.plan)), known: is_known }
    }
}

fn holder_of_all(plan: &Plan) -> Caller {
    let tools = &plan.tools;
    let all = tools.exact.values().chain(tools.globs.iter().map(|(_, rule)| rule)).chain([&tools.default]);
    let wanted = all.filter_map(|rule| rule.scope.as_ref()).map(|(scope, _)| scope.clone());
    let roles = tools.roles.iter().flat_map(|roles| &roles.each).map(|(scope, ..)| scope.clone());
    Caller { scopes: wanted.chain(roles).collect() }
}

impl Judge {
    /// Why it is not known what a rule about the tool's arguments means for this call, and that rule.
    pub(super) fn places_untold(
        &self,
        tool: &ToolRule,
        arguments: &Recorded,
    ) -> Option<(&'static str, RuleId)> {
        let adrift = tool.arguments.iter().find(|rule| self.adrift.contains(&rule.from));
        let places = adrift.map(|rule| (PLACES, rule.from));
        let mut relative = tool.arguments.iter().filter(|rule| self.is_relative(rule, arguments));
        places.or_else(|| relative.next().map(|rule| (RELATIVE, rule.from)))
    }

    /// Why it is not known whether this rule refuses the call, which it does as far as can be told here.
    pub(super) fn refusal_untold(
        &self,
        tool: &ToolRule,
        arguments: &Recorded,
        by: RuleId,
    ) -> Option<(&'static str, RuleId)> {
        let rule = tool.arguments.iter().find(|rule| rule.from == by)?;
        let is_path = matches!(rule.kind, ArgumentKind::Path { .. });
        match self.is_relative(rule, arguments) {
            true => Some((RELATIVE, by)),
            // Of a path that may lie anywhere the rest is wanted in any case.
            false => (!is_path && self.adrift.contains(&by)).then_some((PLACES, by)),
        }
    }

    /// The rule is about an argument that is a path, which begins nobody knows where.
    fn is_relative(&self, rule: &ArgumentRule, arguments: &Recorded) -> bool {
        let Recorded::Whole(Some(arguments)) = arguments else { return false };
        let argument = rule.name.split('.').next().and_then(|first| arguments.get(first));
        let is_path = matches!(rule.kind, ArgumentKind::Path { .. });
        !self.known.beginning && is_path && argument.is_some_and(holds_a_relative_path)
    }
}

fn holds_a_relative_path(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.starts_with('/'),
        Value::Array(elements) => elements.iter().any(holds_a_relative_path),
        Value::Object(members) => members.values().any(holds_a_relative_path),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
