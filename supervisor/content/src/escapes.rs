//! Texts behind percent signs, character references and backslashes, one level deep.

use std::ops::Range;

use crate::findings::Via;
use crate::map::Map;

/// How much of the text around an escape is read with it: longer than what any worded rule reaches.
const AROUND: usize = 256;

/// A part of a text with its escapes undone.
pub(crate) struct Undone {
    pub(crate) text: String,
    pub(crate) map: Map,
    /// Where escapes stood in the source, and which.
    marks: Vec<(Range<usize>, Via)>,
}

impl Undone {
    /// The kind of the first escape within a range of the source.
    pub(crate) fn via(&self, source: &Range<usize>) -> Option<Via> {
        let first = self.marks.partition_point(|(mark, _)| mark.end <= source.start);
        self.marks.get(first).filter(|(mark, _)| mark.start < source.end).map(|(_, via)| *via)
    }
}

/// An escape: its bytes, what it says.
struct Escape {
    range: Range<usize>,
    said: Said,
    via: Via,
}

/// Nearly every escape says one character.
enum Said {
    One(char),
    Many(String),
}

/// The parts of a text that have escapes, with them undone.
pub(crate) fn undone(text: &str) -> impl Iterator<Item = Undone> {
    let mut escapes = escapes(text).peekable();
    let mut done = 0;
    std::iter::from_fn(move || {
        let first = escapes.next()?;
        let mut cluster = vec![first];
        while let Some(next) = escapes.next_if(|next| next.range.start < last_end(&cluster) + 2 * AROUND) {
            cluster.push(next);
        }
        let begin = floor(text, cluster[0].range.start.saturating_sub(AROUND)).max(done);
        done = last_end(&cluster);
        Some(undo(text, begin..ceil(text, done + AROUND), cluster))
    })
}

fn last_end(cluster: &[Escape]) -> usize {
    cluster.last().map_or(0, |escape| escape.range.end)
}

fn undo(text: &str, part: Range<usize>, cluster: Vec<Escape>) -> Undone {
    let mut undone =
        Undone { text: String::with_capacity(part.len()), map: Map::from(part.start), marks: Vec::new() };
    let mut kept = part.start;
    for Escape { range, said, via } in cluster {
        undone.text.push_str(&text[kept..range.start]);
        undone.map.replace(undone.text.len(), range.start, range.len());
        match said {
            Said::One(c) => undone.text.push(c),
            Said::Many(said) => undone.text.push_str(&said),
        }
        undone.map.resume(undone.text.len(), range.end);
        kept = range.end;
        undone.marks.push((range, via));
    }
    undone.text.push_str(&text[kept..part.end]);
    undone
}

fn escapes(text: &str) -> impl Iterator<Item = Escape> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(offset) = memchr::memchr3(b'%', b'&', b'\\', &text.as_bytes()[at..]) {
            let place = at + offset;
            at = place + 1;
            if let Some((length, said, via)) = escape(&text[place..]) {
                at = place + length;
                return Some(Escape { range: place..at, said, via });
            }
        }
        at = text.len();
        None
    })
}

/// The escape that a text begins with: its bytes, what it says, its kind.
fn escape(text: &str) -> Option<(usize, Said, Via)> {
    match text.as_bytes() {
        [b'%', ..] => percent(text).map(|(length, said)| (length, said, Via::Percent)),
        [b'&', ..] => reference(text).map(|(length, c)| (length, Said::One(c), Via::Html)),
        _ => backslash(text),
    }
}

/// Percent signs that follow each other, decoded together (RFC 3986 section 2.1).
fn percent(text: &str) -> Option<(usize, Said)> {
    if let (Some(byte @ 0..=0x7f), None | Some(..=b'$' | b'&'..)) =
        (percent_byte(text.as_bytes()), text.as_bytes().get(3))
    {
        return Some((3, Said::One(char::from(byte))));
    }
    let bytes: Vec<u8> = text.as_bytes().chunks(3).map_while(percent_byte).collect();
    match bytes.len() {
        0 => None,
        count => Some((3 * count, Said::Many(String::from_utf8_lossy(&bytes).into_owned()))),
    }
}

fn percent_byte(chunk: &[u8]) -> Option<u8> {
    match chunk {
        [b'%', high, low, ..] => Some((hex_digit(*high)? * 16 + hex_digit(*low)?) as u8),
        _ => None,
    }
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

/// A character reference (HTML section 13.5), the names that matter in texts.
fn reference(text: &str) -> Option<(usize, char)> {
    let body = &text[1..];
    match body.strip_prefix('#') {
        None => {
            let end = body.bytes().take(LONGEST_NAME + 1).position(|byte| byte == b';')?;
            named(body.get(..end)?).map(|c| (end + 2, c))
        }
        Some(number) => {
            let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |digits| (digits, 16));
            let count = digits.bytes().take(7).take_while(|digit| char::from(*digit).is_digit(radix)).count();
            let c = char::from_u32(u32::from_str_radix(&digits[..count], radix).ok()?)?;
            let end = text.len() - digits.len() + count;
            Some((end + usize::from(text[end..].starts_with(';')), c))
        }
    }
}

/// Bytes of the longest name of [`named`].
const LONGEST_NAME: usize = 7;

fn named(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "excl" => '!',
        "colon" => ':',
        "sol" => '/',
        "lbrack" => '[',
        "rbrack" => ']',
        "lpar" => '(',
        "rpar" => ')',
        "Tab" => '\t',
        "NewLine" => '\n',
        "zwnj" => '\u{200c}',
        "shy" => '\u{ad}',
        _ => return None,
    })
}

/// Escapes of JSON, JavaScript, Python, C and shells.
fn backslash(text: &str) -> Option<(usize, Said, Via)> {
    let (length, c) = match text.as_bytes().get(1)? {
        b'n' | b'r' | b't' => (2, ' '),
        b'"' => (2, '"'),
        b'/' => (2, '/'),
        b'x' => (4, code(text.get(2..4)?)?),
        b'u' if text[2..].starts_with('{') => braced(text)?,
        b'u' => return unit(text).map(|(length, c)| (length, Said::One(c), Via::Escape)),
        b'U' => (10, code(text.get(2..10)?)?),
        b'0' | b'1' => (4, u32::from_str_radix(text.get(1..4)?, 8).ok().and_then(char::from_u32)?),
        _ => return None,
    };
    Some((length, Said::One(c), Via::Escape))
}

fn code(digits: &str) -> Option<char> {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

fn braced(text: &str) -> Option<(usize, char)> {
    let body = &text.as_bytes()[3..];
    let end = body.iter().take(9).position(|byte| *byte == b'}')?;
    Some((end + 4, code(text.get(3..3 + end)?)?))
}

/// One or two UTF-16 units (RFC 8259 section 7).
fn unit(text: &str) -> Option<(usize, char)> {
    let value = |digits: Option<&str>| {
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = value(text.get(2..6))?;
    if let (0xd800..=0xdbff, Some("\\u")) = (first, text.get(6..8)) {
        let second = value(text.get(8..12)).filter(|second| matches!(second, 0xdc00..=0xdfff))?;
        return Some((12, char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?));
    }
    Some((6, char::from_u32(first)?))
}

/// The nearest character boundary at or before a place.
pub(crate) fn floor(text: &str, place: usize) -> usize {
    text.floor_char_boundary(place)
}

/// The nearest character boundary at or after a place.
pub(crate) fn ceil(text: &str, place: usize) -> usize {
    text.ceil_char_boundary(place)
}

#[cfg(test)]
mod tests {
    use super::{Via, undone};

    #[test]
    fn escapes_are_undone() {
        let cases = [
            ("ignore%20all%2Dx", "ignore all-x", Via::Percent),
            ("%D0%B8%20x", "и x", Via::Percent),
            ("&lt;system&gt;", "<system>", Via::Html),
            ("&#105;gn&#x6f;re&#32x", "ignore x", Via::Html),
            (r"\u0069gn\u{6f}re\nall \x61 \141", "ignore all a a", Via::Escape),
            (r"\ud83d\ude00 \U0001F600", "😀 😀", Via::Escape),
        ];
        for (text, said, via) in cases {
            let parts: Vec<_> = undone(text).collect();
            assert_eq!(parts.len(), 1);
            assert_eq!(parts[0].text, said);
            assert_eq!(parts[0].via(&(0..text.len())), Some(via));
            assert_eq!(parts[0].map.source(&(0..said.len())), 0..text.len());
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["100% of &x; \\q %zz &#; \\u12", "\\ud800 \\xé &", "C:\\dir"] {
            assert_eq!(undone(text).count(), 0, "{text}");
        }
    }

    #[test]
    fn far_escapes_are_apart() {
        let text = format!("%41{}%42", "é".repeat(1000));
        let parts: Vec<_> = undone(&text).map(|part| part.text).collect();
        assert_eq!(parts.len(), 2);
        assert!(parts[0].starts_with('A') && parts[1].ends_with('B'));
    }
}
