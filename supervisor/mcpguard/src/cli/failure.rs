//! Failures that carry an exit status of their own.

use super::EXIT_REFUSED;

/// A failure with the exit status that coreutils' `env` gives it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 125, 126 or 127.
    pub(crate) status: u8,
    /// What was wrong and what would make it right.
    pub(crate) message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The exit status of an error: its own if it has one, else 125.
pub(crate) fn exit_code_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failure>().map_or(EXIT_REFUSED, |failure| failure.status)
}
