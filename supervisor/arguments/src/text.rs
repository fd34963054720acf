//! `text`: bounded, and nothing in it that a person would not see.

use crate::invisible;

/// Why a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Longer than the rule says.
    #[error("is longer than {most} characters; shorten it")]
    TooLong {
        /// The most characters.
        most: u64,
    },
    /// A control character other than tab and line ends.
    #[error("holds the control character U+{code:04X}; leave it out", code = *.0 as u32)]
    Control(char),
    /// A character that reorders, joins, pads or tags the text without being seen.
    #[error("holds the invisible character U+{code:04X}; leave it out", code = *.0 as u32)]
    Invisible(char),
}

pub(crate) fn check(text: &str, max_length: u64) -> Result<(), TextFault> {
    if is_longer(text, max_length) {
        return Err(TextFault::TooLong { most: max_length });
    }
    match text.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\t' | '\r')) {
        Some(control) => Err(TextFault::Control(control)),
        None => invisible::first_needless(text).map_or(Ok(()), |found| Err(TextFault::Invisible(found))),
    }
}

/// Whether a text has more characters than `most`; they are counted only where bytes cannot tell.
pub(crate) fn is_longer(text: &str, most: u64) -> bool {
    text.len() as u64 > most && text.chars().count() as u64 > most
}

#[cfg(test)]
mod tests {
    use super::{TextFault, check};

    #[test]
    fn length_is_in_characters() {
        assert_eq!(check("äöü", 3), Ok(()));
        assert_eq!(check("äöüß", 3), Err(TextFault::TooLong { most: 3 }));
        assert_eq!(check("", 0), Ok(()));
    }

    #[test]
    fn what_is_not_seen_is_refused() {
        assert_eq!(check("two\nlines\tand\r\n", 100), Ok(()));
        assert_eq!(check("a\0b", 100), Err(TextFault::Control('\0')));
        assert_eq!(check("\u{1b}[31mred", 100), Err(TextFault::Control('\u{1b}')));
        assert_eq!(check("a\u{85}b", 100), Err(TextFault::Control('\u{85}')));
        assert_eq!(check("a\u{7f}", 100), Err(TextFault::Control('\u{7f}')));
        assert_eq!(check("a\u{202e}b", 100), Err(TextFault::Invisible('\u{202e}')));
        assert_eq!(check("a\u{e0041}b", 100), Err(TextFault::Invisible('\u{e0041}')));
        let fault = TextFault::Invisible('\u{202e}').to_string();
        assert_eq!(fault, "holds the invisible character U+202E; leave it out");
    }
}
