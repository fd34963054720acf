//! SHA-256 digests as values.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

/// So many bytes are read at once.
const PIECE: usize = 64 << 10;

/// A SHA-256 digest (FIPS 180-4), written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// What is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is `sha256:` and 64 digits out of 0-9 and a-f")]
pub struct Sha256Error;

impl Sha256 {
    /// The digest of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha2::Sha256::digest(bytes.as_ref()).into())
    }

    /// The digest of everything that a reader gives, which is not held in memory; nothing if that is more than `most` bytes.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_reader(mut reader: impl Read, most: u64) -> io::Result<Option<Self>> {
        let (mut hash, mut left) = (sha2::Sha256::new(), most);
        let mut piece = vec![0; PIECE];
        loop {
            let read = match reader.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(Some(Self(hash.finalize().into())));
            }
            match left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
                Some(rest) => left = rest,
                None => return Ok(None),
            }
            hash.update(bytes);
        }
    }
}

impl From<[u8; 32]> for Sha256 {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = Sha256Error;

    fn from_str(text: &str) -> Result<Self, Sha256Error> {
        let digits = text.strip_prefix("sha256:").ok_or(Sha256Error)?.as_bytes();
        let mut digest = [0; 32];
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return Err(Sha256Error);
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = 16 * nibble(*high)? + nibble(*low)?;
        }
        Ok(Self(digest))
    }
}

/// Lower case only, so that a digest has one spelling.
fn nibble(digit: u8) -> Result<u8, Sha256Error> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Sha256Error),
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Sha256;

    #[test]
    fn digests_are_written_and_read() {
        // The example of FIPS 180-4 for "abc".
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::of("abc").to_string(), text);
        assert_eq!(text.parse(), Ok(Sha256::of("abc")));
        for wrong in [&text[7..], &text[..70], &text.to_uppercase(), &format!("{text}0"), "sha256:", ""] {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_read_in_pieces_has_the_digest_of_the_whole() {
        for length in [0, 1, super::PIECE, 3 * super::PIECE + 1] {
            let (bytes, most) = (vec![7; length], length as u64);
            assert_eq!(Sha256::of_reader(&*bytes, most).unwrap(), Some(Sha256::of(&bytes)));
            let shorter = most.checked_sub(1).map(|most| Sha256::of_reader(&*bytes, most).unwrap());
            assert_eq!(shorter.flatten(), None);
        }
    }
}
