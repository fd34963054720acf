//! JSON as a tree that is compared and digested: sorted members, numbers as they are spelled, every name once.
//!
//! `serde_json::Value` is not used because it keeps the last of two members of one name, where a client may keep the first,
//! and because it rounds numbers.

mod read;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::sha256::Sha256;
use crate::visible;

/// How deep a value may be nested. Whatever walks a tree may recurse, since no tree is deeper.
pub(crate) const DEPTH: usize = 128;

/// Why a text is no value that can be pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is no JSON.
    #[error("no JSON: {0}")]
    Syntax(String),
    /// An object has two members of one name, of which each reader may take another one.
    #[error("the member `{0}` stands twice in one object")]
    Twice(String),
    /// Half of a surrogate pair, which is no character.
    #[error("a text holds half of a surrogate pair")]
    Surrogate,
    /// More than 128 levels.
    #[error("nested deeper than {DEPTH} levels")]
    Deep,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// `null`, `true`, `false` or a number, as it is spelled.
    Bare(String),
    Text(String),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

impl Node {
    /// Reads what is JSON already.
    pub(crate) fn read(raw: &RawValue) -> Result<Self, JsonError> {
        read::node(raw.get())
    }

    /// Reads any text.
    pub(crate) fn parse(text: &str) -> Result<Self, JsonError> {
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|error| JsonError::Syntax(error.to_string()))?;
        Self::read(raw)
    }

    /// The one text of this value: sorted members, no white space, and escapes where a reader would see nothing.
    pub(crate) fn canonical(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    pub(crate) fn digest(&self) -> Sha256 {
        Sha256::of(self.canonical())
    }

    pub(crate) fn map(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Map(members) = self { Some(members) } else { None }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.map()?.get(name)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Bare(word) if word == "null")
    }

    /// Every text in the value, the names of members too: a model reads them all.
    pub(crate) fn texts<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Self::Bare(_) => {}
            Self::Text(text) => visit(text),
            Self::List(items) => items.iter().for_each(|item| item.texts(visit)),
            Self::Map(members) => members.iter().for_each(|(name, member)| {
                visit(name);
                member.texts(visit);
            }),
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Bare(word) => text.push_str(word),
            Self::Text(own) => write_text(own, text),
            Self::List(items) => {
                text.push('[');
                separated(text, items, |text, item| item.write(text));
                text.push(']');
            }
            Self::Map(members) => {
                text.push('{');
                separated(text, members, |text, (name, member)| {
                    write_text(name, text);
                    text.push(':');
                    member.write(text);
                });
                text.push('}');
            }
        }
    }
}

fn separated<T>(text: &mut String, items: impl IntoIterator<Item = T>, write: impl Fn(&mut String, T)) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
}

fn write_text(own: &str, text: &mut String) {
    text.push('"');
    for character in own.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            _ if visible::is_treacherous(character) => character
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| text.push_str(&format!("\\u{unit:04x}"))),
            _ => text.push(character),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests;
