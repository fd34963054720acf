//! Directories with everything beneath them.

use std::str::FromStr;

use serde::Deserialize;

/// An absolute path that stands for itself and everything beneath it. Whole names are compared: `/work` is not the
/// beginning of `/work-evil`. Paths are taken as records name them; nothing is resolved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PathPrefix {
    /// Without a slash at its end; empty for the root.
    path: String,
}

/// Why a text is no such path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPrefixError {
    /// It does not begin at the root.
    #[error("a path begins with `/`")]
    Relative,
    /// `.` and `..` name nothing in a record.
    #[error("a path has neither `.` nor `..` nor empty names in it")]
    Unclear,
}

impl PathPrefix {
    /// Whether the path is this one, or beneath it.
    pub fn holds(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.starts_with('/') || (rest.is_empty() && !path.is_empty()))
    }
}

impl FromStr for PathPrefix {
    type Err = PathPrefixError;

    fn from_str(text: &str) -> Result<Self, PathPrefixError> {
        if text == "/" {
            return Ok(Self { path: String::new() });
        }
        let names = text.strip_prefix('/').ok_or(PathPrefixError::Relative)?;
        let names = names.strip_suffix('/').unwrap_or(names);
        if names.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err(PathPrefixError::Unclear);
        }
        Ok(Self { path: format!("/{names}") })
    }
}

impl TryFrom<String> for PathPrefix {
    type Error = PathPrefixError;

    fn try_from(text: String) -> Result<Self, PathPrefixError> {
        text.parse()
    }
}
