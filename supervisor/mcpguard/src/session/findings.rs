//! What was found in texts → records.

use audit::{Finding, FindingKind, Findings, Speaker, Treatment};
use mcp::Side;

use super::translate::Translator;

impl Translator {
    /// Findings in one text.
    pub(super) fn findings(
        &self,
        side: Side,
        method: String,
        tool: Option<String>,
        call: Option<u64>,
        findings: Vec<mcp::Finding>,
    ) -> Findings {
        let from = match side {
            Side::Client => Speaker::Client,
            Side::Server => Speaker::Server,
        };
        Findings {
            from,
            method,
            call,
            tool,
            found: findings.into_iter().map(|it| self.finding(it)).collect(),
        }
    }

    fn finding(&self, finding: mcp::Finding) -> Finding {
        let mcp::Finding { name, kind, treatment, rule, count, excerpt } = finding;
        Finding {
            name,
            kind: self::kind(kind),
            treatment: self::treatment(treatment),
            count,
            rule: self.rule(rule),
            excerpt,
        }
    }
}

fn kind(kind: mcp::FindingKind) -> FindingKind {
    match kind {
        mcp::FindingKind::Secret => FindingKind::Secret,
        mcp::FindingKind::PersonalData => FindingKind::PersonalData,
        mcp::FindingKind::HiddenInstructions => FindingKind::HiddenInstructions,
        mcp::FindingKind::Exfiltration => FindingKind::Exfiltration,
        mcp::FindingKind::InvisibleCharacters => FindingKind::InvisibleCharacters,
    }
}

fn treatment(treatment: policy::plan::Treatment) -> Treatment {
    match treatment {
        policy::plan::Treatment::Pass | policy::plan::Treatment::Flag => Treatment::Flagged,
        policy::plan::Treatment::Redact => Treatment::Redacted,
        policy::plan::Treatment::Block => Treatment::Blocked,
    }
}
