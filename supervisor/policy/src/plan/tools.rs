//! Tools: what the doorman decides.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ArgumentRule, ClassId, RuleId};
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
    /// Which scopes open which tools, if the policy says so.
    pub roles: Option<Roles>,
}

/// Scopes that are roles: each opens the tools that it lists, and no tool is open otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Scope, its tools by name or glob, the rule.
    pub each: Vec<(String, Vec<String>, RuleId)>,
    /// The section's own rule.
    pub from: RuleId,
}

impl Roles {
    /// The rule that refuses the tool to who holds these scopes: that of the first role that would open it, or the section's.
    fn refuses(&self, tool: &str, holds: &dyn Fn(&str) -> bool) -> Option<RuleId> {
        let lists = |tools: &[String]| tools.iter().any(|glob| glob::matches(glob, tool));
        let mut opening = self.each.iter().filter(|(_, tools, _)| lists(tools)).peekable();
        let first = opening.peek().map_or(self.from, |(.., from)| *from);
        (!opening.any(|(scope, ..)| holds(scope))).then_some(first)
    }
}

impl ToolsPlan {
    /// What holds for the tool of this name: its exact entry, else the longest glob that matches, else the default.
    pub fn rule_for(&self, name: &str) -> &ToolRule {
        let glob = || self.globs.iter().find(|(glob, _)| glob::matches(glob, name)).map(|(_, rule)| rule);
        self.exact.get(name).or_else(glob).unwrap_or(&self.default)
    }

    /// The rule that refuses the tool to a caller for the scopes that it holds; `None`: it may call it, as far as scopes go.
    pub fn refused_to(&self, name: &str, holds: &dyn Fn(&str) -> bool) -> Option<RuleId> {
        let scope =
            self.rule_for(name).scope.as_ref().filter(|(scope, _)| !holds(scope)).map(|(_, from)| *from);
        scope.or_else(|| self.roles.as_ref().and_then(|roles| roles.refuses(name, holds)))
    }
}

/// What holds for a tool. The values of `tools.defaults` are already merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRule {
    /// The key under `tools` that made this rule: `defaults`, a name or a glob.
    pub key: String,
    /// A disabled tool is refused and hidden from `tools/list`.
    pub enabled: bool,
    /// The scope that the caller must hold, and the rule; to others the tool is hidden.
    pub scope: Option<(String, RuleId)>,
    /// Who must approve a call before it goes to the server.
    pub approval: Option<Approval>,
    /// What the call's arguments must be.
    pub arguments: Vec<ArgumentRule>,
    /// Arguments that no rule names are refused by this rule.
    pub unknown_arguments: Option<RuleId>,
    /// Whether arguments are checked against the tool's own `inputSchema`.
    pub schema: SchemaCheck,
    /// Calls per minute of each tool by its own name: a token bucket of this size.
    pub max_requests_per_minute: Option<u32>,
    /// A call beyond that waits for its turn, if that comes within `timeout` (without one, within a minute).
    pub throttle: bool,
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

/// Each call is held until it is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Different approvers that must approve: 1 or 2.
    pub approvers: u8,
    /// The policy rule.
    pub from: RuleId,
}

/// How held calls are approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalsPlan {
    /// How long a call waits for it; then it is refused.
    pub timeout: Duration,
    /// A program that decides, with its arguments: it gets the call as JSON on its stdin.
    pub command: Option<Vec<String>>,
    /// The person at the client is asked, where the client can (MCP 2025-06-18, "Elicitation").
    pub ask_client: bool,
}

/// When a call's arguments are checked against the tool's own `inputSchema` (MCP, "Tools", "Data Types").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaCheck {
    /// Where the server has listed the tool: nothing was written.
    #[default]
    Known,
    /// Always: a tool that the server has not listed yet cannot be called. The policy rule.
    Always(RuleId),
    /// Never.
    Never,
}

/// What holds for the whole session at the doorman.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// `tools/call` requests per minute over all tools.
    pub max_requests_per_minute: Option<u32>,
    /// A call beyond that waits for its turn, if that comes within its tool's time.
    pub throttle: bool,
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
