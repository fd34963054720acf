//! What the server was when somebody looked at it, and what it is now.

use serde::{Deserialize, Serialize};

use super::RuleRef;
use crate::redact::redact_fields;

/// A server was remembered, or is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// What has happened.
    pub state: PinState,
    /// How much the heaviest change weighs: `harmless`, `notable`, `meaningful`, `alarming`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// The changes, a line each; at most the first 40.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Tools and prompts that are closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
    /// Everything is closed.
    pub all_closed: bool,
    /// Tools that were remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<u64>,
    /// The policy's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
}

redact_fields!(Pins { text: [changes, closed, rule], plain: [state, weight, all_closed, tools] });

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinState {
    /// It was met for the first time, and is remembered as it is.
    Recorded,
    /// It is not what it was.
    Changed,
}
