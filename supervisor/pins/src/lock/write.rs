//! The lock file's text, written by hand: TOML (<https://toml.io/en/v1.0.0>) in which nothing is hidden.
//!
//! People read this file in reviews, so characters that a reader would overlook are escaped, which no TOML library does,
//! and JSON stands in literal strings, where its quotes need no escapes.

use std::fmt::Display;

use super::{Lock, Pinned, VERSION};
use crate::identity::{Identity, Told};
use crate::item::PinnedItem;
use crate::list::List;
use crate::tool::PinnedTool;
use crate::visible::is_treacherous;

const HEADER: &str = "\
# mcpguard.lock: what each MCP server showed when a person accepted it. Written by mcpguard; keep it under version control.
# A server that shows something else is quarantined. To see what changed: mcpguard pin diff. To accept it: mcpguard pin accept.
";

pub(super) fn lock(lock: &Lock) -> String {
    let mut text = format!("{HEADER}version = {VERSION}\n");
    for (name, pinned) in &lock.servers {
        server(&mut text, &format!("servers.{}", key(name)), pinned);
    }
    text
}

fn server(text: &mut String, table: &str, pinned: &Pinned) {
    let Pinned { identity, told, tools, items, listed } = pinned;
    open(text, table);
    let lists: Vec<String> = listed.iter().map(|list| basic(table_of(*list))).collect();
    field(text, "listed", (!lists.is_empty()).then(|| format!("[{}]", lists.join(", "))));
    if let Some(identity) = identity {
        write_identity(text, &format!("{table}.identity"), identity);
    }
    if let Some(told) = told {
        write_told(text, &format!("{table}.told"), told);
    }
    for (name, tool) in tools {
        write_tool(text, &format!("{table}.tools.{}", key(name)), tool);
    }
    for (list, items) in items {
        for (name, item) in items {
            write_item(text, &format!("{table}.{}.{}", table_of(*list), key(name)), item);
        }
    }
}

fn table_of(list: List) -> &'static str {
    match list {
        List::Tools => "tools",
        List::Prompts => "prompts",
        List::Resources => "resources",
        List::Templates => "templates",
    }
}

fn write_identity(text: &mut String, table: &str, identity: &Identity) {
    let Identity { command, package, version, integrity, binary } = identity;
    open(text, table);
    let words = |command: &Vec<String>| command.iter().map(|word| basic(word)).collect::<Vec<_>>().join(", ");
    field(text, "command", command.as_ref().map(|command| format!("[{}]", words(command))));
    field(text, "package", package.as_deref().map(basic));
    field(text, "version", version.as_deref().map(basic));
    field(text, "integrity", integrity.as_deref().map(basic));
    field(text, "binary", binary.map(|digest| format!("\"{digest}\"")));
}

fn write_told(text: &mut String, table: &str, told: &Told) {
    let Told { name, version, instructions } = told;
    open(text, table);
    field(text, "name", name.as_deref().map(basic));
    field(text, "version", version.as_deref().map(basic));
    field(text, "instructions", instructions.as_deref().map(prose));
}

fn write_tool(text: &mut String, table: &str, tool: &PinnedTool) {
    let PinnedTool { item, input_schema, output_schema, annotations } = tool;
    write_item(text, table, item);
    field(text, "input_schema", input_schema.as_deref().map(literal));
    field(text, "output_schema", output_schema.as_deref().map(literal));
    field(text, "annotations", annotations.as_deref().map(literal));
}

fn write_item(text: &mut String, table: &str, item: &PinnedItem) {
    let PinnedItem { digest, title, description, other } = item;
    open(text, table);
    field(text, "digest", Some(format!("\"{digest}\"")));
    field(text, "title", title.as_deref().map(basic));
    field(text, "description", description.as_deref().map(prose));
    let digests = other.iter().map(|(name, digest)| format!("{} = \"{digest}\"", key(name)));
    let digests = digests.collect::<Vec<_>>().join(", ");
    field(text, "other", (!other.is_empty()).then(|| format!("{{ {digests} }}")));
}

fn open(text: &mut String, table: &str) {
    text.push_str(&format!("\n[{table}]\n"));
}

fn field(text: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        text.push_str(&format!("{name} = {value}\n"));
    }
}

/// A bare key where TOML allows one.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { basic(name) }
}

/// A basic string on one line.
fn basic(value: &str) -> String {
    format!("\"{}\"", escaped(value, false))
}

/// A text of several lines keeps its lines, so that reviews show which of them changed.
fn prose(value: &str) -> String {
    if value.contains('\n') { format!("\"\"\"\n{}\"\"\"", escaped(value, true)) } else { basic(value) }
}

/// A literal string, where the value has nothing that such a string cannot hold.
fn literal(value: &str) -> String {
    if value.contains('\'') || value.chars().any(is_treacherous) {
        basic(value)
    } else {
        format!("'{value}'")
    }
}

fn escaped(value: &str, keep_lines: bool) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match (character, u32::from(character)) {
            ('\n', _) if keep_lines => escaped.push('\n'),
            ('\n', _) => escaped.push_str("\\n"),
            ('"' | '\\', _) => escaped.extend(['\\', character]),
            (_, code) if is_treacherous(character) && code > 0xffff => {
                escaped.push_str(&format!("\\U{code:08X}"));
            }
            (_, code) if is_treacherous(character) => escaped.push_str(&format!("\\u{code:04X}")),
            _ => escaped.push(character),
        }
    }
    escaped
}
