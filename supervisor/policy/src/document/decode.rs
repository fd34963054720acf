//! Tree → values, noting every problem on the way instead of stopping at the first.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::section::Merge;
use crate::plan::Origin;
use crate::problem::{Complaint, Report};
use crate::yaml::{Kind, Node};

/// A value with the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// A type that can be read from the tree.
pub(crate) trait Decode: Sized {
    /// The value, or `None` after noting what is wrong.
    fn decode(node: &Node, report: &mut Report) -> Option<Self>;
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        T::decode(node, report).map(|value| Self { value, origin: node.origin.clone() })
    }
}

impl<T> Merge for At<T> {
    fn merge(self, later: Self) -> Self {
        later
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A type that is written as one piece of text.
pub(crate) trait FromText: Sized {
    /// What it is, with its article: `a port`.
    const WHAT: &str;
    /// The value, or what is wrong with the text.
    fn from_text(text: &str) -> Result<Self, Complaint>;
}

/// Reads text. A number or truth value without quotes is refused: what is meant must be written.
pub(crate) fn text<T: FromText>(node: &Node, report: &mut Report) -> Option<T> {
    let read = match &node.kind {
        Kind::Refused => return None,
        Kind::Text(text) => T::from_text(text),
        Kind::Plain(text) => {
            let message = format!("{} is written as text, not as {}", T::WHAT, node.kind.describe());
            Err(Complaint::new(message).instead(format!("\"{text}\"")))
        }
        other => Err(Complaint::new(format!("{} is wanted here, not {}", T::WHAT, other.describe()))),
    };
    read.map_err(|complaint| report.complain(&node.origin, complaint)).ok()
}

/// Reads a number, which stands without quotes.
pub(crate) fn number<T: FromText>(node: &Node, report: &mut Report) -> Option<T> {
    let read = match &node.kind {
        Kind::Refused => return None,
        Kind::Plain(text) => T::from_text(text),
        Kind::Text(text) => Err(match T::from_text(text) {
            Ok(_) => Complaint::new(format!("{} is written without quotes", T::WHAT)).instead(text.clone()),
            Err(complaint) => complaint,
        }),
        other => Err(Complaint::new(format!("{} is wanted here, not {}", T::WHAT, other.describe()))),
    };
    read.map_err(|complaint| report.complain(&node.origin, complaint)).ok()
}

impl Decode for bool {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let complaint =
            || Complaint::new(format!("`true` or `false` is wanted here, not {}", node.kind.describe()));
        let complaint = match &node.kind {
            Kind::Refused => return None,
            Kind::Plain(text) | Kind::Text(text) => match &text.to_ascii_lowercase()[..] {
                "true" if is_exactly(node, "true") => return Some(true),
                "false" if is_exactly(node, "false") => return Some(false),
                "true" | "yes" | "on" | "y" | "1" => complaint().instead("true"),
                "false" | "no" | "off" | "n" | "0" => complaint().instead("false"),
                _ => complaint(),
            },
            _ => complaint(),
        };
        report.complain(&node.origin, complaint);
        None
    }
}

fn is_exactly(node: &Node, word: &str) -> bool {
    matches!(&node.kind, Kind::Plain(text) if text == word)
}

/// A list; each bad item is noted and left out.
pub(crate) fn list<T: Decode>(node: &Node, report: &mut Report) -> Option<Vec<T>> {
    match &node.kind {
        Kind::Refused => None,
        Kind::List(items) => Some(items.iter().filter_map(|item| T::decode(item, report)).collect()),
        Kind::Null => {
            report.suggest(&node.origin, "a list is wanted here, not nothing", "[]");
            None
        }
        Kind::Text(text) | Kind::Plain(text) => {
            let message = format!("a list is wanted here, not {}", node.kind.describe());
            report.suggest(&node.origin, message, format!("[{text}]"));
            None
        }
        Kind::Mapping(_) => {
            report.error(&node.origin, "a list is wanted here, not a mapping");
            None
        }
    }
}
