//! A piece of what somebody else wrote, short and harmless enough to be shown.

use std::fmt;

use crate::invisible;

/// The most characters of a foreign text that are shown.
const MAX_SHOWN: usize = 80;

/// The first characters of a foreign text. What could move a cursor or hide from a reader is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    pub(crate) fn of(text: &str) -> Self {
        Self::first(text, MAX_SHOWN)
    }

    pub(crate) fn first(text: &str, most: usize) -> Self {
        let mut shown = String::with_capacity(text.len().min(most));
        let mut left = most;
        for character in text.chars() {
            let before = shown.len();
            write_harmless(&mut shown, character);
            // An escape takes more room than its character; the bound holds for what is shown.
            match left.checked_sub(shown[before..].chars().count()) {
                Some(rest) => left = rest,
                None => {
                    shown.truncate(before);
                    shown.push('…');
                    break;
                }
            }
        }
        Self(shown)
    }

    /// The names, with commas, as far as there is room.
    pub(crate) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let mut all = String::new();
        for name in names {
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(name.as_ref());
            if all.len() > MAX_SHOWN * 4 {
                break;
            }
        }
        Self::first(&all, MAX_SHOWN * 2)
    }
}

fn write_harmless(shown: &mut String, character: char) {
    let harmless = !character.is_control() && !invisible::is_invisible(character) && character != '`';
    match harmless {
        true => shown.push(character),
        false => shown.extend(character.escape_unicode()),
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Excerpt;

    #[test]
    fn what_could_deceive_is_escaped() {
        assert_eq!(Excerpt::of("a\n\u{1b}[2J`\u{202e}é").to_string(), r"a\u{a}\u{1b}[2J\u{60}\u{202e}é");
    }

    #[test]
    fn what_is_shown_is_short() {
        for long in ["x".repeat(5000), "\u{1b}".repeat(5000), "é".repeat(5000)] {
            assert!(Excerpt::of(&long).to_string().chars().count() <= 81);
        }
        assert_eq!(Excerpt::list(["a", "b"]).to_string(), "a, b");
        assert!(Excerpt::list(vec!["abc"; 1000]).to_string().chars().count() <= 161);
    }
}
