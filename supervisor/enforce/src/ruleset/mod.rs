//! Landlock: which files, TCP ports and peers exist for the server.
//!
//! ```text
//! Plan ──of──► Ruleset (paths and rights, plain data) ──engage, in `enter`──► the kernel
//! ```
//! A grant holds for a path and everything beneath; Landlock cannot take anything away beneath a grant. A plan that
//! denies inside a grant is therefore wider here than it says, and `coverage` says so.

mod engage;
mod grants;
pub(crate) mod open;
mod rights;
#[cfg(test)]
mod tests;

pub(crate) use engage::{Engaged, engage};
pub(crate) use grants::Ruleset;
#[cfg(test)]
pub(crate) use grants::path_grants;
pub use open::Skipped;
pub(crate) use open::real_path;
pub(crate) use rights::handled_names;
