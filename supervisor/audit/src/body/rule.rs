//! Rules of the policy as records name them.

use serde::{Deserialize, Serialize};

use super::Layer;
use crate::redact::redact_fields;

/// A rule of the policy, and where it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRef {
    /// The rule as a person reads it: `tools.delete_repo.enabled: false`.
    pub text: String,
    /// The file as the user named it, or the preset's name (`runtime/node`).
    pub source: String,
    /// Line, from 1; 0 for rules that mcpguard adds itself.
    pub line: u32,
    /// Column in characters, from 1; 0 for rules that mcpguard adds itself.
    pub column: u32,
    /// The policy author's `reason:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

redact_fields!(RuleRef { text: [text, source, reason], plain: [line, column] });

/// Who enforces one rule in this session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageEntry {
    /// The rule.
    pub rule: RuleRef,
    /// Whether it is enforced as written.
    pub state: CoverageState,
    /// The layers that enforce it; empty where none does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Layer>,
    /// What a reader should know: how it is enforced, or the weaker thing that still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

redact_fields!(CoverageEntry { text: [rule, note], plain: [state, by] });

/// Whether a rule is enforced as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageState {
    /// It is.
    Enforced,
    /// It is not; the session runs with `--allow-degraded`.
    Uncovered,
}

/// A rule that is not enforced in this session, which `--allow-degraded` let start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Degraded {
    /// The rule.
    pub rule: RuleRef,
    /// Why it is not enforced here.
    pub reason: String,
    /// What would enforce it.
    pub remedy: String,
    /// The weaker thing that still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
}

redact_fields!(Degraded { text: [rule, reason, remedy, floor], plain: [] });
