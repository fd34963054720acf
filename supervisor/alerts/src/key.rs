//! Values that were not written by us, in little memory.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

/// The longest text that is kept whole, in bytes; names of hosts have at most 253.
const LONGEST: usize = 256;

/// The text, or if it is long its beginning and a hash of the whole: two long texts are not mistaken for each other.
pub(crate) fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let start = &text[..text.floor_char_boundary(LONGEST - 36)];
    let digits = u128::from_be_bytes(Fingerprint::of(text).0);
    Cow::Owned(format!("{start}…{digits:032x}"))
}

/// Half of a value's SHA-256. Values are remembered by it: it is short whatever they are, and nobody can make a value that
/// has the fingerprint of a known one. Letters of ASCII count the same in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(crate) fn of(value: &str) -> Self {
        let mut hash = Sha256::new();
        for chunk in value.as_bytes().chunks(64) {
            let mut lower = [0; 64];
            lower[..chunk.len()].copy_from_slice(chunk);
            lower.make_ascii_lowercase();
            hash.update(&lower[..chunk.len()]);
        }
        let whole: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        Self(half)
    }
}
