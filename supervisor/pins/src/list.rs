//! The lists of a server, and what may stand in none of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::JsonError;

/// The most bytes that one tool, prompt, resource or template may have.
pub const MAX_ITEM: usize = 1 << 20;

/// The lists of a server (MCP specification 2025-11-25, server features).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
}

impl List {
    /// The member that tells two of them apart.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }

    /// The members that are remembered as they stand, beside the key. Of all others the digest is remembered.
    pub(crate) fn remembered(self) -> &'static [&'static str] {
        match self {
            Self::Tools => &["title", "description", "inputSchema", "outputSchema", "annotations"],
            _ => &["title", "description"],
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tools => "tool",
            Self::Prompts => "prompt",
            Self::Resources => "resource",
            Self::Templates => "template",
        })
    }
}

/// Why something that a server listed cannot be pinned. Who gets this must not pass the thing on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// More than [`MAX_ITEM`] bytes.
    #[error("it has {0} bytes; {MAX_ITEM} are the most")]
    TooLarge(usize),
    /// No JSON that has one reading.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// No object.
    #[error("it is no object")]
    NotAnObject,
    /// This member is missing or no text.
    #[error("its `{0}` must be a text")]
    NotText(&'static str),
}
