//! From the text of a lock file to the lock.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Deserializer, de};

use super::{Lock, LockError, Pinned, VERSION};
use crate::identity::{Identity, Told};
use crate::item::PinnedItem;
use crate::json::Node;
use crate::list::List;
use crate::sha256::Sha256;
use crate::tool::PinnedTool;
use crate::visible;

pub(super) fn lock(text: &str) -> Result<Lock, LockError> {
    checked_version(text)?;
    let File { servers, .. } = read(text)?;
    Ok(Lock { servers: servers.into_iter().map(|(name, server)| (name, server.into())).collect() })
}

/// The version is read first: another version may have other fields.
fn checked_version(text: &str) -> Result<(), LockError> {
    let Versioned { version } = read(text)?;
    let found = *version.get_ref();
    if found == VERSION {
        return Ok(());
    }
    let message = format!("version {found} of the lock file; this mcpguard reads version {VERSION} only");
    Err(at(text, version.span(), &message))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, LockError> {
    toml::from_str(text).map_err(|error| at(text, error.span().unwrap_or_default(), error.message()))
}

fn at(text: &str, span: Range<usize>, message: &str) -> LockError {
    let before = text.get(..span.start).unwrap_or_default();
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
    LockError::Text { line, column, message: visible::plain(message) }
}

#[derive(Deserialize)]
struct Versioned {
    version: toml::Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "it was read before; named here, since unknown fields are errors")]
    version: u32,
    #[serde(default)]
    servers: BTreeMap<String, Server>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    #[serde(default)]
    listed: BTreeSet<List>,
    identity: Option<Identity>,
    told: Option<Told>,
    #[serde(default)]
    tools: BTreeMap<String, WrittenTool>,
    #[serde(default)]
    prompts: BTreeMap<String, WrittenItem>,
    #[serde(default)]
    resources: BTreeMap<String, WrittenItem>,
    #[serde(default)]
    templates: BTreeMap<String, WrittenItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTool {
    digest: Sha256,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    other: BTreeMap<String, Sha256>,
    input_schema: Option<Canonical>,
    output_schema: Option<Canonical>,
    annotations: Option<Canonical>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenItem {
    digest: Sha256,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    other: BTreeMap<String, Sha256>,
}

/// JSON that was perhaps edited by hand: whatever its spelling, it is compared in the canonical one.
struct Canonical(String);

impl<'de> Deserialize<'de> for Canonical {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Node::parse(&text).map(|node| Self(node.canonical())).map_err(de::Error::custom)
    }
}

impl From<Server> for Pinned {
    fn from(server: Server) -> Self {
        let Server { listed, identity, told, tools, prompts, resources, templates } = server;
        let lists = [(List::Prompts, prompts), (List::Resources, resources), (List::Templates, templates)];
        let lists = lists.into_iter().filter(|(_, items)| !items.is_empty());
        let pinned =
            |items: BTreeMap<_, _>| items.into_iter().map(|(key, item)| (key, PinnedItem::from(item)));
        Self {
            listed,
            identity,
            told,
            tools: tools.into_iter().map(|(name, tool)| (name, tool.into())).collect(),
            items: lists.map(|(list, items)| (list, pinned(items).collect())).collect(),
        }
    }
}

impl From<WrittenItem> for PinnedItem {
    fn from(WrittenItem { digest, title, description, other }: WrittenItem) -> Self {
        Self { digest, title, description, other }
    }
}

impl From<WrittenTool> for PinnedTool {
    fn from(tool: WrittenTool) -> Self {
        let WrittenTool { digest, title, description, other, input_schema, output_schema, annotations } =
            tool;
        let text = |canonical: Option<Canonical>| canonical.map(|Canonical(text)| text);
        Self {
            item: PinnedItem { digest, title, description, other },
            input_schema: text(input_schema),
            output_schema: text(output_schema),
            annotations: text(annotations),
        }
    }
}
