//! Marks: what stands in one reading of a text for something invisible between letters. Some readers leave it out, others take
//! it for the end of a word, and who wants to be read by both uses it either way; a mark may be read either way, each by itself.

use std::borrow::Cow;
use std::ops::Range;

/// The character of a mark. In no reading does it stand for itself: control characters are invisible.
pub(crate) const MARK: char = '\u{1}';
/// The same as a byte.
pub(crate) const MARK_BYTE: u8 = 1;

/// Whether a text has marks.
pub(crate) fn is_marked(text: &str) -> bool {
    memchr::memchr(MARK_BYTE, text.as_bytes()).is_some()
}

/// The text without marks.
pub(crate) fn bare(text: &str) -> Cow<'_, str> {
    if is_marked(text) { text.replace(MARK, "").into() } else { text.into() }
}

/// How many bytes of a text the first `length` bytes of it without marks take.
pub(crate) fn with_marks(text: &str, length: usize) -> usize {
    let mut bare = text.bytes().enumerate().filter(|(_, byte)| *byte != MARK_BYTE);
    length.checked_sub(1).and_then(|last| bare.nth(last)).map_or(0, |(place, _)| place + 1)
}

/// The part of a range that neither begins nor ends with a mark.
pub(crate) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let Some(part) = text.get(range.clone()) else { return range };
    let start = range.end - part.trim_start_matches(MARK).len();
    start..range.end.min(start + part.trim_matches(MARK).len())
}

/// The bytes of a text without marks and spaces: whatever reading of it holds a phrase, here stands the phrase without spaces.
pub(crate) fn joined(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| is_joined(*byte)).collect()
}

/// The way back from a joined text, for ranges by where they end.
pub(crate) struct Places<'t> {
    text: &'t [u8],
    /// So far in the joined text, and in the text itself.
    joined: usize,
    at: usize,
}

impl<'t> Places<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), joined: 0, at: 0 }
    }

    /// Where a range of the joined text stands.
    pub(crate) fn range(&mut self, range: &Range<usize>) -> Range<usize> {
        while self.joined < range.end && self.at < self.text.len() {
            self.joined += usize::from(is_joined(self.text[self.at]));
            self.at += 1;
        }
        let before = self.text[..self.at].iter().enumerate().rev().filter(|(_, byte)| is_joined(**byte));
        let start = before.take(range.len()).last().map_or(self.at, |(place, _)| place);
        start..self.at
    }
}

fn is_joined(byte: u8) -> bool {
    byte != b' ' && byte != MARK_BYTE
}

#[cfg(test)]
mod tests {
    use super::{Places, bare, joined, trimmed, with_marks};

    #[test]
    fn places_are_found_again() {
        let text = "do\u{1}not te\u{1}ll";
        assert_eq!(joined(text), b"donottell");
        let mut places = Places::new(text);
        assert_eq!(&text[places.range(&(0..5))], "do\u{1}not");
        assert_eq!(&text[places.range(&(2..5))], "not");
        assert_eq!(&text[places.range(&(0..9))], text);
        assert_eq!(places.range(&(9..9)), text.len()..text.len());
    }

    #[test]
    fn marks_are_left_out() {
        let text = "\u{1}ab\u{1}c\u{1}";
        assert_eq!((bare(text).as_ref(), with_marks(text, 3), with_marks(text, 0)), ("abc", 5, 0));
        assert_eq!((trimmed(text, 0..6), trimmed(text, 0..1)), (1..5, 1..1));
        assert_eq!(trimmed("é\u{1}", 0..3), 0..2);
    }
}
