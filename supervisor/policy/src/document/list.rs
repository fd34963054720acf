//! Lists of a policy. They add when policies are merged.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{At, Decode, list, text};
use super::names::Sentence;
use super::section::{Merge, Section, entries, properties, set};
use super::spelling::nearest;
use crate::plan::Origin;
use crate::problem::Report;
use crate::yaml::{Kind, Node};

/// A list that may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for List<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        list(node, report).map(Self)
    }
}

/// An item of a list knows where it stands.
pub(crate) trait Placed {
    /// Where it stands.
    fn origin(&self) -> &Origin;
}

impl<T> Placed for Item<T> {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl<T> Placed for At<T> {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl<T: Placed> Merge for List<T> {
    /// A file that is reached twice (two presets that extend a third) counts once.
    fn merge(mut self, later: Self) -> Self {
        let known: BTreeSet<Origin> = self.0.iter().map(|item| item.origin().clone()).collect();
        self.0.extend(later.0.into_iter().filter(|item| !known.contains(item.origin())));
        self
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("List_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>() })
    }
}

/// A list that a reader could mistake for "everything" when it is empty, and that therefore may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filled<T>(pub(crate) Vec<T>);

impl<T: Decode> Decode for Filled<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
            report.error(&node.origin, "an empty list could be read as \"all\" or as \"none\"; nothing is granted when the key is left out");
            return None;
        }
        list(node, report).map(Self)
    }
}

impl<T: Placed> Merge for Filled<T> {
    fn merge(self, later: Self) -> Self {
        Self(List(self.0).merge(List(later.0)).0)
    }
}

impl<T: JsonSchema> JsonSchema for Filled<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Filled_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<T>() })
    }
}

/// A value that stands in a list, and the key that holds it when it is written with a reason.
pub(crate) trait Subject: Decode + JsonSchema {
    /// `path` in `{ path: /srv, reason: … }`.
    const KEY: &str;
    /// Keys that may stand beside it, apart from `reason`.
    type Options: Section;
    /// The value as a person reads it.
    fn show(&self) -> String;
    /// The value with what stands beside it.
    #[must_use]
    fn with(self, _: Self::Options) -> Self {
        self
    }
}

/// An item of a list: the value alone, or a mapping of the value and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item<T> {
    pub(crate) value: T,
    pub(crate) reason: Option<String>,
    pub(crate) origin: Origin,
}

impl<T: Subject> Decode for Item<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        match &node.kind {
            Kind::Mapping(_) => with_reason(node, report),
            _ => {
                T::decode(node, report).map(|value| Self { value, reason: None, origin: node.origin.clone() })
            }
        }
    }
}

fn with_reason<T: Subject>(node: &Node, report: &mut Report) -> Option<Item<T>> {
    let (mut value, mut reason) = (None, None);
    let mut options = T::Options::default();
    let known = T::Options::FIELDS.iter().map(|field| field.key);
    for (key, node) in entries(node, report)? {
        match &key.name[..] {
            "reason" => reason = text::<Sentence>(node, report),
            name if name == T::KEY => value = Some(At::<T>::decode(node, report)),
            name if known.clone().any(|option| option == name) => set(&mut options, key, node, report),
            name => {
                let message = format!("`{name}` is not a key that may stand here");
                let keys = [T::KEY, "reason"].into_iter().chain(known.clone());
                report.suggest(&key.origin, message, nearest(name, keys).unwrap_or(T::KEY));
            }
        }
    }
    if value.is_none() {
        report.error(&node.origin, format!("`{}` is missing here", T::KEY));
    }
    let At { value, origin } = value??;
    Some(Item { value: value.with(options), origin, reason: reason.map(|Sentence(reason)| reason) })
}

impl<T: Subject> JsonSchema for Item<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Item_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let subject = generator.subschema_for::<T>();
        let mut keys = properties::<T::Options>(generator);
        keys.insert(T::KEY.to_owned(), subject.clone().to_value());
        keys.insert("reason".to_owned(), generator.subschema_for::<Sentence>().to_value());
        json_schema!({ "anyOf": [subject, {
            "type": "object",
            "properties": keys,
            "required": [T::KEY],
            "additionalProperties": false,
        }]})
    }
}
