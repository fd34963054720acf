//! Names with `*` in them, matched in one pass.

use std::str::FromStr;

use serde::Deserialize;

/// The longest glob, in bytes.
const LONGEST: usize = 256;

/// A name in which `*` stands for any characters, or none. Letters of ASCII match in either case: a rule about `*shell*`
/// means `PowerShell` too, and an alert too many does less harm than one too few.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Glob {
    /// What stands before the first `*`; or the whole, if there is none.
    first: String,
    /// What stands between stars, in order.
    middle: Vec<Piece>,
    /// What stands behind the last `*`; `None` if there is none.
    last: Option<String>,
}

/// Why a text is no glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It matches nothing that has a name.
    #[error("a glob may not be empty")]
    Empty,
    /// It is too long.
    #[error("a glob has at most {LONGEST} bytes")]
    Long,
}

impl Glob {
    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let Some(last) = &self.last else { return name.eq_ignore_ascii_case(self.first.as_bytes()) };
        let Some(rest) = without_start(name, self.first.as_bytes()) else { return false };
        let Some(mut rest) = without_end(rest, last.as_bytes()) else { return false };
        // The leftmost place of each piece leaves the most for the others.
        self.middle.iter().all(|piece| match piece.end_in(rest) {
            Some(end) => {
                rest = &rest[end..];
                true
            }
            None => false,
        })
    }
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        if text.len() > LONGEST {
            return Err(GlobError::Long);
        }
        let mut parts: Vec<&str> = text.split('*').collect();
        let last = if parts.len() > 1 { parts.pop().map(str::to_owned) } else { None };
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_default().to_owned();
        let middle = parts.filter(|part| !part.is_empty()).map(Piece::new).collect();
        Ok(Self { first, middle, last })
    }
}

impl TryFrom<String> for Glob {
    type Error = GlobError;

    fn try_from(text: String) -> Result<Self, GlobError> {
        text.parse()
    }
}

fn without_start<'a>(name: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = name.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

fn without_end<'a>(name: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let (rest, tail) = name.split_at_checked(name.len().checked_sub(end.len())?)?;
    tail.eq_ignore_ascii_case(end).then_some(rest)
}

/// A text to be found anywhere, by Knuth, Morris and Pratt: each byte of a name is looked at once, whatever the rule and
/// the name are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    /// In lower case, never empty.
    text: Vec<u8>,
    /// For each length of a match, the longest shorter one that ends at the same byte.
    shorter: Vec<usize>,
}

impl Piece {
    fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase().into_bytes();
        let mut shorter = vec![0; text.len() + 1];
        let mut matched = 0;
        for at in 1..text.len() {
            matched = longer(&text, &shorter, matched, text[at]);
            shorter[at + 1] = matched;
        }
        Self { text, shorter }
    }

    /// Where the leftmost match ends.
    fn end_in(&self, name: &[u8]) -> Option<usize> {
        let mut matched = 0;
        for (at, byte) in name.iter().enumerate() {
            matched = longer(&self.text, &self.shorter, matched, byte.to_ascii_lowercase());
            if matched == self.text.len() {
                return Some(at + 1);
            }
        }
        None
    }
}

/// How much is matched with one byte more. `matched` is less than the whole.
fn longer(text: &[u8], shorter: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && text[matched] != byte {
        matched = shorter[matched];
    }
    matched + usize::from(text[matched] == byte)
}
