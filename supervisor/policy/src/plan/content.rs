//! What texts between client and server may hold.

use content::Day;

use super::RuleId;

/// What is looked for in texts, and what is done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentPlan {
    /// In what the server writes to the client.
    pub answers: Treatments,
    /// In the arguments of calls and prompts; nothing is redacted there.
    pub arguments: Treatments,
    /// In the server's stderr.
    pub stderr: Treatments,
    /// Findings that are no reason to act.
    pub allowed: Vec<AllowedFinding>,
}

/// What is done about each kind of finding, and the rule that says so; nothing where nothing was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatments {
    /// Secrets: the session's own, and well-known forms.
    pub secrets: Option<(Treatment, RuleId)>,
    /// Personal data.
    pub personal_data: Option<(Treatment, RuleId)>,
    /// Texts that speak to a model as its user or system would.
    pub hidden_instructions: Option<(Treatment, RuleId)>,
    /// Texts that would carry data out.
    pub exfiltration: Option<(Treatment, RuleId)>,
    /// Characters that a person does not see.
    pub invisible_characters: Option<(Treatment, RuleId)>,
}

impl Treatments {
    /// Whether anything is looked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is done about a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Not looked for.
    #[default]
    Pass,
    /// It passes, and a record tells of it.
    Flag,
    /// It is cut out, and a record tells of it. Where nothing can be cut out, as `Block`.
    Redact,
    /// What holds it does not pass.
    Block,
}

/// Findings that somebody has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedFinding {
    /// The rule that finds it.
    pub rule: String,
    /// Only this text.
    pub text: Option<String>,
    /// The last day on which it is allowed, in UTC.
    pub until: Option<Day>,
    /// The policy rule.
    pub from: RuleId,
}
