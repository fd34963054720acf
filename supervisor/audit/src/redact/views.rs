//! Views of a text: the text with one or more layers of encoding taken off, and for each byte where it came from.

use std::borrow::Cow;
use std::ops::Range;

/// A text as a decoder would see it.
pub(super) struct View<'t> {
    bytes: Cow<'t, [u8]>,
    /// For each byte the offset in the text where it begins, and one entry more for the end. Empty: the text itself.
    origins: Vec<usize>,
}

/// A layer of encoding.
type Layer = fn(&[u8]) -> Option<(Vec<u8>, Vec<usize>)>;

impl<'t> View<'t> {
    /// The text itself, and every order-preserving combination of layers that changes it.
    pub(super) fn all(text: &'t str, plus_is_space: bool) -> Vec<Self> {
        let mut views = vec![Self { bytes: Cow::Borrowed(text.as_bytes()), origins: Vec::new() }];
        let layers = [blanks as Layer, percent_layer, unescaped, unwrapped];
        for layer in layers.into_iter().skip(usize::from(!plus_is_space)) {
            let more: Vec<_> = views.iter().filter_map(|view| view.without(layer)).collect();
            views.extend(more);
        }
        views
    }

    /// The view's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the text that a range of the view stands for.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        if self.origins.is_empty() {
            return range;
        }
        self.origins[range.start]..self.origins[range.end]
    }

    fn without(&self, layer: Layer) -> Option<Self> {
        let (bytes, mut origins) = layer(&self.bytes)?;
        if !self.origins.is_empty() {
            for origin in &mut origins {
                *origin = self.origins[*origin];
            }
        }
        Some(View { bytes: Cow::Owned(bytes), origins })
    }
}

/// Percent-decoding, for [`super::forms`].
pub(super) fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    percent_layer(bytes).map_or_else(|| bytes.to_vec(), |(bytes, _)| bytes)
}

fn percent_layer(bytes: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    decode(bytes, [b'%'; 2], |rest| percent_pair(rest).map(|byte| (Step::Byte(byte), 3)))
}

/// `+` for a space, as `application/x-www-form-urlencoded` writes it; taken off before percent-decoding makes new ones.
fn blanks(bytes: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    decode(bytes, [b'+'; 2], |_| Some((Step::Byte(b' '), 1)))
}

fn percent_pair(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// The escapes of a JSON string.
fn unescaped(bytes: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    decode(bytes, [b'\\'; 2], |rest| {
        let [b'\\', escape, ..] = rest else { return None };
        let byte = match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => *escape,
            b'u' => return unicode_escape(rest),
            _ => return None,
        };
        Some((Step::Byte(byte), 2))
    })
}

/// `\u0041`, or a surrogate pair of two.
fn unicode_escape(rest: &[u8]) -> Option<(Step, usize)> {
    let unit = |at: usize| match rest.get(at..at + 6)? {
        [b'\\', b'u', digits @ ..] => {
            digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | u32::from(hex(*digit)?)))
        }
        _ => None,
    };
    let first = unit(0)?;
    if let Some(character) = char::from_u32(first) {
        return Some((Step::Character(character), 6));
    }
    let second = unit(6).filter(|second| (0xdc00..0xe000).contains(second) && first < 0xdc00)?;
    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).map(|c| (Step::Character(c), 12))
}

/// Line breaks removed, as MIME and PEM put them into base64.
fn unwrapped(bytes: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    decode(bytes, [b'\n', b'\r'], |_| Some((Step::Nothing, 1)))
}

/// What an encoded sequence stands for.
enum Step {
    Nothing,
    Byte(u8),
    Character(char),
}

/// Runs a decoder over the bytes; it is asked at each of the `marks` whether an encoded sequence starts there.
/// `None` if there was no such sequence.
fn decode(
    bytes: &[u8],
    marks: [u8; 2],
    at: impl Fn(&[u8]) -> Option<(Step, usize)>,
) -> Option<(Vec<u8>, Vec<usize>)> {
    let mark_from = |from: usize| memchr::memchr2(marks[0], marks[1], &bytes[from..]).map(|mark| from + mark);
    let mut mark = mark_from(0)?;
    let (mut decoded, mut origins) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1));
    let (mut position, mut changed) = (0, false);
    loop {
        decoded.extend_from_slice(&bytes[position..mark]);
        origins.extend(position..mark);
        position = mark;
        if position == bytes.len() {
            origins.push(position);
            return changed.then_some((decoded, origins));
        }
        let found = at(&bytes[position..]);
        changed |= found.is_some();
        let (step, length) = found.unwrap_or((Step::Byte(bytes[position]), 1));
        match step {
            Step::Nothing => {}
            Step::Byte(byte) => decoded.push(byte),
            Step::Character(c) => decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        origins.resize(decoded.len(), position);
        position += length;
        mark = mark_from(position).unwrap_or(bytes.len());
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
