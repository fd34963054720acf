//! The keywords of some rules, searched for in one pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;

use crate::class::Classes;
use crate::marks::joined;
use crate::pack::{PackError, Rule};

/// Every keyword of the rules of some classes.
#[derive(Debug)]
pub(crate) struct Keywords {
    automaton: DFA,
    /// Where each search begins.
    start: StateID,
    /// The rules of each keyword, as indices.
    rules_of: Vec<Vec<usize>>,
}

/// The texts that keywords are searched for in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texts {
    /// Folded texts of ASCII. Without the keywords that they cannot hold, the automaton is half as large.
    Ascii,
    /// All folded texts.
    Folded,
    /// Those that were joined: keywords without their spaces.
    Joined,
}

impl Texts {
    /// How many there are.
    pub(crate) const KINDS: usize = 3;

    fn keyword(self, keyword: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Ascii => keyword.is_ascii().then_some(keyword.as_bytes().into()),
            Self::Folded => Some(keyword.as_bytes().into()),
            Self::Joined => Some(joined(keyword).into()),
        }
    }
}

/// Parts that are read side by side.
const LANES: usize = 4;
/// Bytes that are read before what was found in them is told.
const SEGMENT: usize = 16 * 1024;

/// A part of a segment.
struct Lane<'t> {
    /// Where it begins.
    own: usize,
    /// Where its reading begins.
    from: usize,
    bytes: &'t [u8],
    state: StateID,
}

/// Keywords end here.
struct Hit {
    state: StateID,
    end: usize,
}

impl Keywords {
    /// The keywords of the rules of the wanted classes, for such texts.
    pub(crate) fn new(rules: &[Arc<Rule>], wanted: Classes, texts: Texts) -> Result<Self, PackError> {
        let mut known: BTreeMap<Cow<'_, [u8]>, BTreeSet<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| wanted.contains(rule.class())) {
            for keyword in rule.keywords.iter().filter_map(|keyword| texts.keyword(keyword)) {
                known.entry(keyword).or_default().insert(index);
            }
        }
        let (words, rules_of): (Vec<Cow<'_, [u8]>>, _) =
            known.into_iter().map(|(word, rules)| (word, rules.into_iter().collect())).unzip();
        let unusable = |error: &dyn std::fmt::Display| PackError::Keywords { what: error.to_string() };
        let automaton = DFA::new(&words).map_err(|error| unusable(&error))?;
        let start = automaton.start_state(Anchored::No).map_err(|error| unusable(&error))?;
        Ok(Self { automaton, start, rules_of })
    }

    /// Tells of each keyword in a folded text and of each rule that it is of, by where they end.
    ///
    /// An automaton waits for memory at each byte, so that four parts of the text are read side by side.
    pub(crate) fn each(&self, text: &[u8], mut tell: impl FnMut(usize, Range<usize>)) {
        let mut found = [const { Vec::new() }; LANES];
        for begin in (0..text.len()).step_by(SEGMENT) {
            let segment = begin..(begin + SEGMENT).min(text.len());
            self.segment(text, &segment, &mut found);
            for hit in found.iter_mut().flat_map(|lane| lane.drain(..)) {
                self.expand(hit, &mut tell);
            }
        }
    }

    /// What ends within a segment, part by part.
    fn segment(&self, text: &[u8], segment: &Range<usize>, found: &mut [Vec<Hit>; LANES]) {
        let share = segment.len().div_ceil(LANES);
        let mut lanes = std::array::from_fn(|index| {
            let own = (segment.start + index * share).min(segment.end);
            // A keyword that ends in this part begins at most so far before it.
            let from = own.saturating_sub(self.automaton.max_pattern_len());
            Lane { own, from, bytes: &text[from..(own + share).min(segment.end)], state: self.start }
        });
        let together = lanes.iter().map(|lane| lane.bytes.len()).min().unwrap_or_default();
        self.side_by_side(&mut lanes, together, found);
        for (lane, found) in lanes.iter_mut().zip(found) {
            self.alone(lane, together, found);
        }
    }

    fn side_by_side(&self, lanes: &mut [Lane<'_>; LANES], length: usize, found: &mut [Vec<Hit>; LANES]) {
        let [a, b, c, d] = &*lanes;
        let mut states = [a.state, b.state, c.state, d.state];
        let first = a.bytes[..length].iter().zip(&b.bytes[..length]);
        let second = c.bytes[..length].iter().zip(&d.bytes[..length]);
        for (at, ((a, b), (c, d))) in first.zip(second).enumerate() {
            let bytes = [*a, *b, *c, *d];
            let mut any = false;
            for (state, byte) in states.iter_mut().zip(bytes) {
                *state = self.automaton.next_state(Anchored::No, *state, byte);
                any |= self.automaton.is_match(*state);
            }
            if any {
                for ((lane, state), found) in lanes.iter().zip(states).zip(&mut *found) {
                    self.note(lane, state, at, found);
                }
            }
        }
        lanes.iter_mut().zip(states).for_each(|(lane, state)| lane.state = state);
    }

    fn alone(&self, lane: &mut Lane<'_>, from: usize, found: &mut Vec<Hit>) {
        for (at, byte) in lane.bytes.iter().enumerate().skip(from) {
            lane.state = self.automaton.next_state(Anchored::No, lane.state, *byte);
            self.note(lane, lane.state, at, found);
        }
    }

    fn note(&self, lane: &Lane<'_>, state: StateID, at: usize, found: &mut Vec<Hit>) {
        if self.automaton.is_match(state) && lane.from + at >= lane.own {
            found.push(Hit { state, end: lane.from + at + 1 });
        }
    }

    /// Every keyword that ends in one place, and every rule of it.
    fn expand(&self, hit: Hit, tell: &mut impl FnMut(usize, Range<usize>)) {
        for index in 0..self.automaton.match_len(hit.state) {
            let pattern = self.automaton.match_pattern(hit.state, index);
            let range = hit.end - self.automaton.pattern_len(pattern)..hit.end;
            self.rules_of[pattern.as_usize()].iter().for_each(|rule| tell(*rule, range.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;
    use crate::{Classes, Scanner};

    #[test]
    fn keywords_are_those_of_the_wanted_classes() {
        let scanner = Scanner::new().expect("the packs can be read");
        let found = |wanted| {
            let mut found = Vec::new();
            let keywords = scanner.keywords(wanted, Texts::Ascii).expect("an automaton");
            let text = "ignore the password";
            keywords
                .each(text.as_bytes(), |rule, range| found.push((scanner.rules[rule].id(), &text[range])));
            found
        };
        assert!(found(Classes::INJECTION).contains(&("ignore-instructions", "ignore")));
        assert_eq!(found(Classes::SECRET), [("assigned-secret", "password")]);
        let all = found(Classes::ALL);
        assert!(all.contains(&("assigned-secret", "password")) && all.len() > 2, "{all:?}");
    }

    #[test]
    fn keywords_within_keywords_are_told() {
        let scanner = Scanner::new().expect("the packs can be read");
        let mut found = Vec::new();
        let keywords = scanner.keywords(Classes::SECRET, Texts::Ascii).expect("an automaton");
        keywords.each(b"aws_secret_access_key", |_, range| found.push(range));
        assert!(
            found.contains(&(0..10)) && found.contains(&(4..10)) && found.contains(&(4..21)),
            "{found:?}"
        );
    }

    #[test]
    fn parts_lose_nothing() {
        let scanner = Scanner::new().expect("the packs can be read");
        let keywords = scanner.keywords(Classes::ALL, Texts::Ascii).expect("an automaton");
        let words: Vec<&str> =
            scanner.rules.iter().flat_map(|rule| &rule.keywords).map(String::as_str).collect();
        for gap in [0, 1, 7, 40, 1000] {
            let text = words.join(&"x".repeat(gap));
            let mut parts = Vec::new();
            keywords.each(text.as_bytes(), |rule, range| parts.push((rule, range)));
            let mut whole = Vec::new();
            let mut lane = super::Lane { own: 0, from: 0, bytes: text.as_bytes(), state: keywords.start };
            let mut found = Vec::new();
            keywords.alone(&mut lane, 0, &mut found);
            found
                .into_iter()
                .for_each(|hit| keywords.expand(hit, &mut |rule, range| whole.push((rule, range))));
            assert!(whole.len() >= words.iter().filter(|word| word.is_ascii()).count());
            assert_eq!(parts, whole);
        }
    }
}
