//! Where a plan lies while host rules are applied to it: its rules, what was found, and how a refusal is worded.

use std::collections::BTreeSet;

use super::Caller;
use super::narrow::Narrowing;
use super::rules::HostRule;
use crate::plan::{Ask, Origin, Rule, RuleId};
use crate::problem::Report;

/// The rules of one plan, and what one start comes to.
pub(super) struct Desk<'a> {
    pub(super) caller: &'a Caller<'a>,
    pub(super) rules: Vec<Rule>,
    pub(super) report: Report,
    pub(super) narrowed: Vec<Narrowing>,
    /// Rules that the host asks for.
    pub(super) added: BTreeSet<RuleId>,
}

/// What a grant is compared with: a list of the maximum, as a person reads it.
pub(super) struct Allowed<'a> {
    /// `maximum.filesystem.read`.
    pub(super) key: &'a str,
    /// Where the list stands.
    pub(super) origin: &'a Origin,
    /// Its items as they were written.
    pub(super) items: Vec<String>,
}

/// Items of a list that are shown in a message.
const SHOWN: usize = 6;

impl<'a> Desk<'a> {
    /// A desk with the rules of a plan.
    pub(super) fn new(caller: &'a Caller<'a>, rules: Vec<Rule>) -> Self {
        Self { caller, rules, report: Report::default(), narrowed: Vec::new(), added: BTreeSet::new() }
    }
}

impl Desk<'_> {
    /// The rule with this number; every entry of a plan has one.
    pub(super) fn rule(&self, id: RuleId) -> Rule {
        self.rules.get(id.0 as usize).cloned().unwrap_or_else(|| Rule {
            text: "a rule of the plan".to_owned(),
            origin: Origin::default_deny(),
            reason: None,
            ask: Ask::Doorman,
        })
    }

    /// Refuses what a rule asks for, because it is not within a list of the maximum.
    pub(super) fn outside(&mut self, rule: &Rule, what: &str, Allowed { key, origin, items }: &Allowed<'_>) {
        let more = items.len().saturating_sub(SHOWN);
        let mut shown: Vec<String> = items.iter().take(SHOWN).map(|item| format!("`{item}`")).collect();
        shown.extend((more > 0).then(|| format!("{more} more")));
        let allowed = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") };
        let message = format!(
            "`{}`: {what} is not within what this host allows: `{key}` ({origin}) is {allowed}; \
             ask for something within it, or have the administrator add to it",
            rule.text
        );
        self.report.error(&rule.origin, message);
    }

    /// Refuses what a rule asks for, because a rule of the host closes it.
    pub(super) fn closed(&mut self, rule: &Rule, what: &str, HostRule { text, origin, reason }: &HostRule) {
        let because = reason.as_ref().map(|reason| format!(", because: {reason}")).unwrap_or_default();
        let message = format!(
            "`{}`: {what} is closed by this host's `{text}` ({origin}{because}); \
             take it out of the policy, or have the administrator open it",
            rule.text
        );
        self.report.error(&rule.origin, message);
    }

    /// Adds a rule that the host asks for.
    pub(super) fn add(&mut self, HostRule { text, origin, reason }: &HostRule, ask: Ask) -> RuleId {
        let id = RuleId(u32::try_from(self.rules.len()).unwrap_or(u32::MAX));
        let (text, origin, reason) = (text.clone(), origin.clone(), reason.clone());
        self.rules.push(Rule { text, origin, reason, ask });
        self.added.insert(id);
        id
    }

    /// Puts the host's rule in the place of the policy's, and notes it.
    pub(super) fn replace(&mut self, id: RuleId, host: &HostRule) {
        let old = self.rule(id);
        let rule = Rule {
            text: host.text.clone(),
            origin: host.origin.clone(),
            reason: host.reason.clone(),
            ask: old.ask,
        };
        if let Some(place) = self.rules.get_mut(id.0 as usize) {
            *place = rule;
        }
        self.added.insert(id);
        self.narrowed.push(Narrowing { rule: host.clone(), before: Some((old.text, old.origin)) });
    }

    /// Adds a rule that the host asks for and the policy says nothing about, and notes it.
    pub(super) fn set(&mut self, host: &HostRule, ask: Ask) -> RuleId {
        self.narrowed.push(Narrowing { rule: host.clone(), before: None });
        self.add(host, ask)
    }

    /// The first rule of which this holds.
    pub(super) fn find(&self, is: impl Fn(&Rule) -> bool) -> Option<RuleId> {
        let index = self.rules.iter().position(is)?;
        u32::try_from(index).ok().map(RuleId)
    }
}
