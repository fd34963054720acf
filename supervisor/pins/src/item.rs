//! What a server lists, as it told it and as it is remembered.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::json::Node;
use crate::list::{List, MAX_ITEM, ReadError};
use crate::sha256::Sha256;

/// What is remembered of everything that is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedItem {
    pub(crate) digest: Sha256,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) other: BTreeMap<String, Sha256>,
}

impl PinnedItem {
    /// The digest over every member, in canonical form.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The title that people are shown.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The description that a model reads.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn new(list: List, node: &Node, digest: Sha256) -> Result<Self, ReadError> {
        Ok(Self {
            digest,
            title: text(node, "title")?,
            description: text(node, "description")?,
            other: others(list, node).map(|(name, member)| (name.clone(), member.digest())).collect(),
        })
    }
}

/// A text that may be absent. `null` is what some servers write instead of nothing.
fn text(node: &Node, name: &'static str) -> Result<Option<String>, ReadError> {
    match node.get(name) {
        Some(Node::Text(text)) => Ok(Some(text.clone())),
        Some(member) if !member.is_null() => Err(ReadError::NotText(name)),
        _ => Ok(None),
    }
}

/// The members of which only the digest is remembered.
pub(crate) fn others(list: List, node: &Node) -> impl Iterator<Item = (&String, &Node)> {
    // What should be a text and is `null` has no text to be remembered.
    let is_text = |name: &str, member: &Node| !member.is_null() || !matches!(name, "title" | "description");
    node.map().into_iter().flatten().filter(move |(name, member)| {
        let remembered = list.remembered().contains(&name.as_str()) && is_text(name, member);
        *name != list.key() && !remembered
    })
}

/// Something that a server listed, as it told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub(crate) list: List,
    pub(crate) key: String,
    pub(crate) node: Node,
    pub(crate) pinned: PinnedItem,
    /// Of the canonical text.
    pub(crate) bytes: usize,
}

impl Item {
    /// Reads one element of a list. The size of a resource and the time of its last change are left out: they tell of
    /// its content, which may change every second, and not of what is offered.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(list: List, raw: &RawValue) -> Result<Self, ReadError> {
        in_bounds(raw.get())?;
        let mut node = Node::read(raw)?;
        let Node::Map(members) = &mut node else { return Err(ReadError::NotAnObject) };
        if list == List::Resources {
            leave_out_content(members);
        }
        let key = node.get(list.key()).and_then(Node::text).ok_or(ReadError::NotText(list.key()))?.to_owned();
        // Escapes may make the canonical text longer than what was told.
        let canonical = node.canonical();
        in_bounds(&canonical)?;
        let pinned = PinnedItem::new(list, &node, Sha256::of(&canonical))?;
        Ok(Self { list, key, node, pinned, bytes: canonical.len() })
    }

    /// The list it stands in.
    pub fn list(&self) -> List {
        self.list
    }

    /// Its name; the URI of a resource, the URI template of a template.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What would be remembered of it.
    pub fn pinned(&self) -> &PinnedItem {
        &self.pinned
    }
}

fn in_bounds(text: &str) -> Result<(), ReadError> {
    if text.len() > MAX_ITEM { Err(ReadError::TooLarge(text.len())) } else { Ok(()) }
}

fn leave_out_content(members: &mut BTreeMap<String, Node>) {
    members.remove("size");
    if let Some(Node::Map(annotations)) = members.get_mut("annotations") {
        annotations.remove("lastModified");
    }
}
