//! The lock file: what was accepted, server by server.

mod parse;
mod pinned;
mod write;

use std::collections::BTreeMap;

use crate::surface::Surface;
use crate::tool::Tool;

pub use pinned::Pinned;

/// The most bytes of a lock file.
pub const MAX_LOCK: usize = 16 << 20;

/// The version of the file that is written and read.
const VERSION: u32 = 1;

/// What was accepted of each server; the key is the name of its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    servers: BTreeMap<String, Pinned>,
}

/// Why a text is no lock file, or why something cannot be remembered in one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// More than [`MAX_LOCK`] bytes.
    #[error("a lock file of {0} bytes; {MAX_LOCK} are the most")]
    TooLarge(usize),
    /// A mistake in the text.
    #[error("{line}:{column}: {message}")]
    Text {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// One sentence, without anything that a terminal would obey.
        message: String,
    },
}

impl Lock {
    /// Reads a lock file. A field that is unknown is an error: it may have meant something.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn parse(text: &str) -> Result<Self, LockError> {
        if text.len() > MAX_LOCK {
            return Err(LockError::TooLarge(text.len()));
        }
        parse::lock(text)
    }

    /// The file's text: the same lock has always the same text.
    pub fn to_text(&self) -> String {
        write::lock(self)
    }

    /// What was accepted of a server.
    pub fn server(&self, server: &str) -> Option<&Pinned> {
        self.servers.get(server)
    }

    /// All servers, in order.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &Pinned)> {
        self.servers.iter().map(|(name, pinned)| (name.as_str(), pinned))
    }

    /// Remembers what a server showed. What the surface does not know stays as it was.
    ///
    /// # Errors
    /// The file would be too large. The lock is unchanged then.
    pub fn accept(&mut self, server: &str, surface: &Surface) -> Result<(), LockError> {
        self.change(server, |pinned| pinned.accept(surface))
    }

    /// Remembers one tool of a server; everything else stays as it was.
    ///
    /// # Errors
    /// The file would be too large. The lock is unchanged then.
    pub fn accept_tool(&mut self, server: &str, tool: &Tool) -> Result<(), LockError> {
        self.change(server, |pinned| pinned.accept_tool(tool))
    }

    /// Forgets a tool, for instance one that a server no longer has. Says whether it was known.
    pub fn forget_tool(&mut self, server: &str, tool: &str) -> bool {
        self.servers.get_mut(server).is_some_and(|pinned| pinned.tools.remove(tool).is_some())
    }

    /// Forgets a server. Says whether it was known.
    pub fn forget(&mut self, server: &str) -> bool {
        self.servers.remove(server).is_some()
    }

    fn change(&mut self, server: &str, change: impl FnOnce(&mut Pinned)) -> Result<(), LockError> {
        let before = self.servers.get(server).cloned();
        let mut pinned = before.clone().unwrap_or_default();
        change(&mut pinned);
        self.servers.insert(server.to_owned(), pinned);
        let bytes = self.to_text().len();
        if bytes <= MAX_LOCK {
            return Ok(());
        }
        match before {
            Some(before) => drop(self.servers.insert(server.to_owned(), before)),
            None => drop(self.servers.remove(server)),
        }
        Err(LockError::TooLarge(bytes))
    }
}
