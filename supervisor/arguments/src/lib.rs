//! What a call's arguments must be: first-class types instead of hand-written patterns, and the tool's own JSON Schema.
//!
//! ```text
//!  arguments ──► Rules ─┬► every value that a rule names ─► path | url | command | sql | text | number | enum | pattern
//!                       ├► a name that a careless server takes for a ruled one ─► Violation
//!                       └► a name that no rule knows ─► Unknown::{Pass, Refuse}
//!  arguments, results ──► Schema ─► Ok | Mismatch
//! ```
//!
//! What it guarantees
//! - **Every plausible reading is checked.** A path is read as it stands, beneath its percent signs and through every
//!   symbolic link; a URL by two parsers; SQL by several dialects. Where two readings disagree, the value is refused.
//! - **What is not understood is refused**: a wrong JSON type, SQL that no dialect parses, a schema that leaves its document.
//! - **Work is bounded.** Values, nesting, expressions and schemas have limits; regular expressions run in linear time.
//!   SQL is parsed by recursion, on a thread with room for it that is started when it is first needed; [`check`] waits for it.
//! - **A refusal is one sentence to act on.** It shows a bounded excerpt of a value, never the value.
//!
//! What it never does: touch a file, a clock or the network. The real tree of files is asked through [`Tree`].
//!
//! What it cannot see: what a permitted program does with its own options (`find -exec`, `git -c core.pager=…`), which
//! address a name has when it is looked up later, what a stored function does in a database, and a link that is changed
//! between this check and the server's use. The kernel's layers stand behind for these.
//!
//! ```
//! use std::path::{Path, PathBuf};
//! use arguments::{Kind, Rule, Rules, Tree, TreeError, Unknown, check};
//!
//! struct NoLinks;
//! impl Tree for NoLinks {
//!     fn real(&self, path: &Path) -> Result<PathBuf, TreeError> { Ok(path.to_owned()) }
//!     fn current_directory(&self) -> &Path { Path::new("/srv/data") }
//! }
//!
//! let kind = Kind::Path { within: vec![PathBuf::from("/srv/data")] };
//! let rules = Rules::new([Rule { name: "path".to_owned(), kind, from: 7_u32 }], Unknown::Pass);
//! let call = |path: &str| serde_json::Map::from_iter([("path".to_owned(), path.into())]);
//!
//! assert!(check(&call("notes/today.md"), &rules, &NoLinks).is_ok());
//! let violation = check(&call("../etc/passwd"), &rules, &NoLinks).unwrap_err();
//! assert_eq!(violation.rule, Some(7));
//! assert_eq!(
//!     violation.to_string(),
//!     "argument `path` is refused: the path leads to `/srv/etc/passwd`, and must lie in ‘/srv/data’"
//! );
//! ```

#![forbid(unsafe_code)]

mod check;
mod choice;
mod command;
mod excerpt;
mod invisible;
mod number;
mod path;
mod pattern;
mod rules;
mod schema;

mod sql;
mod text;
mod url;
mod violation;

pub use check::{MAX_VALUES, check};
pub use choice::EnumFault;
pub use command::CommandFault;
pub use excerpt::Excerpt;
pub use number::NumberFault;
pub use path::{PathFault, Tree, TreeError};
pub use pattern::{PatternError, PatternFault, WholePattern};
pub use rules::{Kind, Rule, Rules, Unknown};
pub use schema::{Mismatch, Schema, SchemaError};

pub use sql::SqlFault;
pub use text::TextFault;
pub use url::{Link, UrlFault, check_url, is_plain_uri, link};
pub use violation::{Violation, Why};
