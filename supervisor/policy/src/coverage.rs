//! Coverage: for each rule of a plan, the layer that enforces it on this host, or what is missing.

use crate::plan::RuleId;
use crate::support::Layer;

/// For each rule of a plan, in the order of [`crate::Plan::rules`], who enforces it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Coverage {
    /// One entry a rule.
    pub entries: Vec<Entry>,
}

/// Who enforces one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The rule.
    pub rule: RuleId,
    /// The answer.
    pub state: State,
}

/// Whether a rule is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// These layers enforce it as written; the note says what a reader should know (`per process, not per tree`).
    Enforced {
        /// The layers.
        by: Vec<Layer>,
        /// What a reader should know.
        note: Option<String>,
    },
    /// No layer enforces it as written. Stops the start unless `--allow-degraded` is given.
    Uncovered {
        /// The weaker thing that still holds, if any (`Landlock grants it for the whole session`).
        floor: Option<String>,
        /// Why it is not enforced here.
        reason: String,
        /// What would enforce it.
        remedy: String,
    },
}
