//! Reading small pieces of JSON that the scanner has already validated: members, elements, strings, integers.
//!
//! Nothing here validates; on bytes that are not valid JSON the answers are meaningless but nothing panics.

/// The members of an object in their order: the key between its quotes, as written, and the raw value.
pub(crate) fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = inside(object, b'{');
    std::iter::from_fn(move || {
        let key = take(&mut rest)?;
        rest = skip(rest, |byte| blank(byte) || byte == b':');
        let value = take(&mut rest)?;
        Some((key.get(1..key.len() - 1)?, value))
    })
}

/// The raw value of a member, by the meaning of its key.
pub(crate) fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    members(object).find(|(key, _)| unescaped(key).eq(name.bytes())).map(|(_, value)| value)
}

/// The raw elements of an array in their order.
pub(crate) fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = inside(array, b'[');
    std::iter::from_fn(move || take(&mut rest))
}

pub(crate) fn is_object(raw: &[u8]) -> bool {
    raw.first() == Some(&b'{')
}

/// An object, or the null that some clients write where a member is absent.
pub(crate) fn is_object_or_null(raw: &[u8]) -> bool {
    is_object(raw) || raw == b"null"
}

pub(crate) fn is_array(raw: &[u8]) -> bool {
    raw.first() == Some(&b'[')
}

/// Whether the text is one value and nothing more, as far as one can tell without validating it.
pub(crate) fn is_one(text: &[u8]) -> bool {
    !text.is_empty() && length(text) == text.len()
}

/// The meaning of a string, or `None` if it is no string or holds half a surrogate pair.
pub(crate) fn string(raw: &[u8]) -> Option<String> {
    let text = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut bytes = Vec::with_capacity(text.len());
    if !unescape_into(text, &mut bytes) {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// The value of an integer written as an integer; `None` for `1.0`, `1e0`, `-0` and what does not fit.
pub(crate) fn integer(raw: &[u8]) -> Option<i64> {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || raw == b"-0" {
        return None;
    }
    std::str::from_utf8(raw).ok()?.parse().ok()
}

/// Writes the meaning of a string's inside; `false` at half a surrogate pair.
pub(crate) fn unescape_into(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut lone = false;
    out.extend(Unescaped { rest: text, pending: [0; 4], ready: 0, lone: Some(&mut lone) });
    !lone
}

/// The same JSON with U+FFFD for each half of a surrogate pair: for readers that know whole characters only.
pub(crate) fn mended(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (length, half) = escape(&rest[at..]);
        let written = if half { &b"\\ufffd"[..] } else { &rest[at..at + length] };
        out.extend_from_slice(written);
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
    out
}

/// The length of the escape, or of the pair of them, that the text begins with, and whether it is half a pair.
pub(crate) fn escape(text: &[u8]) -> (usize, bool) {
    let unit = |from| text.get(from..).and_then(|text: &[u8]| hex(text.strip_prefix(b"\\u")?));
    match unit(0) {
        Some(0xd800..0xdc00) if matches!(unit(6), Some(0xdc00..0xe000)) => (12, false),
        Some(code) => (6, (0xd800..0xe000).contains(&code)),
        None => (text.len().min(2), false),
    }
}

/// JSON for people: escapes that only hide which character is meant are undone; those that a text needs stay.
pub(crate) fn plainly(json: &[u8]) -> String {
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (length, half) = escape(&rest[at..]);
        let written = &rest[at..at + length];
        let begin = out.len();
        let is_code = written.starts_with(b"\\u") && !half && unescape_into(written, &mut out);
        if !is_code || matches!(out[begin..], [0..0x20 | b'"' | b'\\' | 0x7f]) {
            out.truncate(begin);
            out.extend_from_slice(written);
        }
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
    String::from_utf8_lossy(&out).into_owned()
}

/// The bytes that a string's inside means. Half a surrogate pair gives three bytes that are no UTF-8.
pub(crate) fn unescaped(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    Unescaped { rest: text, pending: [0; 4], ready: 0, lone: None }
}

struct Unescaped<'a, 'l> {
    rest: &'a [u8],
    /// Bytes of a character that were decoded but not yet given, last one first.
    pending: [u8; 4],
    ready: usize,
    lone: Option<&'l mut bool>,
}

impl Iterator for Unescaped<'_, '_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.ready > 0 {
            self.ready -= 1;
            return Some(self.pending[self.ready]);
        }
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if byte != b'\\' {
            return Some(byte);
        }
        let (&escape, rest) = self.rest.split_first()?;
        self.rest = rest;
        match escape {
            b'b' => Some(8),
            b'f' => Some(12),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'u' => self.unicode(),
            other => Some(other),
        }
    }
}

impl Unescaped<'_, '_> {
    fn unicode(&mut self) -> Option<u8> {
        let unit = hex(self.rest)?;
        self.rest = self.rest.get(4..)?;
        let mut code = unit;
        if (0xd800..0xdc00).contains(&unit)
            && let Some(low) = self.rest.strip_prefix(b"\\u").and_then(hex)
            && (0xdc00..0xe000).contains(&low)
        {
            self.rest = self.rest.get(6..)?;
            code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
        self.give(code)
    }

    fn give(&mut self, code: u32) -> Option<u8> {
        let mut bytes = [0; 4];
        let encoded: &[u8] = match char::from_u32(code) {
            Some(character) => character.encode_utf8(&mut bytes).as_bytes(),
            None => {
                if let Some(lone) = self.lone.as_deref_mut() {
                    *lone = true;
                }
                let low = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
                bytes = [0xe0 | (code >> 12) as u8, low(6), low(0), 0];
                &bytes[..3]
            }
        };
        let length = encoded.len();
        let first = encoded[0];
        for (slot, byte) in encoded[1..].iter().rev().enumerate() {
            self.pending[slot] = *byte;
        }
        self.ready = length - 1;
        Some(first)
    }
}

fn hex(text: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(..4)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip(text: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    let n = text.iter().take_while(|byte| what(**byte)).count();
    &text[n..]
}

fn inside(text: &[u8], open: u8) -> &[u8] {
    text.strip_prefix(&[open]).unwrap_or_default()
}

/// Takes the next value, after white space and a comma; `None` at the closing bracket.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let text = skip(rest, |byte| blank(byte) || byte == b',');
    let length = length(text);
    let (value, after) = text.split_at(length);
    *rest = after;
    Some(value).filter(|value| !value.is_empty())
}

/// The length of the value that the text begins with; 0 at a closing bracket.
fn length(text: &[u8]) -> usize {
    match text.first() {
        Some(b'"') => string_length(text),
        Some(b'{' | b'[') => container(text).0,
        _ => text
            .iter()
            .take_while(|byte| !blank(**byte) && !matches!(byte, b',' | b'}' | b']' | b':'))
            .count(),
    }
}

/// The length of the string, quotes and all, that the text begins with.
pub(crate) fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(hit) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += hit;
        // Escapes often stand side by side, and a search takes longer to begin than a byte to look at.
        while text.get(at) == Some(&b'\\') {
            at += 2;
        }
        if text.get(at) == Some(&b'"') {
            return at + 1;
        }
    }
    text.len()
}

/// Levels of nesting of a value: 0 of what is neither an object nor an array.
pub(crate) fn depth(value: &[u8]) -> u64 {
    if is_object(value) || is_array(value) { container(value).1 } else { 0 }
}

/// The length of the object or the array that the text begins with, and its levels of nesting.
fn container(text: &[u8]) -> (usize, u64) {
    let (mut depth, mut most, mut at) = (0_u64, 0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string_length(&text[at..]);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
        at += 1;
        if depth == 0 {
            return (at, most);
        }
    }
    (text.len(), most)
}

#[cfg(test)]
mod tests {
    use super::{elements, integer, member, members, mended, string};

    #[test]
    fn members_and_elements_keep_their_bytes() {
        let object = br#" {"a" : [1, {"x":"]}"} ] , "b\u0063":"q\"}" ,"d":-1.5e3}"#.trim_ascii();
        let found: Vec<_> = members(object).collect();
        assert_eq!(found[0], (&b"a"[..], &br#"[1, {"x":"]}"} ]"#[..]));
        assert_eq!(member(object, "bc"), Some(&br#""q\"}""#[..]));
        assert_eq!(member(object, "d"), Some(&b"-1.5e3"[..]));
        assert_eq!(elements(found[0].1).collect::<Vec<_>>(), [&b"1"[..], br#"{"x":"]}"}"#]);
        assert_eq!(elements(b"[ ]").count() + members(b"{}").count(), 0);
    }

    #[test]
    fn strings_mean_what_they_mean() {
        assert_eq!(string(br#""a\u00e4\ud83d\ude00\n\/""#).as_deref(), Some("aä😀\n/"));
        assert_eq!(string(br#""\ud83d""#), None);
        assert_eq!(string(br#""\ude00x""#), None);
        assert_eq!(string(br#""\ud83d\u0041""#), None);
    }

    #[test]
    fn halves_of_pairs_are_replaced_and_nothing_else() {
        let json = br#"{"a":"\ud83d\ude00\ud83d","b":["\\ud83d\n\u00e4","\ude00\ud83d\u0041"]}"#;
        let whole = br#"{"a":"\ud83d\ude00\ufffd","b":["\\ud83d\n\u00e4","\ufffd\ufffd\u0041"]}"#;
        assert_eq!(String::from_utf8_lossy(&mended(json)), String::from_utf8_lossy(whole));
        assert_eq!(mended(b"cut\\"), b"cut\\");
        assert_eq!(mended(br"\ud8"), br"\ud8");
    }

    #[test]
    fn integers_are_written_as_integers() {
        assert_eq!(integer(b"-12"), Some(-12));
        for raw in ["1.0", "1e0", "-0", "99999999999999999999", "\"1\"", "null", ""] {
            assert_eq!(integer(raw.as_bytes()), None, "{raw}");
        }
    }
}
