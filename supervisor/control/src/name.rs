//! What a session is called: the id that the daemon gives it, and the name that its user gives it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not the name or the id of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not an id.
    #[error("a session's id has 16 digits, 0 to 9 and a to f")]
    NoId,
    /// Not a name.
    #[error(
        "a session's name has 1 to 64 lower-case letters, digits and hyphens, begins with no hyphen, and does not look like an id (16 digits, 0 to 9 and a to f)"
    )]
    NoName,
}

/// The id of a session, never given twice: 16 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionId(String);

impl SessionId {
    /// Takes a text.
    ///
    /// # Errors
    /// It is no id.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        if is_id(&text) { Ok(Self(text)) } else { Err(NameError::NoId) }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a session. Several may have the same one. It never looks like an id, so that nobody's session is
/// mistaken for another one's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionName(String);

impl SessionName {
    /// Takes a text.
    ///
    /// # Errors
    /// It is no name.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let fits = is_word(&text) && !is_id(&text);
        if fits { Ok(Self(text)) } else { Err(NameError::NoName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What every name and id consists of, and every beginning of one.
pub(crate) fn is_word(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(known) && !text.starts_with('-')
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl TryFrom<String> for SessionId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for SessionName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_never_both() {
        for id in ["0123456789abcdef", "0000000000000000"] {
            assert!(SessionId::new(id).is_ok() && SessionName::new(id).is_err(), "{id}");
        }
        for name in ["github", "a", "0", "0123456789abcde", "0123456789abcdef0", "x-1", "0123456789abcdeg"] {
            assert!(SessionName::new(name).is_ok() && SessionId::new(name).is_err(), "{name}");
        }
        let long = "a".repeat(65);
        for neither in ["", "-a", "A", "a b", "a/b", "ä", "a\n", "0123456789ABCDEF", "--all", long.as_str()]
        {
            assert!(SessionName::new(neither).is_err() && SessionId::new(neither).is_err(), "{neither}");
        }
    }
}
