//! A policy takes another one's place while its session runs.

use serde::{Deserialize, Serialize};

use super::{CoverageEntry, Policy};
use crate::redact::redact_fields;

/// The session's policy is another one from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChanged {
    /// The policy that holds now.
    pub policy: Policy,
    /// The revision that held until now: SHA-256 in hex over every source text.
    pub before: String,
    /// Who enforces each rule of the policy that holds now.
    pub coverage: Vec<CoverageEntry>,
    /// What holds only from the session's next start on, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<String>,
}

// A revision is a hash: nothing in it can be a secret, and it must stay comparable.
redact_fields!(PolicyChanged { text: [policy, coverage, later], plain: [before] });
