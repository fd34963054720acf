//! Characters that a person does not see and a model or a terminal obeys.
//!
//! Judged in context: a joiner inside of an emoji or between letters of a script that needs it is honest, as are flags and
//! single variation selectors. A byte order mark is honest as the first character.

mod ansi;
mod character;
mod context;
mod shown;

use std::ops::Range;

pub(crate) use ansi::opening;
pub(crate) use shown::smuggled;
pub use shown::{made_visible, removed};

use crate::bytes;

/// What cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An escape sequence of terminals (ECMA-48): colours, cursor moves, titles, links, the clipboard.
    Escape,
    /// A control character other than line feed, carriage return and tab; line and paragraph separators.
    Control,
    /// A character without width: zero-width spaces, joiners out of place, soft hyphens, byte order marks inside.
    ZeroWidth,
    /// A control of the writing direction (UAX #9).
    Bidi,
    /// Tag characters that are no flag: ASCII that nobody sees.
    Tag,
    /// Variation selectors that select nothing: any bytes that nobody sees.
    Selector,
    /// Interlinear annotation and object replacement.
    Annotation,
    /// A Hangul filler: a letter that looks like a space.
    Filler,
    /// A private use character: it means what the reader's font says.
    PrivateUse,
    /// A code point that is no character.
    Noncharacter,
}

/// Where something invisible stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What stands there.
    pub kind: Kind,
}

/// Everything invisible in a text, in order. Tag characters and selectors that follow each other are one span.
pub fn find(text: &str) -> impl Iterator<Item = Span> {
    spans(text, ansi::sequence)
}

/// The same for a reader who is no terminal: an escape is a control character, and what follows it is text.
pub fn characters(text: &str) -> impl Iterator<Item = Span> {
    spans(text, |_| None)
}

/// `escape`: the bytes of the escape sequence that a text begins with.
fn spans(text: &str, escape: impl Fn(&str) -> Option<usize>) -> impl Iterator<Item = Span> {
    let mut at = 0;
    let mut visible = 0;
    std::iter::from_fn(move || {
        while let Some(place) = bytes::next(text.as_bytes(), at, may_begin_invisible) {
            let (length, kind) = match escape(&text[place..]) {
                Some(length) => (length, Some(Kind::Escape)),
                None => judge(&text[visible..place], &text[place..], place == 0),
            };
            at = place + length;
            if let Some(kind) = kind {
                visible = at;
                return Some(Span { range: place..at, kind });
            }
        }
        at = text.len();
        None
    })
}

/// The first bytes of all characters that [`character::kind`] knows; most other scripts are passed over in blocks.
fn may_begin_invisible(byte: u8) -> bool {
    let control = byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let lead = matches!(byte, 0xc2 | 0xcd | 0xd8 | 0xe1 | 0xe2 | 0xe3) || byte >= 0xee;
    control | (byte == 0x7f) | lead
}

/// How many bytes belong together at the begin of `rest`, which is no escape, and whether they are invisible. `before` is what is visible since
/// the last span: nothing else can be what a joiner or a selector belongs to.
fn judge(before: &str, rest: &str, is_first: bool) -> (usize, Option<Kind>) {
    let Some(first) = rest.chars().next() else { return (1, None) };
    let one = first.len_utf8();
    match character::kind(first) {
        None => (context::flag(rest).unwrap_or(one), None),
        Some(Kind::Tag) => (run(rest, Kind::Tag), Some(Kind::Tag)),
        Some(Kind::Selector) => selectors(before, rest, first),
        Some(Kind::ZeroWidth) if first == '\u{feff}' && is_first => (one, None),
        Some(Kind::ZeroWidth) if context::is_honest_joiner(before, rest) => (one, None),
        Some(kind) => (one, Some(kind)),
    }
}

fn selectors(before: &str, rest: &str, first: char) -> (usize, Option<Kind>) {
    let length = run(rest, Kind::Selector);
    let honest = length == first.len_utf8() && context::is_honest_selector(before, first, &rest[length..]);
    (length, (!honest).then_some(Kind::Selector))
}

/// The bytes of the leading characters of one kind.
fn run(rest: &str, kind: Kind) -> usize {
    rest.chars().take_while(|c| character::kind(*c) == Some(kind)).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests;
