//! Whether a version is later than another one. Registries write versions differently (Semantic Versioning 2.0.0, PEP 440);
//! what they share is enough here: numbers between dots, and at most one word for what comes before or after a release.

use std::cmp::Ordering;

/// Whether `new` is certainly later than `old`, certainly not, or nobody can tell.
pub(super) fn order(old: &str, new: &str) -> Option<Ordering> {
    let (old, new) = (Version::read(old)?, Version::read(new)?);
    let releases = (new.epoch, &new.release).cmp(&(old.epoch, &old.release));
    if releases != Ordering::Equal {
        return Some(releases);
    }
    Some(Stage::read(new.rest)?.cmp(&Stage::read(old.rest)?))
}

struct Version<'a> {
    epoch: u64,
    /// Without zeros at its end: 1.0 is 1.0.0.
    release: Vec<u64>,
    rest: &'a str,
}

impl<'a> Version<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        let (text, _build) = text.split_once('+').unwrap_or((text, ""));
        let (epoch, text) = text.split_once('!').unwrap_or(("0", text));
        let (first, mut rest) = number(text)?;
        let mut release = vec![first];
        while let Some((next, behind)) = rest.strip_prefix('.').and_then(number) {
            release.push(next);
            rest = behind;
        }
        while release.last() == Some(&0) {
            release.pop();
        }
        Some(Self { epoch: epoch.parse().ok()?, release, rest })
    }
}

/// A number and what stands behind it.
fn number(text: &str) -> Option<(u64, &str)> {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    Some((digits.parse().ok()?, rest))
}

/// What stands behind the numbers: its rank among the stages of a release, and its own number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Stage(u8, u64);

impl Stage {
    /// Nothing for a word that is unknown, and for more than one word.
    fn read(text: &str) -> Option<Self> {
        const SEPARATORS: [char; 3] = ['.', '-', '_'];
        let text = text.trim_start_matches(SEPARATORS).to_ascii_lowercase();
        let (word, rest) = text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()));
        let rest = rest.trim_start_matches(SEPARATORS);
        let rank = match word {
            "dev" => 0,
            "a" | "alpha" => 1,
            "b" | "beta" => 2,
            "c" | "rc" | "pre" | "preview" => 3,
            "" if rest.is_empty() => 4,
            "post" | "rev" | "r" => 5,
            _ => return None,
        };
        let number = if rest.is_empty() { 0 } else { rest.parse().ok()? };
        Some(Self(rank, number))
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::order;

    #[test]
    fn versions_are_ordered_as_their_registries_do() {
        let rising = [
            "0.9",
            "v0.10.0",
            "1.0.dev3",
            "1.0.0-alpha.1",
            "1.0b2",
            "1.0.0-rc.1",
            "1.0rc2",
            "1.0.0",
            "1.0.post1",
            "1.0.1+build",
            "1.1",
            "2025.11.25",
            "1!0.1",
        ];
        for pair in rising.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Some(Ordering::Greater), "{pair:?}");
            assert_eq!(order(pair[1], pair[0]), Some(Ordering::Less), "{pair:?}");
        }
        assert_eq!(order("1.0", "1.0.0+build"), Some(Ordering::Equal));
    }

    #[test]
    fn what_cannot_be_ordered_is_not() {
        let pairs = [
            ("", "1"),
            ("1", "latest"),
            ("1.0.0", "1.0.0-canary.5"),
            ("1.0.0-3", "1.0.0"),
            ("1.0rc1", "1.0rc1.post2"),
            ("1", "99999999999999999999"),
            ("1", "x!2"),
        ];
        for (old, new) in pairs {
            assert_eq!(order(old, new), None, "{old} {new}");
        }
        // The numbers tell enough.
        assert_eq!(order("1.0.0-canary.5", "1.0.1"), Some(Ordering::Greater));
    }
}
