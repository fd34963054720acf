//! Tools that are refused whatever a policy says.

use super::desk::Desk;
use super::document::{HostDocument, HostPolicies};
use super::rules::HostRule;
use crate::document::At;
use crate::document::glob;
use crate::plan::{Ask, ClassId, SchemaCheck, ToolRule, ToolsPlan};

impl Desk<'_> {
    /// Puts the host's refusals before every rule of the policy.
    pub(super) fn tools(&mut self, file: &HostDocument, plan: &mut ToolsPlan) {
        let Some(At { value: HostPolicies { deny_tools: Some(denied) }, .. }) = &file.policies else {
            return;
        };
        // Every field of the plan is named here: one that is forgotten does not compile.
        let ToolsPlan { default: _, exact, globs, roles: _ } = plan;
        for item in &denied.value.0 {
            let host = HostRule::item("policies.deny_tools", item);
            let from = self.set(&host, Ask::Doorman);
            let why = match &item.reason {
                Some(reason) => reason.clone(),
                None => "this host's administrator refuses it".to_owned(),
            };
            let refused = |key: &str| ToolRule {
                key: key.to_owned(),
                enabled: false,
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
                reason: Some(why.clone()),
                from,
            };
            let pattern = &item.value.0;
            for (name, rule) in exact.iter_mut().filter(|(name, _)| glob::matches(pattern, name)) {
                *rule = refused(name);
            }
            globs.insert(0, (pattern.clone(), refused(pattern)));
        }
    }
}
