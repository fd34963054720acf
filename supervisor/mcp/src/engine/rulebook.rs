//! The rulebook: which rule holds for a tool, and how a rule is told to a person or a model.

use std::time::Duration;

use policy::plan::{Approval, ClassId, Rule, RuleId, ToolRule, ToolsPlan};

use super::Caller;
use crate::fact::Refusal;

/// The tools' rules and the words of all rules.
#[derive(Debug)]
pub(super) struct Rulebook {
    tools: ToolsPlan,
    caller: Caller,
    /// By `RuleId`.
    words: Vec<Words>,
}

/// A rule in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) text: String,
    /// `github.yaml:31:3`.
    pub(super) place: String,
    /// The policy author's reason.
    pub(super) reason: Option<String>,
}

/// What a rule means for one call. Copied, so that a call in flight keeps the terms it was admitted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) per_minute: Option<u32>,
    pub(super) throttle: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) approval: Option<Approval>,
    pub(super) exclusive: bool,
    pub(super) max_request_bytes: Option<u64>,
    pub(super) max_response_bytes: Option<u64>,
    pub(super) class: ClassId,
    pub(super) from: RuleId,
}

impl From<&ToolRule> for Terms {
    fn from(rule: &ToolRule) -> Self {
        // Every field is named: one that is added to the plan must be enforced or left out on purpose.
        let ToolRule {
            key: _,
            // Asked before the terms are: `Rulebook::closed`.
            enabled: _,
            scope: _,
            approval,
            // Looked up with the call's arguments in hand.
            arguments: _,
            unknown_arguments: _,
            schema: _,
            max_requests_per_minute,
            throttle,
            timeout,
            exclusive,
            max_request_bytes,
            max_response_bytes,
            class,
            reason: _,
            from,
        } = rule;
        Self {
            per_minute: *max_requests_per_minute,
            throttle: *throttle,
            timeout: *timeout,
            approval: *approval,
            exclusive: *exclusive,
            max_request_bytes: *max_request_bytes,
            max_response_bytes: *max_response_bytes,
            class: *class,
            from: *from,
        }
    }
}

impl Rulebook {
    pub(super) fn new(tools: ToolsPlan, caller: Caller, rules: &[Rule]) -> Self {
        let words = |rule: &Rule| Words {
            text: rule.text.clone(),
            place: rule.origin.to_string(),
            reason: rule.reason.clone(),
        };
        Self { tools, caller, words: rules.iter().map(words).collect() }
    }

    /// The same for another policy.
    pub(super) fn followed_by(&self, tools: ToolsPlan, rules: &[Rule]) -> Self {
        Self::new(tools, self.caller.clone(), rules)
    }

    /// Why the tool is closed to this caller, and the rule: then it is hidden, too.
    pub(super) fn closed(&self, tool: &str) -> Option<(Refusal, RuleId)> {
        self.caller.closed(&self.tools, tool)
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The rule of a tool: its exact name, then the longest glob, then the default.
    pub(super) fn rule(&self, tool: &str) -> &ToolRule {
        self.tools.rule_for(tool)
    }

    /// The rule of a task whose tool is not known.
    pub(super) fn default(&self) -> &ToolRule {
        &self.tools.default
    }

    pub(super) fn words(&self, rule: RuleId) -> Option<&Words> {
        self.words.get(rule.0 as usize)
    }
}
