//! The revision of a policy as records name it: the beginning of its hash.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chain::Digest;

/// How much of the hash a record has: enough to tell the policies of a host apart, and to be read aloud.
const DIGITS: usize = 12;

/// The first 12 hex digits of a policy's revision, which is the SHA-256 over the policy's texts. The whole of it stands in
/// [`crate::Policy`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision([u8; DIGITS]);

impl Revision {
    /// The beginning of a whole revision: 64 lower-case hex digits. `None` for anything else.
    pub fn of(revision: &str) -> Option<Self> {
        revision.parse::<Digest>().ok()?;
        revision.as_bytes().first_chunk().copied().map(Self)
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        // Hex digits are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether this is the beginning of it; a person may name the whole hash as well.
    pub fn begins_with(&self, start: &str) -> bool {
        self.as_str().starts_with(start) || Self::of(start) == Some(*self)
    }
}

impl TryFrom<String> for Revision {
    type Error = &'static str;

    /// Lower case only: an upper-case digit would be a second spelling of the same record.
    fn try_from(digits: String) -> Result<Self, Self::Error> {
        let digits = <[u8; DIGITS]>::try_from(digits.as_bytes()).ok();
        let fits =
            |digits: &[u8; DIGITS]| digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        digits
            .filter(fits)
            .map(Self)
            .ok_or("a policy's revision is the first 12 lower-case hex digits of its hash")
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.as_str().to_owned()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_the_beginning_of_a_whole_hash_and_of_nothing_else() {
        let hash = "0123456789abcdef".repeat(4);
        let revision = Revision::of(&hash).unwrap();
        assert_eq!((revision.as_str(), revision.to_string().len()), ("0123456789ab", 12));
        let upper = hash.to_uppercase();
        for wrong in ["", "ab12", "0123456789ab", &hash[1..], &upper, &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Revision::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_revision_is_read_as_it_was_written_and_not_otherwise() {
        let revision = Revision::of(&"ab".repeat(32)).unwrap();
        let text = serde_json::to_string(&revision).unwrap();
        assert_eq!(text, "\"abababababab\"");
        assert_eq!(serde_json::from_str::<Revision>(&text).unwrap(), revision);
        for wrong in [
            "\"\"",
            "\"ababababab\"",
            "\"abababababababab\"",
            "\"ABABABABABAB\"",
            "\"ab\\\"babababab\"",
            "12",
        ] {
            assert!(serde_json::from_str::<Revision>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_person_names_some_of_it_or_all() {
        let hash = "ab".repeat(32);
        let revision = Revision::of(&hash).unwrap();
        assert!(
            ["", "a", "abab", "abababababab", hash.as_str()].iter().all(|start| revision.begins_with(start))
        );
        let other = "cd".repeat(32);
        assert!(!["b", "abababababababab", other.as_str()].iter().any(|start| revision.begins_with(start)));
    }
}
