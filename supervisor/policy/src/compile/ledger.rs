//! The ledger: every rule that the policy asks for gets its number here.

use crate::document::At;
use crate::document::names::Sentence;
use crate::plan::{Ask, Origin, Rule, RuleId};
use crate::problem::Report;

/// Rules and problems of one compilation.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) rules: Vec<Rule>,
    pub(super) report: Report,
}

impl Ledger {
    /// Notes a rule.
    pub(super) fn rule(&mut self, text: String, origin: &Origin, reason: Option<String>, ask: Ask) -> RuleId {
        let id = RuleId(u32::try_from(self.rules.len()).unwrap_or(u32::MAX));
        self.rules.push(Rule { text, origin: origin.clone(), reason, ask });
        id
    }

    /// Whether a rule asks for this.
    pub(super) fn asks(&self, ask: &Ask) -> bool {
        self.rules.iter().any(|rule| rule.ask == *ask)
    }

    /// Notes a rule for a key with a single value.
    pub(super) fn key<T>(&mut self, key: &str, value: &Option<At<T>>, show: impl Fn(&T) -> String, ask: Ask) {
        if let Some(At { value, origin }) = value {
            self.rule(format!("{key}: {}", show(value)), origin, None, ask);
        }
    }

    /// The rule that was noted for what is written there.
    pub(super) fn noted(&self, origin: &Origin, ask: &Ask) -> RuleId {
        let found = self.rules.iter().position(|rule| rule.ask == *ask && rule.origin == *origin);
        RuleId(found.and_then(|index| u32::try_from(index).ok()).unwrap_or(u32::MAX))
    }

    /// Notes a rule that holds because nothing was written.
    pub(super) fn default_deny(&mut self, text: &str, ask: Ask) -> RuleId {
        self.rule(text.to_owned(), &Origin::default_deny(), None, ask)
    }
}

/// The text of a reason.
pub(super) fn sentence(reason: Option<At<Sentence>>) -> Option<String> {
    reason.map(|At { value: Sentence(reason), .. }| reason)
}
