//! What was found in a text.

use std::ops::Range;
use std::sync::Arc;

use crate::allowed::{Allowed, Day};
use crate::class::{Class, Classes, Severity};
use crate::pack::Rule;

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
    pub(crate) more: usize,
    pub(crate) cut_short: bool,
}

impl Findings {
    /// The findings in order, without those that say nothing new.
    pub(crate) fn sorted(list: Vec<Finding>) -> Self {
        let mut list = list;
        list.sort_by(|a, b| {
            (a.span.start, a.span.end, a.rule.id()).cmp(&(b.span.start, b.span.end, b.rule.id()))
        });
        Self { list: without_repeats(list), ..Self::default() }
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
        self.list.is_empty() && self.more == 0 && !self.cut_short
    }

    /// Matches of worded rules beyond the 256 that are listed. Secrets and personal data are listed without limit.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Whether the search ended early because the text is stuffed with suspicious words. Such a text must not be passed on.
    pub fn cut_short(&self) -> bool {
        self.cut_short
    }

    /// The classes of which something was found.
    pub fn classes(&self) -> Classes {
        self.list.iter().fold(Classes::NONE, |classes, finding| classes | finding.class().into())
    }

    /// The findings of some classes.
    pub fn of(&self, classes: Classes) -> Self {
        self.filtered(|finding| classes.contains(finding.class()))
    }

    /// The findings of at least a severity.
    pub fn at_least(&self, severity: Severity) -> Self {
        self.filtered(|finding| finding.severity() >= severity)
    }

    /// The findings that nobody has allowed. `text` is the text that was scanned, `today` the caller's date in UTC.
    pub fn without(&self, text: &str, allowed: &[Allowed], today: Day) -> Self {
        self.filtered(|finding| !allowed.iter().any(|allowed| allowed.covers(finding, text, today)))
    }

    fn filtered(&self, keep: impl Fn(&Finding) -> bool) -> Self {
        let list = self.list.iter().filter(|finding| keep(finding)).cloned().collect();
        Self { list, more: self.more, cut_short: self.cut_short }
    }
}

impl<'f> IntoIterator for &'f Findings {
    type Item = &'f Finding;
    type IntoIter = std::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Of one rule's overlapping findings the first is kept; of one class's, those that are sure.
fn without_repeats(list: Vec<Finding>) -> Vec<Finding> {
    let mut ends: std::collections::HashMap<*const Rule, usize> = std::collections::HashMap::new();
    let once: Vec<Finding> = list
        .into_iter()
        .filter(|finding| {
            let end = ends.entry(Arc::as_ptr(&finding.rule)).or_default();
            let new = finding.span.start >= *end;
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
