//! Tables: mappings whose keys the author chooses (variables, tools, arguments).

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{At, Decode, FromText};
use super::section::{Merge, entries};
use crate::problem::Report;
use crate::yaml::{Kind, Node};

/// A mapping from names of the author's choice. Keeps the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table<K, V>(pub(crate) Vec<(At<K>, V)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A name that may be a key of a table.
pub(crate) trait Name: FromText + Clone + Ord {
    /// Whether an empty table could be mistaken for "all" or "none".
    const MAY_BE_EMPTY: bool;
    /// A regular expression that every name matches.
    fn pattern() -> &'static str;
}

impl<K: Name, V: Decode> Decode for Table<K, V> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let entries = entries(node, report)?;
        if entries.is_empty() && !K::MAY_BE_EMPTY {
            report.error(
                &node.origin,
                "an empty mapping could be read as \"all\" or as \"none\"; leave the key out",
            );
        }
        let mut table = Self::default();
        for (key, node) in entries {
            let name =
                K::from_text(&key.name).map_err(|complaint| report.complain(&key.origin, complaint)).ok();
            if matches!(node.kind, Kind::Null) {
                report.error(&key.origin, format!("`{}` has no value", key.name));
                continue;
            }
            let value = V::decode(node, report);
            if let (Some(name), Some(value)) = (name, value) {
                table.0.push((At { value: name, origin: key.origin.clone() }, value));
            }
        }
        Some(table)
    }
}

impl<K: Name, V: Merge + Clone> Merge for Table<K, V> {
    fn merge(mut self, later: Self) -> Self {
        let known: BTreeMap<K, usize> =
            self.0.iter().enumerate().map(|(index, (key, _))| (key.value.clone(), index)).collect();
        for (key, value) in later.0 {
            match known.get(&key.value) {
                None => self.0.push((key, value)),
                Some(&index) => {
                    let entry = &mut self.0[index];
                    let earlier = entry.1.clone();
                    *entry = (key, earlier.merge(value));
                }
            }
        }
        self
    }
}

impl<K: Name, V: JsonSchema> JsonSchema for Table<K, V> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Table_{}", V::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "type": "object",
            "patternProperties": { K::pattern(): generator.subschema_for::<V>() },
            "additionalProperties": false,
        });
        if !K::MAY_BE_EMPTY {
            schema.insert("minProperties".to_owned(), 1.into());
        }
        schema
    }
}
