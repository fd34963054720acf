//! What a session says when it is asked to read its policy again.

use serde::{Deserialize, Serialize};

/// The answer: one line of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// The revision that held before: SHA-256 in hex.
    pub(crate) before: String,
    /// The revision that holds now.
    pub(crate) revision: String,
    /// What the policy says and what holds only after the next start, a sentence each.
    pub(crate) later: Vec<String>,
    /// Why nothing has changed: a sentence each. Empty: the policy as it is written now holds.
    pub(crate) refused: Vec<String>,
}
