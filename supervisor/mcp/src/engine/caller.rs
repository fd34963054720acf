//! Who calls: what the policy's scopes are compared with.

use std::collections::BTreeSet;

use policy::plan::{RuleId, ToolsPlan};

use crate::fact::Refusal;

/// What is known of whoever speaks on the client's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The scopes that it holds (OAuth's `scope-token`, RFC 6749 §3.3). Compared byte for byte.
    pub scopes: BTreeSet<String>,
}

impl Caller {
    /// Why the tool is closed to it under these rules, and the rule.
    pub(super) fn closed(&self, tools: &ToolsPlan, tool: &str) -> Option<(Refusal, RuleId)> {
        let rule = tools.rule_for(tool);
        if !rule.enabled {
            return Some((Refusal::Disabled, rule.from));
        }
        let refused = tools.refused_to(tool, &|scope| self.scopes.contains(scope));
        refused.map(|from| (Refusal::ScopeMissing, from))
    }
}
