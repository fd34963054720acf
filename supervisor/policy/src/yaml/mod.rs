//! YAML text → positioned tree. Refuses everything of YAML that makes a policy hard to review:
//! repeated keys, anchors and aliases, tags, directives, several documents, invisible characters, deep nesting.

mod build;
mod characters;
mod plain;
mod tree;

pub use plain::plain;
pub(crate) use tree::{Key, Kind, Node};

use crate::plan::Origin;
use crate::problem::Report;

/// The longest policy text, in bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 256 * 1024;

/// The deepest nesting of lists and mappings.
pub(crate) const MAX_DEPTH: usize = 32;

/// Reads a text and notes every problem. `None` if the text is not YAML.
pub(crate) fn parse(source: &str, text: &str, report: &mut Report) -> Option<Node> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the policy has {} bytes; at most {MAX_TEXT_BYTES} are read", text.len());
        report.error(&Origin { source: source.to_owned(), line: 1, column: 1 }, message);
        return None;
    }
    characters::check(source, text, report);
    build::build(source, text, report)
}
