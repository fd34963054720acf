//! `path`: beneath one of the directories, by its spelling and in the real tree.
//!
//! A path is refused for its spelling where some server would read another path from it than the kernel does: after
//! decoding percent signs, folding look-alikes, or expanding a shell's syntax. Globs, brackets, spaces and dollar signs
//! within names are left alone, because real files have them.

mod place;
mod shape;
mod spelling;

use std::path::PathBuf;

pub use place::{Tree, TreeError};

use crate::excerpt::Excerpt;

/// Why a path is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// Longer than the kernel takes (`PATH_MAX`, include/uapi/linux/limits.h).
    #[error("is longer than 4,095 bytes")]
    TooLong,
    /// A control character, or one that is not seen.
    #[error("holds the character U+{code:04X}, which no path needs", code = *.0 as u32)]
    Character(char),
    /// White space that a server may trim.
    #[error("begins or ends with white space")]
    Space,
    /// A shell's way to write a home directory.
    #[error("begins with `~`, which is not expanded here; write the whole path")]
    Home,
    /// A URL, or a drive.
    #[error("begins like a URL or a drive; write a plain path, or `./` in front of it")]
    Scheme,
    /// A separator elsewhere.
    #[error("holds a backslash; separate names with `/`")]
    Backslash,
    /// What a program would take for an option.
    #[error("begins with `-`, which reads as an option; write `./` in front of it")]
    Option,
    /// Names of dots that turn into `..` when something is cut out of them or expanded.
    #[error("holds `{0}`, which could be turned into `..`; write the path without it")]
    Dots(Excerpt),
    /// Something that a server could decode into separators, dots or controls.
    #[error("holds an encoded separator, dot or control character; write the path as it is")]
    Encoded,
    /// Characters that look like separators or dots and are folded into them by some.
    #[error("holds characters that are folded into `/` or `.`; write it in ASCII where it separates names")]
    Lookalike,
    /// A shell's variable, or a command to be replaced by its output.
    #[error("holds a variable or a command substitution, which is not expanded here; write the whole path")]
    Variable,
    /// Elsewhere, by its spelling.
    #[error("leads to `{leads}`, and must lie in {within}")]
    Outside {
        /// Where it leads.
        leads: Excerpt,
        /// Where it must lie.
        within: Excerpt,
    },
    /// Elsewhere, through a symbolic link.
    #[error("leads through a link to `{leads}`, and must lie in {within}")]
    Link {
        /// Where it leads.
        leads: Excerpt,
        /// Where it must lie.
        within: Excerpt,
    },
    /// Nobody can say where it leads.
    #[error("cannot be followed: {0}")]
    Unknowable(#[from] TreeError),
}

pub(crate) fn check(text: &str, within: &[PathBuf], tree: &dyn Tree) -> Result<(), PathFault> {
    for reading in spelling::readings(text)? {
        place::check(&reading, within, tree)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
