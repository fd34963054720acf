//! Texts without what was found in them.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::class::Class;
use crate::findings::{Finding, Findings};

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

/// Where else in the text the secrets stand that were found in it.
pub fn copies<'f>(text: &str, findings: &'f Findings) -> Vec<(Range<usize>, &'f Finding)> {
    let mut known = BTreeSet::new();
    let secrets: Vec<(&str, &Finding)> = findings
        .iter()
        .filter(|finding| finding.class() == Class::Secret)
        .filter_map(|finding| Some((text.get(finding.span.clone())?, finding)))
        .filter(|(secret, _)| secret.len() >= LEAST_COPY && known.insert(*secret))
        .collect();
    let Ok(automaton) = AhoCorasick::new(secrets.iter().map(|(secret, _)| secret)) else { return Vec::new() };
    if secrets.is_empty() {
        return Vec::new();
    }
    let hits = automaton.find_overlapping_iter(text);
    hits.map(|hit| (hit.range(), secrets[hit.pattern().as_usize()].1)).collect()
}
