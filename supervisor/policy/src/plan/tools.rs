//! Tools: what the doorman decides.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ClassId, RuleId};
use crate::document::glob;

/// The doorman's orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolsPlan {
    /// For tools that no entry names.
    pub default: ToolRule,
    /// By exact name; asked first.
    pub exact: BTreeMap<String, ToolRule>,
    /// By glob (`*` any run, `?` one character), longest pattern first, but those that the host refuses before all; asked
    /// second. What the host refuses is refused under `exact` as well.
    pub globs: Vec<(String, ToolRule)>,
}

impl ToolsPlan {
    /// What holds for the tool of this name: its exact entry, else the longest glob that matches, else the default.
    pub fn rule_for(&self, name: &str) -> &ToolRule {
        let glob = || self.globs.iter().find(|(glob, _)| glob::matches(glob, name)).map(|(_, rule)| rule);
        self.exact.get(name).or_else(glob).unwrap_or(&self.default)
    }
}

/// What holds for a tool. The values of `tools.defaults` are already merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRule {
    /// The key under `tools` that made this rule: `defaults`, a name or a glob.
    pub key: String,
    /// A disabled tool is refused and hidden from `tools/list`.
    pub enabled: bool,
    /// Calls per minute of each tool by its own name: a token bucket of this size.
    pub max_requests_per_minute: Option<u32>,
    /// A call is answered with an error and cancelled at the server after this time.
    pub timeout: Option<Duration>,
    /// The doorman runs the call alone: others wait until it has ended.
    pub exclusive: bool,
    /// Bytes of one request line.
    pub max_request_bytes: Option<u64>,
    /// Bytes of one answer line.
    pub max_response_bytes: Option<u64>,
    /// The grant class that is active while a call is in flight.
    pub class: ClassId,
    /// The policy author's `reason:`, told to the client when the tool is refused.
    pub reason: Option<String>,
    /// The policy rule that made this entry (its key, or `enabled` where it is written).
    pub from: RuleId,
}

/// What holds for the whole session at the doorman.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// `tools/call` requests per minute over all tools.
    pub max_requests_per_minute: Option<u32>,
    /// Bytes of one line in either direction; longer ones are refused. Default 32 MiB.
    pub max_message_bytes: u64,
    /// Calls in flight at once; more are refused. Default 1024.
    pub max_concurrent_calls: u32,
    /// Methods beyond those of the protocol that may pass in either direction.
    pub extra_methods: Vec<String>,
    /// `sampling/createMessage` from the server.
    pub sampling: bool,
    /// `elicitation/create` from the server.
    pub elicitation: bool,
    /// `roots/list` from the server.
    pub roots: bool,
}

/// What is checked in answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponsesPlan {
    /// Bytes of one answer line to a tool call.
    pub max_bytes: Option<u64>,
    /// Check `structuredContent` against the tool's `outputSchema`.
    pub validate_output_schema: bool,
    /// Cut secrets out of answers.
    pub redact_secrets: bool,
}
