//! Looking for what texts may not hold, in JSON and in plain text.
//!
//! ```text
//! JSON ─► texts: every string, one after another ─► hits: what is found, each with its treatment ─► Look
//!                                                    content::Scanner, invisible characters, the session's own secrets
//! Look::Cut ─► edits: strings that are written anew; every other byte stays as it is
//! ```

mod edits;
mod hits;
mod texts;

use std::rc::Rc;

use content::{Allowed, Day};
use policy::plan::{ContentPlan, RuleId, Treatment, Treatments};

use crate::orders::{Secrets, Surroundings};
pub(crate) use edits::Edit;
pub(crate) use edits::{applied, replaced, with_only};
pub use hits::{Finding, FindingKind};

/// Knows what is looked for.
pub(crate) struct Screen {
    plan: ContentPlan,
    allowed: Vec<Allowed>,
    secrets: Rc<dyn Secrets>,
    today: fn() -> Day,
}

/// Whose texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// What the server writes to the client.
    Answers,
    /// What calls and prompts are asked with.
    Arguments,
    /// The server's stderr.
    Stderr,
}

/// What is done where something is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnBlock {
    /// The whole does not pass.
    Withhold,
    /// The string that holds it is replaced: the whole is needed.
    Blank,
}

/// What became of a text.
#[derive(Debug)]
pub(crate) enum Look {
    /// It passes. What was found is told, if anything was.
    Passed(Vec<Finding>),
    /// It passes with these changes, in order.
    Cut(Vec<Finding>, Vec<Edit>),
    /// It does not pass.
    Blocked(Vec<Finding>),
}

impl Screen {
    pub(crate) fn new(plan: ContentPlan, surroundings: &Surroundings) -> Self {
        let Surroundings { tree: _, secrets, today, pinning: _ } = surroundings;
        let mut screen = Self {
            plan: ContentPlan::default(),
            allowed: Vec::new(),
            secrets: Rc::clone(secrets),
            today: *today,
        };
        screen.follow(plan);
        screen
    }

    /// Looks by another policy from now on; whether it is another one.
    pub(crate) fn follow(&mut self, plan: ContentPlan) -> bool {
        let changes = self.plan != plan;
        self.allowed = plan.allowed.iter().map(allowed).collect();
        self.plan = plan;
        changes
    }

    fn treatments(&self, whose: Whose) -> &Treatments {
        // Every field is named: one that is added to the plan must be enforced here.
        let ContentPlan { answers, arguments, stderr, allowed: _ } = &self.plan;
        match whose {
            Whose::Answers => answers,
            Whose::Arguments => arguments,
            Whose::Stderr => stderr,
        }
    }

    /// Whether nothing is looked for.
    pub(crate) fn is_idle(&self, whose: Whose) -> bool {
        self.treatments(whose).is_empty()
    }

    /// Looks at every string of a JSON text but those in `skip`, which are ranges in order.
    pub(crate) fn json(
        &self,
        whose: Whose,
        json: &[u8],
        skip: &[std::ops::Range<usize>],
        on_block: OnBlock,
    ) -> Look {
        if self.is_idle(whose) {
            return Look::Passed(Vec::new());
        }
        let text = texts::gathered(json, skip);
        let hits = self.hits(&text, self.treatments(whose));
        let findings = hits::summed(&text, &hits);
        let blocks = hits.iter().any(|hit| hit.treatment == Treatment::Block);
        match hits.iter().any(|hit| hit.treatment >= Treatment::Redact) {
            false => Look::Passed(findings),
            true if blocks && on_block == OnBlock::Withhold => Look::Blocked(findings),
            true => match edits::in_strings(json, skip, &hits) {
                Ok(edits) => Look::Cut(findings, edits),
                Err(edits::Uncuttable) => Look::Blocked(findings),
            },
        }
    }

    /// The text with what is redacted cut out, and without the lines that hold what is blocked.
    pub(crate) fn lines(&self, whose: Whose, text: &str) -> (Option<String>, Vec<Finding>) {
        if self.is_idle(whose) {
            return (None, Vec::new());
        }
        let hits = self.hits(text, self.treatments(whose));
        let findings = hits::summed(text, &hits);
        let changed = hits.iter().any(|hit| hit.treatment >= Treatment::Redact);
        (changed.then(|| edits::in_lines(text, &hits)), findings)
    }
}

fn allowed(finding: &policy::plan::AllowedFinding) -> Allowed {
    let policy::plan::AllowedFinding { rule, text, until, from: _ } = finding;
    Allowed { rule: Some(rule.clone()), text: text.clone(), until: *until }
}

/// The finding for which something does not pass, in words for who is told so.
pub(crate) fn blamed(findings: &[Finding]) -> Option<(&Finding, RuleId)> {
    findings.iter().max_by_key(|finding| finding.treatment).map(|finding| (finding, finding.rule))
}

#[cfg(test)]
mod tests;
