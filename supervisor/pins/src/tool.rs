//! A tool: as the server told it, and as it is remembered.

use serde_json::value::RawValue;

use crate::item::{Item, PinnedItem};
use crate::json::Node;
use crate::list::{List, ReadError};
use crate::sha256::Sha256;

/// What is remembered of a tool: enough to show what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedTool {
    pub(crate) item: PinnedItem,
    /// Canonical texts; `None` if the tool has no such member.
    pub(crate) input_schema: Option<String>,
    pub(crate) output_schema: Option<String>,
    pub(crate) annotations: Option<String>,
}

impl PinnedTool {
    /// The digest over every member of the tool, in canonical form.
    pub fn digest(&self) -> Sha256 {
        self.item.digest
    }

    /// The description that a model reads.
    pub fn description(&self) -> Option<&str> {
        self.item.description()
    }

    /// The title that people are shown.
    pub fn title(&self) -> Option<&str> {
        self.item.title()
    }

    /// The schema of the arguments, as canonical JSON.
    pub fn input_schema(&self) -> Option<&str> {
        self.input_schema.as_deref()
    }

    /// The schema of structured answers, as canonical JSON.
    pub fn output_schema(&self) -> Option<&str> {
        self.output_schema.as_deref()
    }

    /// The hints, as canonical JSON.
    pub fn annotations(&self) -> Option<&str> {
        self.annotations.as_deref()
    }
}

/// What a server told about one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    pub(crate) name: String,
    pub(crate) node: Node,
    pub(crate) pinned: PinnedTool,
    /// Of the canonical text.
    pub(crate) bytes: usize,
}

impl Tool {
    /// Reads one element of the answer to `tools/list`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(raw: &RawValue) -> Result<Self, ReadError> {
        Item::read(List::Tools, raw).map(Self::of)
    }

    pub(crate) fn of(Item { list: _, key, node, pinned, bytes }: Item) -> Self {
        let canonical = |name: &str| node.get(name).map(Node::canonical);
        let pinned = PinnedTool {
            item: pinned,
            input_schema: canonical("inputSchema"),
            output_schema: canonical("outputSchema"),
            annotations: canonical("annotations"),
        };
        Self { name: key, node, pinned, bytes }
    }

    /// The name by which it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest over every member of the tool, in canonical form.
    pub fn digest(&self) -> Sha256 {
        self.pinned.digest()
    }

    /// What would be remembered of it.
    pub fn pinned(&self) -> &PinnedTool {
        &self.pinned
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::Tool;
    use crate::list::{MAX_ITEM, ReadError};

    fn read(text: &str) -> Result<Tool, ReadError> {
        Tool::read(serde_json::from_str::<&RawValue>(text).unwrap())
    }

    #[test]
    fn the_digest_is_over_every_member() {
        let plain = read(r#"{"name":"a","description":"b","inputSchema":{"x":1,"y":2}}"#).unwrap();
        let turned = read(r#" {"inputSchema": {"y":2, "x":1}, "description":"b","name":"\u0061"}"#).unwrap();
        assert_eq!(plain, turned);
        for other in [
            r#"{"name":"b","description":"b","inputSchema":{"x":1,"y":2}}"#,
            r#"{"name":"a","description":"B","inputSchema":{"x":1,"y":2}}"#,
            r#"{"name":"a","description":"b","inputSchema":{"x":1.0,"y":2}}"#,
            r#"{"name":"a","description":"b","inputSchema":{"x":1,"y":2},"icons":[]}"#,
            r#"{"name":"a","description":"b","inputSchema":{"x":1,"y":2},"_meta":null}"#,
        ] {
            assert_ne!(plain.digest(), read(other).unwrap().digest(), "{other}");
        }
    }

    #[test]
    fn what_is_no_tool_is_refused() {
        assert_eq!(read("[]"), Err(ReadError::NotAnObject));
        assert_eq!(read("{}"), Err(ReadError::NotText("name")));
        assert_eq!(read(r#"{"name":1}"#), Err(ReadError::NotText("name")));
        assert_eq!(read(r#"{"name":"a","description":[]}"#), Err(ReadError::NotText("description")));
        assert!(matches!(read(r#"{"name":"a","name":"b"}"#), Err(ReadError::Json(_))));
        let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(MAX_ITEM));
        assert_eq!(read(&long), Err(ReadError::TooLarge(long.len())));
        // As long as this in canonical form only, where each of these is an escape.
        let controls = format!(r#"{{"name":"{}"}}"#, "\u{7f}".repeat(MAX_ITEM / 6));
        assert!(matches!(read(&controls), Err(ReadError::TooLarge(_))));
        assert!(read(r#"{"name":"a","description":null,"title":null}"#).is_ok());
    }
}
