//! The hash chain: how a line is sealed, and how a seal is checked without canonicalising anything.
//!
//! A line is `{…,"prev":"<64 hex>",…,"hash":"<64 hex>"}`. `hash` is SHA-256 over every byte of the line that stands
//! before `,"hash"`; `prev` is the `hash` of the line before, and stands inside of what is hashed. So one slice and
//! one digest check a line, and the last line of a file is covered as well as the first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What the first record of a chain names as its predecessor.
    pub const GENESIS: Self = Self([0; 32]);

    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn hex(self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }

    fn from_hex(hex: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }
}

/// Lower case only: an upper-case digit would be a second spelling of the same record.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl From<Sha256> for Digest {
    fn from(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hex().iter().try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        Self::from_hex(text.as_bytes()).ok_or(SealError::NotADigest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why the seal of a line does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The line does not end with a hash.
    #[error("the line does not end with its hash")]
    NoSeal,
    /// The text is not a digest.
    #[error("a hash is not 64 lower-case hex digits")]
    NotADigest,
    /// The line was changed after it was written.
    #[error("the line does not match its own hash: it was changed")]
    Changed,
}

const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const AFTER_HASH: &[u8] = b"\"}";
const SEAL_LENGTH: usize = BEFORE_HASH.len() + 64 + AFTER_HASH.len();

/// Seals the line that starts at `start` of the buffer: an object that lacks its closing brace.
pub(crate) fn seal(buffer: &mut Vec<u8>, start: usize) -> Digest {
    let digest = Digest::of(&buffer[start..]);
    buffer.extend_from_slice(BEFORE_HASH);
    buffer.extend_from_slice(&digest.hex());
    buffer.extend_from_slice(AFTER_HASH);
    digest
}

/// Checks the seal of a line without its newline, and gives its hash.
///
/// # Errors
/// The line was changed, or is no line of a log.
pub fn unseal(line: &[u8]) -> Result<Digest, SealError> {
    let (content, seal) = line.split_at(line.len().checked_sub(SEAL_LENGTH).ok_or(SealError::NoSeal)?);
    let hex = seal
        .strip_prefix(BEFORE_HASH)
        .and_then(|rest| rest.strip_suffix(AFTER_HASH))
        .ok_or(SealError::NoSeal)?;
    let stated = Digest::from_hex(hex).ok_or(SealError::NotADigest)?;
    if Digest::of(content) == stated { Ok(stated) } else { Err(SealError::Changed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_is_plain_sha256_over_what_stands_before_it() {
        let mut line = b"{\"a\":1".to_vec();
        let digest = seal(&mut line, 0);
        // printf '{"a":1' | sha256sum
        assert_eq!(digest.to_string(), "8b0f0d75aabe01bbfba9341752c2cf7626f154e676aa791427b31aebfabc2592");
        assert_eq!(unseal(&line), Ok(digest));
    }

    #[test]
    fn an_upper_case_digit_is_another_line() {
        let mut line = b"{\"a\":1".to_vec();
        seal(&mut line, 0);
        let at = line.iter().rposition(|byte| (b'a'..=b'f').contains(byte)).unwrap();
        line[at] = line[at].to_ascii_uppercase();
        assert_eq!(unseal(&line), Err(SealError::NotADigest));
    }

    #[test]
    fn short_and_foreign_lines_have_no_seal() {
        for line in [&b""[..], b"{}", b"hello", &[b'x'; 200]] {
            assert_eq!(unseal(line), Err(SealError::NoSeal));
        }
    }
}
