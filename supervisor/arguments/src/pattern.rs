//! `pattern`: a regular expression for the whole text, in linear time.

use regex::{Regex, RegexBuilder};

use crate::excerpt::Excerpt;
use crate::text::is_longer;

/// Bytes that a compiled expression may take.
const MAX_COMPILED: usize = 1 << 20;
/// Characters where the rule names no bound.
const MAX_LENGTH: u64 = 65_536;

/// A regular expression that matches a text as a whole or not at all.
#[derive(Clone, Debug)]
pub struct WholePattern {
    written: String,
    regex: Regex,
}

/// Why an expression is none.
#[derive(Clone, Debug, thiserror::Error)]
#[error("this is not a regular expression that can be used: {0}")]
pub struct PatternError(String);

/// Why a text does not match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// The pattern does not match the whole of it.
    #[error("does not match `{pattern}` as a whole")]
    NoMatch {
        /// The expression.
        pattern: Excerpt,
    },
    /// Longer than the rule says.
    #[error("is longer than {most} characters; shorten it")]
    TooLong {
        /// The most characters.
        most: u64,
    },
}

impl WholePattern {
    /// # Errors
    /// When this is no regular expression, or too large a one.
    pub fn new(expression: &str) -> Result<Self, PatternError> {
        // Alone first: `a)|(b` would become sound, and mean something else, within the group.
        compile(expression)?;
        let regex = compile(&format!(r"\A(?:{expression})\z"))?;
        Ok(Self { written: expression.to_owned(), regex })
    }
}

fn compile(expression: &str) -> Result<Regex, PatternError> {
    let compiled =
        RegexBuilder::new(expression).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    compiled.map_err(|error| PatternError(Excerpt::first(&error.to_string(), 300).to_string()))
}

pub(crate) fn check(text: &str, pattern: &WholePattern, max_length: Option<u64>) -> Result<(), PatternFault> {
    let most = max_length.unwrap_or(MAX_LENGTH);
    if is_longer(text, most) {
        return Err(PatternFault::TooLong { most });
    }
    match pattern.regex.is_match(text) {
        true => Ok(()),
        false => Err(PatternFault::NoMatch { pattern: Excerpt::of(&pattern.written) }),
    }
}

#[cfg(test)]
mod tests {
    use super::{WholePattern, check};

    fn matches(pattern: &str, text: &str) -> bool {
        check(text, &WholePattern::new(pattern).expect("an expression"), None).is_ok()
    }

    #[test]
    fn a_pattern_is_for_the_whole_text() {
        assert!(matches("[a-z]+", "abc") && matches("a|b", "b") && matches("", ""));
        for text in ["abc\n", "abc ", " abc", "abc\0", "x\nabc", "ABC", "abc; rm -rf /"] {
            assert!(!matches("[a-z]+", text), "{}", text.escape_debug());
        }
        assert!(!matches("a|b", "ab") && !matches("a|b", "b\n") && !matches("(?m)^a$", "a\nb"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for pattern in ["(", "a)|(b", "(?x)a # b", r"(a)\1", "(?=a)", "(((a{100}){100}){100}){100}"] {
            let accepted = WholePattern::new(pattern);
            assert!(accepted.is_err(), "{pattern}");
        }
    }

    #[test]
    fn time_is_linear() {
        assert!(!matches("(a+)+b", &"a".repeat(60_000)));
        assert!(check(&"a".repeat(65_537), &WholePattern::new("a*").expect("sound"), None).is_err());
    }
}
