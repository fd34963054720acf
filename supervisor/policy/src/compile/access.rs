//! `prompts` and `resources` → which of them are open, and to whom.

use super::Compiler;
use super::ledger::sentence;
use crate::document::access::{Access, AccessKey, Accesses};
use crate::document::{At, Merge};
use crate::plan::{self, AccessRule, Ask};

const DEFAULTS: &str = "defaults";

impl Compiler<'_> {
    pub(super) fn accesses(&mut self, section: &str, written: Option<At<Accesses>>) -> plan::Accesses {
        let entries = written.map(|at| at.value.0).unwrap_or_default();
        let defaults =
            entries.iter().find(|(key, _)| key.value.0 == DEFAULTS).map(|(_, access)| access.clone());
        // What is named is enabled unless its own entry says otherwise: that is what an allow-list means.
        let inherited = Access { enabled: None, reason: None, ..defaults.clone().unwrap_or_default() };
        let mut plan = plan::Accesses::default();
        for (At { value: AccessKey(name), origin: _ }, own) in entries {
            match name.as_str() {
                DEFAULTS => plan.default = Some(self.access(section, DEFAULTS, own)),
                _ => {
                    let rule = self.access(section, &name, inherited.clone().merge(own));
                    plan.named.push((name, rule));
                }
            }
        }
        plan
    }

    fn access(&mut self, section: &str, name: &str, access: Access) -> AccessRule {
        let Access { enabled, require_scope, reason } = access;
        let reason = sentence(reason);
        let mut noted = |key: &str, value: String, origin: &plan::Origin, ask| {
            self.ledger.rule(format!("{section}.{name}.{key}: {value}"), origin, reason.clone(), ask)
        };
        let disabled = enabled
            .filter(|at| !at.value)
            .map(|At { value, origin }| noted("enabled", value.to_string(), &origin, Ask::Doorman));
        let scope = require_scope.map(|At { value, origin }| {
            let rule = noted("require_scope", value.0.clone(), &origin, Ask::Scope);
            (value.0, rule)
        });
        AccessRule { disabled, scope, reason }
    }
}
