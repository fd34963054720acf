//! A text that rules are tried on, and the way back from it to the text that was given.

use std::ops::Range;

use regex::bytes::Regex;

use crate::encoded::Decoded;
use crate::escapes::Undone;
use crate::fold::{self, Folded};
use crate::keywords::{Keywords, Texts};
use crate::map::Map;
use crate::marks::{self, Places};
use crate::pack::Rule;

/// Where a piece comes from.
pub(crate) enum Origin<'o> {
    /// It is a reading of the text.
    Text,
    Undone(&'o Undone),
    Run(&'o Decoded),
    /// Tag characters or selectors in the text itself.
    Hidden(Range<usize>),
}

/// A text that rules are tried on, as it stands there and folded.
pub(crate) struct Piece<'p> {
    pub(crate) origin: &'p Origin<'p>,
    pub(crate) plain: &'p str,
    pub(crate) folded: Folded<'p>,
    plain_map: Option<&'p Map>,
    /// Whether it has marks.
    marked: bool,
    /// Back to the original text from the piece's own source.
    base: Option<&'p Map>,
}

impl<'p> Piece<'p> {
    /// `plain_map`: back to what was decoded; `base`: from there to the original text.
    pub(crate) fn new(
        origin: &'p Origin<'p>,
        plain: &'p str,
        plain_map: Option<&'p Map>,
        base: Option<&'p Map>,
    ) -> Self {
        let marked = marks::is_marked(plain);
        Self { origin, plain, folded: fold::folded(plain), plain_map, marked, base }
    }

    /// What keywords are searched for in.
    pub(crate) fn texts(&self) -> Texts {
        match self.marked {
            true => Texts::Joined,
            false if self.folded.text.is_ascii() => Texts::Ascii,
            false => Texts::Folded,
        }
    }

    /// Tells of each keyword in the folded text and of each rule that it is of.
    pub(crate) fn each(&self, keywords: &Keywords, mut tell: impl FnMut(usize, Range<usize>)) {
        if !self.marked {
            return keywords.each(self.folded.text.as_bytes(), tell);
        }
        let mut places = Places::new(&self.folded.text);
        keywords.each(&marks::joined(&self.folded.text), |rule, range| tell(rule, places.range(&range)));
    }

    /// What is tried on the piece; `None` if it cannot be compiled.
    pub(crate) fn regex<'r>(&self, rule: &'r Rule) -> Option<&'r Regex> {
        if self.marked { rule.loose() } else { rule.regex() }
    }

    /// How many bytes before and behind a keyword are looked at: each character may have a mark.
    pub(crate) fn around(&self, rule: &Rule) -> (usize, usize) {
        let share = 1 + usize::from(self.marked);
        (share * rule.back, share * rule.reach)
    }

    /// The range of the piece's text, invisible characters and all.
    pub(crate) fn own(&self, plain: &Range<usize>) -> Range<usize> {
        self.plain_map.map_or_else(|| plain.clone(), |map| map.source(plain))
    }

    /// The range of the original text. What was decoded as a whole is found as a whole.
    pub(crate) fn home(&self, plain: &Range<usize>) -> Range<usize> {
        let range = match self.origin {
            Origin::Text => self.own(plain),
            Origin::Undone(undone) => undone.map.source(&self.own(plain)),
            Origin::Run(decoded) => decoded.run.clone(),
            Origin::Hidden(range) => range.clone(),
        };
        self.base.map_or_else(|| range.clone(), |map| map.source(&range))
    }
}
