//! What was found in a text.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::allowed::{Allowed, Day};
use crate::class::{Class, Classes, Severity};
use crate::pack::Rule;

/// The most findings of one worded rule that are listed. Each rule has its own share: none fills the list so that another is
/// not in it.
const MOST_LISTED: usize = 64;

/// In what form of the text a rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// As it stands there, but for upper and lower case.
    Direct,
    /// Behind invisible characters, look-alike letters, styles or spaces.
    Folded,
    /// Decoded from base64.
    Base64,
    /// Decoded from percent signs.
    Percent,
    /// Decoded from HTML's character references.
    Html,
    /// Decoded from backslash escapes.
    Escape,
    /// Decoded from hexadecimal digits.
    Hex,
    /// Decoded from tag characters or variation selectors.
    Invisible,
}

/// One match of one rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that matched.
    pub rule: Arc<Rule>,
    /// Bytes of the original text, on character boundaries. The whole run for what was decoded from one.
    pub span: Range<usize>,
    /// The form in which it matched.
    pub via: Via,
}

impl Finding {
    /// What the rule looks for.
    pub fn class(&self) -> Class {
        self.rule.class()
    }

    /// How sure the rule is.
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// Everything that was found in a text, ordered by place.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    /// The rules of which not everything is listed, and how much is not.
    unlisted: Vec<(Arc<Rule>, usize)>,
    cut_short: bool,
}

impl Findings {
    /// The findings in order, without those that say nothing new.
    pub(crate) fn sorted(list: Vec<Finding>, cut_short: bool) -> Self {
        let mut list = list;
        list.sort_by(|a, b| {
            (a.span.start, a.span.end, a.rule.id()).cmp(&(b.span.start, b.span.end, b.rule.id()))
        });
        let (list, unlisted) = listed(without_repeats(list));
        Self { list, unlisted, cut_short }
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// How many findings are listed.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing was found and the search was complete.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.unlisted.is_empty() && !self.cut_short
    }

    /// How many findings are not listed: those of a worded rule beyond its first 64. Secrets and personal data are listed
    /// without limit.
    pub fn more(&self) -> usize {
        self.unlisted.iter().map(|(_, count)| count).sum()
    }

    /// The rules of which not everything is listed, each with how many findings are not, at least 1.
    ///
    /// Where they stand is not told, so they cannot be cut out; nor can it be told whether their texts are allowed. A caller
    /// that would cut or block a listed finding of such a rule must not pass on the text.
    pub fn unlisted(&self) -> impl Iterator<Item = (&Rule, usize)> {
        self.unlisted.iter().map(|(rule, count)| (rule.as_ref(), *count))
    }

    /// Whether the search ended early because the text is stuffed with suspicious words. Such a text must not be passed on.
    pub fn cut_short(&self) -> bool {
        self.cut_short
    }

    /// The classes of which something was found.
    pub fn classes(&self) -> Classes {
        let listed = self.list.iter().map(Finding::class);
        let unlisted = self.unlisted.iter().map(|(rule, _)| rule.class());
        listed.chain(unlisted).fold(Classes::NONE, |classes, class| classes | class.into())
    }

    /// The findings of some classes.
    pub fn of(&self, classes: Classes) -> Self {
        self.of_rules(|rule| classes.contains(rule.class()))
    }

    /// The findings of at least a severity.
    pub fn at_least(&self, severity: Severity) -> Self {
        self.of_rules(|rule| rule.severity() >= severity)
    }

    /// The findings that nobody has allowed. `text` is the text that was scanned, `today` the caller's date in UTC.
    ///
    /// What is not listed stays so unless everything of its rule is allowed: it may be another text.
    pub fn without(&self, text: &str, allowed: &[Allowed], today: Day) -> Self {
        let finding = |finding: &Finding| !allowed.iter().any(|allowed| allowed.covers(finding, text, today));
        let rule = |rule: &Rule| !allowed.iter().any(|allowed| allowed.covers_all(rule, today));
        self.filtered(finding, rule)
    }

    fn of_rules(&self, keep: impl Fn(&Rule) -> bool) -> Self {
        self.filtered(|finding| keep(&finding.rule), &keep)
    }

    fn filtered(&self, finding: impl Fn(&Finding) -> bool, rule: impl Fn(&Rule) -> bool) -> Self {
        let list = self.list.iter().filter(|each| finding(each)).cloned().collect();
        let unlisted = self.unlisted.iter().filter(|(each, _)| rule(each)).cloned().collect();
        Self { list, unlisted, cut_short: self.cut_short }
    }
}

impl<'f> IntoIterator for &'f Findings {
    type Item = &'f Finding;
    type IntoIter = std::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The first findings of each worded rule and all others; and how many more there are, by rules in the order of their first.
fn listed(list: Vec<Finding>) -> (Vec<Finding>, Vec<(Arc<Rule>, usize)>) {
    let mut counts: HashMap<*const Rule, usize> = HashMap::new();
    let mut unlisted: Vec<(Arc<Rule>, usize)> = Vec::new();
    let mut list = list;
    list.retain(|finding| {
        let count = counts.entry(Arc::as_ptr(&finding.rule)).or_default();
        *count += 1;
        if !finding.class().is_worded() || *count <= MOST_LISTED {
            return true;
        }
        match unlisted.iter_mut().find(|(rule, _)| Arc::ptr_eq(rule, &finding.rule)) {
            Some((_, more)) => *more += 1,
            None => unlisted.push((finding.rule.clone(), 1)),
        }
        false
    });
    list.shrink_to_fit();
    (list, unlisted)
}

/// A finding within what was found by the same rule is dropped; of one class's overlapping findings those that are sure are
/// kept. What reaches further than the findings before it stays: all of it must be cut.
fn without_repeats(list: Vec<Finding>) -> Vec<Finding> {
    let mut ends: HashMap<*const Rule, usize> = HashMap::new();
    let once: Vec<Finding> = list
        .into_iter()
        .filter(|finding| {
            let end = ends.entry(Arc::as_ptr(&finding.rule)).or_default();
            let new = finding.span.end > *end;
            *end = (*end).max(finding.span.end);
            new
        })
        .collect();
    let sure: Vec<(Class, Range<usize>)> = once
        .iter()
        .filter(|finding| finding.severity() == Severity::High)
        .map(|finding| (finding.class(), finding.span.clone()))
        .collect();
    once.into_iter()
        .filter(|finding| finding.severity() == Severity::High || !is_covered(finding, &sure))
        .collect()
}

/// Whether a surer finding of the same class begins within the unsure one or just before it.
fn is_covered(finding: &Finding, sure: &[(Class, Range<usize>)]) -> bool {
    let after = sure.partition_point(|(_, span)| span.start < finding.span.end);
    let near = &sure[after.saturating_sub(8)..after];
    near.iter().any(|(class, span)| *class == finding.class() && span.end > finding.span.start)
}
