//! Which prompts and resources are open, and to whom.

use super::RuleId;
use crate::document::glob;

/// The doorman's orders about prompts and resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessPlan {
    /// By name.
    pub prompts: Accesses,
    /// By address, as it is written.
    pub resources: Accesses,
}

/// Rules of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accesses {
    /// By exact name or glob (`*` any run, `?` one character), in the order of the text.
    pub named: Vec<(String, AccessRule)>,
    /// For what none of them names.
    pub default: Option<AccessRule>,
}

/// What holds for one of them. The values of `defaults` are already merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// The rule that closes it to everybody.
    pub disabled: Option<RuleId>,
    /// The scope that the caller must hold, and the rule.
    pub scope: Option<(String, RuleId)>,
    /// The policy author's `reason:`.
    pub reason: Option<String>,
}

impl Accesses {
    /// Whether anything is said at all.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.default.is_none()
    }

    /// The rule that refuses it to a caller for the scopes that it holds, and whether that is for a scope.
    ///
    /// The exact name decides, else the longest globs, all of them; else the default.
    pub fn refused_to(&self, name: &str, holds: &dyn Fn(&str) -> bool) -> Option<(RuleId, bool)> {
        let exact = self.named.iter().filter(|(key, _)| key == name);
        let length = |key: &str| key.chars().count();
        let globs = || self.named.iter().filter(|(key, _)| glob::matches(key, name));
        let longest = globs().map(|(key, _)| length(key)).max();
        let mut deciding: Vec<&AccessRule> = exact.map(|(_, rule)| rule).collect();
        if deciding.is_empty() {
            deciding.extend(globs().filter(|(key, _)| Some(length(key)) == longest).map(|(_, rule)| rule));
        }
        if deciding.is_empty() {
            deciding.extend(&self.default);
        }
        deciding.into_iter().find_map(|rule| rule.refuses(holds))
    }
}

impl AccessRule {
    fn refuses(&self, holds: &dyn Fn(&str) -> bool) -> Option<(RuleId, bool)> {
        let disabled = self.disabled.map(|rule| (rule, false));
        let scope = self.scope.as_ref().filter(|(scope, _)| !holds(scope)).map(|(_, rule)| (*rule, true));
        disabled.or(scope)
    }
}
