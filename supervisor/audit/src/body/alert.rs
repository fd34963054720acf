//! What somebody is told of.

use serde::{Deserialize, Serialize};

use super::RuleRef;
use crate::redact::redact_fields;

/// An alert rule of the policy found something. Stands behind the record that it is about; before the last one of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// The rule's name.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it tells.
    pub occasion: Occasion,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The tool whose events are counted; `None` where all of the session are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The host, path, program or tool that the last event was about, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How many events it tells of, as far as they are kept.
    pub count: u64,
    /// The window in which they were, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<u64>,
    /// Milliseconds between the first and the last of them.
    pub over_ms: u64,
    /// The numbers of their last records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<u64>,
    /// How often the same was worth an alert, and not told, since it was told of last.
    pub suppressed: u64,
    /// The policy's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
}

redact_fields!(Alert {
    text: [name, reason, tool, subject, rule],
    plain: [severity, occasion, count, within_seconds, over_ms, records, suppressed]
});

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To be read some day.
    Info,
    /// To be looked at.
    Warning,
    /// To be looked at now.
    Critical,
}

/// What an alert tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The rule's condition holds.
    Matched,
    /// There were too many tools to be counted apart, and some are forgotten.
    GroupsDropped,
    /// So many values are known that a new one is not told any more.
    ValuesFull,
}
