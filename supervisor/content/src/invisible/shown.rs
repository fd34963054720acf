//! Texts in which nothing is invisible any more.

use std::fmt::Write;

use super::{Kind, Span, find};

/// The text with everything invisible spelled out: `⟦U+202E⟧`, `⟦ESC[31m⟧`, `⟦tags: "hello"⟧`.
pub fn made_visible(text: &str) -> String {
    rewritten(text, |out, span| {
        let hidden = &text[span.range.clone()];
        out.push('⟦');
        match span.kind {
            Kind::Escape => hidden.chars().for_each(|c| escape(out, c)),
            Kind::Tag => tags(out, hidden),
            Kind::Selector => selectors(out, hidden),
            _ => codes(out, hidden),
        }
        out.push('⟧');
    })
}

/// The text without anything invisible.
pub fn removed(text: &str) -> String {
    rewritten(text, |_, _| {})
}

/// What a span of tag characters or selectors says; none for other kinds.
///
/// Tag characters are ASCII moved up by U+E0000; selectors carry one byte each (FE00 to FE0F, E0100 to E01EF).
pub(crate) fn smuggled(hidden: &str, kind: Kind) -> Option<String> {
    match kind {
        Kind::Tag => Some(hidden.chars().filter_map(tag).collect()),
        Kind::Selector => String::from_utf8(hidden.chars().filter_map(byte).collect()).ok(),
        _ => None,
    }
}

fn rewritten(text: &str, mut instead: impl FnMut(&mut String, &Span)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for span in find(text) {
        out.push_str(&text[kept..span.range.start]);
        instead(&mut out, &span);
        kept = span.range.end;
    }
    out.push_str(&text[kept..]);
    out
}

fn escape(out: &mut String, c: char) {
    match c {
        '\u{1b}' => out.push_str("ESC"),
        '\u{7}' => out.push_str("BEL"),
        ' '..='~' => out.push(c),
        _ => code(out, c),
    }
}

fn tags(out: &mut String, hidden: &str) {
    match smuggled(hidden, Kind::Tag) {
        Some(said) if said.chars().any(|c| !c.is_whitespace()) => quoted(out, "tags", &said),
        _ => codes(out, hidden),
    }
}

fn selectors(out: &mut String, hidden: &str) {
    match smuggled(hidden, Kind::Selector) {
        Some(said) if said.len() > 3 && said.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
            quoted(out, "selectors", &said);
        }
        _ => codes(out, hidden),
    }
}

fn quoted(out: &mut String, what: &str, said: &str) {
    _ = write!(out, "{what}: {said:?}"); // Writing to a string does not fail.
}

fn codes(out: &mut String, hidden: &str) {
    for (index, c) in hidden.chars().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        code(out, c);
    }
}

fn code(out: &mut String, c: char) {
    _ = write!(out, "U+{:04X}", u32::from(c)); // Writing to a string does not fail.
}

fn tag(c: char) -> Option<char> {
    let ascii = u32::from(c).checked_sub(0xe0000)?;
    char::from_u32(ascii).filter(|c| matches!(c, ' '..='~'))
}

fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0xfe00..=0xfe0f => u8::try_from(code - 0xfe00).ok(),
        code @ 0xe0100..=0xe01ef => u8::try_from(code - 0xe0100 + 16).ok(),
        _ => None,
    }
}
