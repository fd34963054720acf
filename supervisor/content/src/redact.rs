//! Texts without what was found in them.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::class::Class;
use crate::findings::{Finding, Findings};
use crate::fold::View;
use crate::readings::seen;

/// The shortest secret whose other copies are cut out, too; shorter ones are words.
const LEAST_COPY: usize = 8;

/// What usually stands for a finding: `[redacted: github-token]`.
pub fn placeholder(finding: &Finding) -> String {
    format!("[redacted: {}]", finding.rule.id())
}

/// The text with each finding replaced by what `instead` says of it.
///
/// Other copies of a secret that was found go as well, also where no rule knows them. Overlapping findings are cut as one.
pub fn redacted(text: &str, findings: &Findings, instead: impl Fn(&Finding) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for (span, finding) in cuts(text, findings) {
        let Some(between) = text.get(kept..span.start) else { continue };
        out.push_str(between);
        out.push_str(&instead(finding));
        kept = span.end;
    }
    out.push_str(&text[kept..]);
    out
}

/// What is cut, in order and apart from each other.
fn cuts<'f>(text: &str, findings: &'f Findings) -> Vec<(Range<usize>, &'f Finding)> {
    let mut all: Vec<_> = findings.iter().map(|finding| (finding.span.clone(), finding)).collect();
    all.extend(copies(text, findings));
    all.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let mut apart: Vec<(Range<usize>, &Finding)> = Vec::with_capacity(all.len());
    for (span, finding) in all {
        match apart.last_mut() {
            Some((last, _)) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push((span, finding)),
        }
    }
    apart
}

/// Where else in the text the secrets stand that were found in it, also with something in them that nobody sees: who leaves
/// that out, as redaction may do, would put them together again.
pub fn copies<'f>(text: &str, findings: &'f Findings) -> Vec<(Range<usize>, &'f Finding)> {
    let secrets = secrets(text, findings);
    let Ok(automaton) = AhoCorasick::new(secrets.keys()) else { return Vec::new() };
    if secrets.is_empty() {
        return Vec::new();
    }
    let known: Vec<&Finding> = secrets.into_values().collect();
    let hits = |text: &str| -> Vec<(Range<usize>, &'f Finding)> {
        let hits = automaton.find_overlapping_iter(text);
        hits.map(|hit| (hit.range(), known[hit.pattern().as_usize()])).collect()
    };
    let mut found = hits(text);
    for View { text, map } in seen(text) {
        let split = hits(&text).into_iter().map(|(span, finding)| (map.source(&span), span.len(), finding));
        // The others stand in the text itself.
        found.extend(
            split.filter(|(span, length, _)| span.len() > *length).map(|(span, _, finding)| (span, finding)),
        );
    }
    found
}

/// The secrets that were found, as they stand there and as they are read, and by what.
fn secrets<'f>(text: &str, findings: &'f Findings) -> BTreeMap<String, &'f Finding> {
    let mut known = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.class() == Class::Secret) {
        let Some(secret) = text.get(finding.span.clone()) else { continue };
        let read = seen(secret).into_iter().map(|view| view.text);
        for form in read.chain([secret.to_owned()]).filter(|form| form.len() >= LEAST_COPY) {
            known.entry(form).or_insert(finding);
        }
    }
    known
}
