//! What was found in texts between client and server.

use serde::{Deserialize, Serialize};

use super::RuleRef;
use crate::redact::redact_fields;

/// Something was found in a text that the policy has an eye on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// Whose text.
    pub from: Speaker,
    /// The method of the message, or that of the request that it answers; `stderr`.
    pub method: String,
    /// The call that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// The call's tool; in lists the element's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What was found, in the order of the first places.
    pub found: Vec<Finding>,
}

redact_fields!(Findings { text: [method, tool, found], plain: [from, call] });

/// Something that was found, however often in one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The name of what finds it; `content.allowed` of a policy speaks of it.
    pub name: String,
    /// What it is.
    pub kind: FindingKind,
    /// What was done about it.
    pub treatment: Treatment,
    /// How often; at least 1.
    pub count: u64,
    /// The policy's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// The first of them, with everything invisible spelled out; none of secrets and personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

redact_fields!(Finding { text: [name, rule, excerpt], plain: [kind, treatment, count] });

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A secret.
    Secret,
    /// Personal data.
    PersonalData,
    /// A text that speaks to a model as its user or system would.
    HiddenInstructions,
    /// A text that would carry data out.
    Exfiltration,
    /// Something that a person does not see.
    InvisibleCharacters,
}

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// It passed.
    Flagged,
    /// It was cut out.
    Redacted,
    /// What holds it did not pass.
    Blocked,
}
