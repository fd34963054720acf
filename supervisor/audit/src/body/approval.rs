//! Calls that are held until somebody approves them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RuleRef;
use crate::redact::redact_fields;

/// A call is held, or somebody has decided about it. That it goes on or is refused is a `tool_call` record of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The call's number in its session.
    pub call: u64,
    /// The tool's name.
    pub tool: String,
    /// What has happened.
    pub state: ApprovalState,
    /// SHA-256 in hex over the tool's name, a zero byte and the arguments as they were sent. An approval names it.
    pub digest: String,
    /// The arguments, as much of them as the policy wants written down; only where the call is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Who has decided: `user 1000 (alice)`, `client`, `command`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Approvals that are still missing.
    pub missing: u8,
    /// The rule that wants the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
}

redact_fields!(Approval { text: [tool, arguments, by, rule], plain: [call, state, digest, missing] });

/// What has happened to a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It is held.
    Held,
    /// Somebody has approved it.
    Approved,
    /// Somebody has denied it.
    Denied,
}
