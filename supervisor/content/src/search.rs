//! One search of one text: keywords first, patterns only around them.

use std::ops::Range;

use regex::bytes::Regex;

use crate::bytes;
use crate::class::Classes;
use crate::encoded;
use crate::escapes::{self, ceil, floor};
use crate::findings::{Finding, Findings, Via};
use crate::fold::View;
use crate::invisible;
use crate::map::Map;
use crate::marks::{self, MARK_BYTE};
use crate::pack::{Rule, Run};
use crate::piece::{Origin, Piece};
use crate::readings::readings;
use crate::scanner::Scanner;

/// What trying a pattern costs whatever the text, in bytes searched.
const TRY: usize = 32;
/// Bytes that patterns may be tried on: so many for each byte of the text, and some for short texts.
const EFFORT: (usize, usize) = (8, 256 * 1024);

pub(crate) struct Search<'s> {
    scanner: &'s Scanner,
    text: &'s str,
    wanted: Classes,
    /// How far each rule has come in the present piece.
    progress: Vec<Progress>,
    found: Vec<Finding>,
    effort: usize,
    cut_short: bool,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    /// Keywords that end before this have been looked at with all that they reach.
    covered: usize,
    /// Where the last match ended.
    after_match: usize,
}

impl<'s> Search<'s> {
    pub(crate) fn new(scanner: &'s Scanner, text: &'s str, wanted: Classes) -> Self {
        let effort = text.len().saturating_mul(EFFORT.0).saturating_add(EFFORT.1);
        let progress = vec![Progress::default(); scanner.rules.len()];
        Self { scanner, text, wanted, progress, found: Vec::new(), effort, cut_short: false }
    }

    pub(crate) fn run(mut self) -> Findings {
        let readings = readings(self.text);
        if readings.is_empty() {
            self.reading(self.text, None);
        }
        // What a second reading repeats must not cut the search short.
        let again = readings.len().saturating_sub(1);
        self.effort = self.effort.saturating_add(self.text.len().saturating_mul(EFFORT.0 * again));
        for View { text, map } in &readings {
            self.reading(text, Some(map));
        }
        if !readings.is_empty() {
            self.hidden();
        }
        Findings::sorted(self.found, self.cut_short)
    }

    /// One reading of the text, and what is encoded in it.
    fn reading(&mut self, plain: &str, base: Option<&Map>) {
        self.piece(Piece::new(&Origin::Text, plain, None, base));
        for undone in escapes::undone(plain) {
            self.decoded(&Origin::Undone(&undone), &undone.text, base);
        }
        for decoded in encoded::decoded(plain) {
            self.decoded(&Origin::Run(&decoded), &decoded.text, base);
        }
    }

    /// What tag characters and selectors say, also within an escape.
    fn hidden(&mut self) {
        for span in invisible::characters(self.text) {
            if let Some(said) = invisible::smuggled(&self.text[span.range.clone()], span.kind) {
                self.decoded(&Origin::Hidden(span.range), &said, None);
            }
        }
    }

    /// Every reading of a text that was decoded.
    fn decoded(&mut self, origin: &Origin<'_>, text: &str, base: Option<&Map>) {
        let readings = readings(text);
        if readings.is_empty() {
            self.piece(Piece::new(origin, text, None, base));
        }
        for View { text, map } in &readings {
            self.piece(Piece::new(origin, text, Some(map), base));
        }
    }

    fn piece(&mut self, piece: Piece<'_>) {
        self.progress.fill(Progress::default());
        let scanner = self.scanner;
        match scanner.keywords(self.wanted, piece.texts()) {
            Ok(keywords) => piece.each(keywords, |index, hit| self.keyword(&piece, index, hit)),
            Err(_) => self.cut_short = true,
        }
        for &(run, index) in &scanner.rules_of_runs {
            if self.wanted.contains(scanner.rules[index].class()) {
                self.runs(&piece, run, index);
            }
        }
    }

    fn keyword(&mut self, piece: &Piece<'_>, index: usize, hit: Range<usize>) {
        if self.scanner.rules[index].class().is_worded() {
            self.around(piece, &piece.folded.text, index, hit);
        } else {
            self.around(piece, piece.plain, index, piece.folded.source(&hit));
        }
    }

    fn runs(&mut self, piece: &Piece<'_>, run: Run, index: usize) {
        let digit = |byte: u8| byte.is_ascii_digit() | matches!(byte, b' ' | b'-' | MARK_BYTE);
        let capital =
            |byte: u8| byte.is_ascii_digit() | byte.is_ascii_uppercase() | matches!(byte, b' ' | MARK_BYTE);
        let bytes = piece.plain.as_bytes();
        let found: Vec<Range<usize>> = match run {
            Run::Digits => bytes::runs(bytes, 13, digit).collect(),
            Run::Capitals => bytes::runs(bytes, 15, capital).collect(),
        };
        found.into_iter().for_each(|range| self.around(piece, piece.plain, index, range));
    }

    /// Tries a rule's pattern on what lies around one of its keywords.
    fn around(&mut self, piece: &Piece<'_>, text: &str, index: usize, hit: Range<usize>) {
        let scanner = self.scanner;
        let rule = &scanner.rules[index];
        let Progress { covered, after_match } = self.progress[index];
        if hit.end <= covered || self.cut_short {
            return;
        }
        let (back, reach) = piece.around(rule);
        let begin = floor(text, hit.start.saturating_sub(back)).max(after_match);
        let mut end = ceil(text, hit.end.saturating_add(reach));
        let mut from = begin.min(end);
        let Some(regex) = piece.regex(rule) else {
            self.cut_short = true;
            return;
        };
        loop {
            let found = regex.find_at(&text.as_bytes()[..end], from);
            self.spend(found.map_or(end, |found| found.end()) - from);
            let Some(found) = found.filter(|_| !self.cut_short) else { break };
            if found.end() == end && end < text.len() {
                // What was found may go on: look further.
                end = ceil(text, end + (end - begin).max(reach));
                continue;
            }
            self.progress[index].after_match = found.end();
            self.matched(piece, text, index, found.range(), end);
            from = found.end();
            if found.is_empty() {
                break;
            }
        }
        self.progress[index].covered = if end == text.len() { end } else { end.saturating_sub(reach) };
    }

    /// Counts what a try has cost.
    fn spend(&mut self, bytes: usize) {
        match self.effort.checked_sub(bytes + TRY) {
            Some(left) => self.effort = left,
            None => self.cut_short = true,
        }
    }

    fn matched(&mut self, piece: &Piece<'_>, text: &str, index: usize, found: Range<usize>, end: usize) {
        let rule = &self.scanner.rules[index];
        // A pattern matches bytes; a finding has whole characters.
        let whole = characters(text, &found);
        let Some(regex) = piece.regex(rule) else { return };
        let found = characters(text, &secret_part(regex, text, found, end));
        let Some(found) = proved(rule, text, found) else { return };
        let worded = rule.class().is_worded();
        let plain = |range: &Range<usize>| if worded { piece.folded.source(range) } else { range.clone() };
        let Some(via) = self.via(piece, &plain(&whole), &text[whole]) else { return };
        let span = piece.home(&plain(&found));
        self.found.push(Finding { rule: rule.clone(), span, via });
    }

    /// In what form the range of a piece's plain text matched; `None` if the text itself has the same match.
    fn via(&self, piece: &Piece<'_>, plain: &Range<usize>, matched: &str) -> Option<Via> {
        match piece.origin {
            Origin::Text => {
                let direct = self.text[piece.home(plain)].eq_ignore_ascii_case(matched);
                Some(if direct { Via::Direct } else { Via::Folded })
            }
            Origin::Undone(undone) => undone.via(&undone.map.source(&piece.own(plain))),
            Origin::Run(decoded) => Some(decoded.via),
            Origin::Hidden(_) => Some(Via::Invisible),
        }
    }
}

/// The whole characters of a range, without marks around them.
fn characters(text: &str, range: &Range<usize>) -> Range<usize> {
    marks::trimmed(text, floor(text, range.start)..ceil(text, range.end))
}

/// The group `cut` of a pattern, where it has one: what is secret in what was found.
fn secret_part(regex: &Regex, text: &str, found: Range<usize>, end: usize) -> Range<usize> {
    let groups = Some(regex).filter(|regex| regex.captures_len() > 1);
    let captures = groups.and_then(|regex| regex.captures_at(&text.as_bytes()[..end], found.start));
    captures.and_then(|captures| captures.name("cut")).map_or(found, |cut| cut.range())
}

fn proved(rule: &Rule, text: &str, found: Range<usize>) -> Option<Range<usize>> {
    let Some(check) = rule.check else { return Some(found) };
    let part = &text[found.clone()];
    check.proved(&marks::bare(part)).map(|length| found.start..found.start + marks::with_marks(part, length))
}
