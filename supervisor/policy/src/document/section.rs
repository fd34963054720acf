//! Sections: mappings with a fixed set of keys. The macro makes struct, decoder, merge and JSON Schema
//! out of one list, so that the schema cannot drift from the parser.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::spelling::nearest;
use crate::problem::Report;
use crate::yaml::{Key, Kind, Node};

/// A key of a section.
pub(crate) struct Field {
    /// The key as it is written.
    pub(crate) key: &'static str,
    /// The lines of its doc comment.
    pub(crate) description: &'static [&'static str],
    /// Its schema.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// A mapping with a fixed set of keys.
pub(crate) trait Section: Default {
    /// The lines of its doc comment.
    const DESCRIPTION: &[&str];
    /// Its keys.
    const FIELDS: &[Field];
    /// Keys that must stand there.
    const REQUIRED: &[&str];
    /// Reads the value of a known key.
    fn set(&mut self, key: &str, node: &Node, report: &mut Report);
}

/// No keys at all.
impl Section for () {
    const DESCRIPTION: &[&str] = &[];
    const FIELDS: &[Field] = &[];
    const REQUIRED: &[&str] = &[];
    fn set(&mut self, _: &str, _: &Node, _: &mut Report) {}
}

/// Reads a section. Unknown keys, missing keys and keys without a value are noted.
pub(crate) fn decode<S: Section>(node: &Node, report: &mut Report) -> Option<S> {
    let entries = entries(node, report)?;
    let mut section = S::default();
    for (key, value) in entries {
        if !S::FIELDS.iter().any(|field| field.key == key.name) {
            unknown::<S>(key, report);
        } else {
            set(&mut section, key, value, report);
        }
    }
    for required in S::REQUIRED {
        if !entries.iter().any(|(key, _)| key.name == *required) {
            report.error(&node.origin, format!("`{required}` is missing here"));
        }
    }
    Some(section)
}

/// Reads the value of a known key; a key without one is noted.
pub(crate) fn set<S: Section>(section: &mut S, key: &Key, value: &Node, report: &mut Report) {
    match value.kind {
        Kind::Null => {
            let message = format!("`{}` has no value; leave the key out if nothing is meant", key.name);
            report.error(&key.origin, message);
        }
        _ => section.set(&key.name, value, report),
    }
}

/// The entries of a mapping. Anything else is noted.
pub(crate) fn entries<'a>(node: &'a Node, report: &mut Report) -> Option<&'a [(Key, Node)]> {
    match &node.kind {
        Kind::Mapping(entries) => Some(entries),
        Kind::Refused => None,
        other => {
            report.error(
                &node.origin,
                format!("a mapping (`key: value`) is wanted here, not {}", other.describe()),
            );
            None
        }
    }
}

fn unknown<S: Section>(key: &Key, report: &mut Report) {
    let keys: Vec<&str> = S::FIELDS.iter().map(|field| field.key).collect();
    let message = format!("`{}` is not a key that may stand here", key.name);
    match nearest(&key.name, keys.iter().copied()) {
        Some(suggestion) => report.suggest(&key.origin, message, suggestion),
        None => report.error(&key.origin, format!("{message}; the keys are {}", keys.join(", "))),
    }
}

/// The schema of a section: its keys and no others.
pub(crate) fn schema<S: Section>(generator: &mut SchemaGenerator) -> Schema {
    let properties = properties::<S>(generator);
    let mut object = json!({
        "type": "object",
        "description": prose(S::DESCRIPTION),
        "properties": properties,
        "additionalProperties": false,
    });
    if !S::REQUIRED.is_empty() {
        object["required"] = json!(S::REQUIRED);
    }
    Schema::try_from(object).unwrap_or_default()
}

/// The schemas of a section's keys.
pub(crate) fn properties<S: Section>(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let one = |Field { key, description, schema }: &Field| {
        ((*key).to_owned(), described(schema(generator), description))
    };
    S::FIELDS.iter().map(one).collect()
}

fn described(schema: Schema, description: &[&str]) -> Value {
    let mut schema = schema;
    schema.insert("description".to_owned(), Value::String(prose(description)));
    schema.to_value()
}

/// The text of doc comment lines.
pub(crate) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Types that merge: what stands in a later file meets what stands in an earlier one.
pub(crate) trait Merge {
    /// Both together; where only one can hold, `later` does.
    #[must_use]
    fn merge(self, later: Self) -> Self;
}

impl<T: Merge> Merge for Option<super::decode::At<T>> {
    fn merge(self, later: Self) -> Self {
        match (self, later) {
            (Some(earlier), Some(later)) => {
                let value = earlier.value.merge(later.value);
                Some(super::decode::At { value, origin: later.origin })
            }
            (earlier, later) => later.or(earlier),
        }
    }
}

/// Lists the keys of a section once; makes the struct, its decoder, its merge and its JSON Schema.
///
/// A key whose name is a word of Rust is written `kind as "type"`.
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $name:ident requires [$($required:literal),*] {
            $($(#[doc = $fdoc:literal])* $field:ident $(as $key:literal)? : $type:ty,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name {
            $($(#[doc = $fdoc])* pub(crate) $field: Option<$crate::document::At<$type>>,)*
        }

        impl $crate::document::section::Section for $name {
            const DESCRIPTION: &[&str] = &[$($doc),*];
            const REQUIRED: &[&str] = &[$($required),*];
            const FIELDS: &[$crate::document::section::Field] = &[$(
                $crate::document::section::Field {
                    key: $crate::document::section::key!($field $($key)?),
                    description: &[$($fdoc),*],
                    schema: |generator| generator.subschema_for::<$type>(),
                },
            )*];
            fn set(&mut self, key: &str, node: &$crate::yaml::Node, report: &mut $crate::problem::Report) {
                $(if key == $crate::document::section::key!($field $($key)?) {
                    self.$field = $crate::document::Decode::decode(node, report);
                })*
            }
        }

        impl $crate::document::Decode for $name {
            fn decode(node: &$crate::yaml::Node, report: &mut $crate::problem::Report) -> Option<Self> {
                $crate::document::section::decode(node, report)
            }
        }

        impl $crate::document::Merge for $name {
            fn merge(self, later: Self) -> Self {
                Self { $($field: self.$field.merge(later.$field),)* }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::document::section::schema::<Self>(generator)
            }
        }
    };
}

/// The key of a field: its own name, or the one given.
macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

pub(crate) use {key, section};
