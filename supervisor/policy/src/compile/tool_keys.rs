//! The keys of a tool that ask for something by themselves: one rule each, where it is written.

use super::Compiler;
use crate::document::At;
use crate::document::argument::{Argument, ArgumentKeys};
use crate::document::list::{Filled, Item, Subject};
use crate::document::numbers::Bytes;
use crate::document::tool::{Tool, ToolKey};
use crate::document::words::{OnRateLimit, Permission, Word};
use crate::plan::Ask;

impl Compiler<'_> {
    pub(super) fn keys_of(&mut self, key: &At<ToolKey>, tool: &Tool) {
        let Tool {
            // Noted with the tool's own rule.
            enabled: _,
            reason: _,
            // Noted with the grants.
            allowed_paths: _,
            read_only: _,
            allowed_domains: _,
            allowed_programs: _,
            require_scope,
            require_approval,
            sensitive,
            require_audit_log,
            arguments,
            unknown_arguments,
            validate_arguments,
            max_requests_per_minute,
            on_rate_limit,
            timeout_seconds,
            exclusive,
            max_request_bytes,
            max_response_bytes,
            max_connections_per_call,
            max_sent_bytes_per_call,
        } = tool;
        let name = key.value.text();
        let key = |field: &str| format!("tools.{name}.{field}");
        let asked = |flag: &Option<At<bool>>| flag.clone().filter(|at| at.value);
        let bytes = |bytes: &Bytes| format!("{} bytes", bytes.0);
        let ledger = &mut self.ledger;
        ledger.key(&key("require_scope"), require_scope, |scope| scope.0.clone(), Ask::Scope);
        ledger.key(&key("require_approval"), &asked(require_approval), bool::to_string, Ask::Approval);
        ledger.key(&key("sensitive"), &asked(sensitive), bool::to_string, Ask::Approval);
        ledger.key(&key("require_audit_log"), &asked(require_audit_log), bool::to_string, Ask::Audit);
        let refused = unknown_arguments.clone().filter(|at| at.value == Permission::Deny);
        let word = |permission: &Permission| permission.word().to_owned();
        ledger.key(&key("unknown_arguments"), &refused, word, Ask::Arguments);
        let validated = asked(validate_arguments);
        ledger.key(&key("validate_arguments"), &validated, bool::to_string, Ask::Arguments);
        ledger.key(&key("exclusive"), &asked(exclusive), bool::to_string, Ask::Doorman);
        let rate = |rate: &crate::document::numbers::PerMinute| rate.get().to_string();
        ledger.key(&key("max_requests_per_minute"), max_requests_per_minute, rate, Ask::Doorman);
        let word = |what: &OnRateLimit| what.word().to_owned();
        ledger.key(&key("on_rate_limit"), on_rate_limit, word, Ask::Doorman);
        ledger.key(&key("timeout_seconds"), timeout_seconds, |n| n.get().to_string(), Ask::Doorman);
        ledger.key(&key("max_request_bytes"), max_request_bytes, bytes, Ask::Doorman);
        ledger.key(&key("max_response_bytes"), max_response_bytes, bytes, Ask::Doorman);
        let count = |count: &crate::document::tool::PerCall| count.get().to_string();
        ledger.key(&key("max_connections_per_call"), max_connections_per_call, count, Ask::CallConnections);
        ledger.key(&key("max_sent_bytes_per_call"), max_sent_bytes_per_call, bytes, Ask::CallSentBytes);
        for (argument, Argument(keys)) in arguments.iter().flat_map(|at| &at.value.0) {
            let text = format!("tools.{name}.arguments.{}: {}", argument.value.0, show(keys));
            let reason = keys.reason.as_ref().map(|at| at.value.0.clone());
            self.ledger.rule(text, &argument.origin, reason, Ask::Arguments);
        }
    }
}

/// An argument's rule as a person reads it: `path, within /`.
fn show(keys: &ArgumentKeys) -> String {
    let ArgumentKeys {
        kind,
        within,
        schemes,
        allowed_domains,
        allowed_programs,
        statements,
        max_length,
        min,
        max,
        values,
        pattern,
        reason: _,
    } = keys;
    let mut words = Vec::new();
    words.extend(kind.as_ref().map(|at| at.value.word().to_owned()));
    words.extend(all("within", within));
    words.extend(all("schemes", schemes));
    words.extend(all("allowed_domains", allowed_domains));
    words.extend(all("allowed_programs", allowed_programs));
    words.extend(all("statements", statements));
    words.extend(max_length.as_ref().map(|at| format!("max_length {}", at.value.get())));
    words.extend(min.as_ref().map(|at| format!("min {}", at.value.0)));
    words.extend(max.as_ref().map(|at| format!("max {}", at.value.0)));
    words.extend(all("values", values));
    words.extend(pattern.as_ref().map(|at| format!("pattern {}", at.value.0)));
    words.join(", ")
}

fn all<T: Subject>(key: &str, list: &Option<At<Filled<Item<T>>>>) -> Option<String> {
    let items: Vec<String> = list.as_ref()?.value.0.iter().map(|item| item.value.show()).collect();
    Some(format!("{key} {}", items.join(" ")))
}
