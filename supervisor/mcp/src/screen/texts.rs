//! The strings of a JSON text, one after another in one text, so that many small ones cost as much as a large one.

use std::ops::Range;

use crate::value;

/// Between two strings: no rule knows it, and what is ASCII stays ASCII, which is searched quickly.
const BETWEEN: &[u8] = b"\n^\n";
/// Between a key and its value, as in a file of settings.
const AFTER_KEY: &[u8] = b": ";

/// A string of the JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Where it stands, with its quotes.
    pub(super) raw: Range<usize>,
    pub(super) is_key: bool,
}

/// All strings but those in `skip`.
pub(super) fn gathered(json: &[u8], skip: &[Range<usize>]) -> String {
    let mut text = Vec::with_capacity(json.len());
    walk(json, skip, &mut text, |_, _, _| {});
    // The scanner has refused what is no UTF-8, and half surrogate pairs are mended.
    String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Writes the strings into `text`, and tells each with its place there.
pub(super) fn walk(
    json: &[u8],
    skip: &[Range<usize>],
    text: &mut Vec<u8>,
    mut each: impl FnMut(&Token, Range<usize>, &[u8]),
) {
    let (mut at, mut skip) = (0, skip.iter());
    let mut next = skip.next();
    while let Some(start) = memchr::memchr(b'"', json.get(at..).unwrap_or_default()).map(|hit| at + hit) {
        if let Some(range) = next.filter(|range| range.start <= start) {
            at = range.end.max(at);
            next = skip.next();
            continue;
        }
        let end = start + value::string_length(&json[start..]);
        let is_key = json[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        let token = Token { raw: start..end, is_key };
        let begin = text.len();
        put(&json[start + 1..end - 1], text);
        each(&token, begin..text.len(), text);
        text.extend_from_slice(if is_key { AFTER_KEY } else { BETWEEN });
        at = end;
    }
}

/// Whole runs between escapes are copied: texts have one at the end of each line.
fn put(inside: &[u8], text: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        // Escapes of one letter, which often stand side by side.
        if rest.get(at + 1).is_some_and(|letter| letter_of(*letter).is_some()) {
            text.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            while let [b'\\', letter, after @ ..] = rest
                && let Some(said) = letter_of(*letter)
            {
                text.push(said);
                rest = after;
            }
            continue;
        }
        let (plain, escaped) = rest.split_at(at);
        text.extend_from_slice(plain);
        let (escape, after) = escaped.split_at(value::escape(escaped).0);
        let begin = text.len();
        if !value::unescape_into(escape, text) {
            mend(&mut text[begin..]);
        }
        rest = after;
    }
    text.extend_from_slice(rest);
}

/// Half a surrogate pair is no character: what stands for one takes as many bytes, so that every place stays where it is.
fn mend(bytes: &mut [u8]) {
    let mut at = 0;
    while at + 3 <= bytes.len() {
        let half = bytes[at] == 0xed && bytes[at + 1] >= 0xa0;
        if half {
            bytes[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
        at += if half { 3 } else { 1 };
    }
}

/// What an escape of one letter says (RFC 8259 section 7), where that has a byte that is written in texts.
fn letter_of(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        _ => return None,
    })
}
