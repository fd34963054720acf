//! Why the host's log does not do what it is asked for.

use std::io;
use std::path::PathBuf;

/// Why the log cannot be opened or carried on.
#[derive(Debug, thiserror::Error)]
pub enum HostLogError {
    /// The file or its directory cannot be opened, made or read.
    #[error("cannot open the host's log {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What stands at the path must not be written to.
    #[error("{} cannot be the host's log: {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why, and what would make it right.
        why: &'static str,
    },
    /// Another process writes it.
    #[error("the host's log {} is written by another process; stop the other daemon first", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Records could not be written; nothing of them is in the file.
    #[error("cannot write to the host's log {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A new file could not be begun; the old one is as it was.
    #[error("cannot rotate the host's log {}: {source}", path.display())]
    Rotate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An append that was broken off. What was not written is counted, and the next record that can be written is preceded
/// by one that tells how many were lost.
#[derive(Debug, thiserror::Error)]
#[error("{source}; {written} records were written, {lost} were lost")]
pub struct AppendError {
    /// The first so many records of the append are in the log.
    pub written: u64,
    /// The others are not.
    pub lost: u64,
    /// Why.
    pub source: HostLogError,
}
