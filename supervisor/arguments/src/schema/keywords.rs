//! Which keywords apply schemas, and to what.

use serde_json::{Map, Value};

/// What a schema within a schema is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// The instance itself.
    Same,
    /// A member of this name.
    Member(&'a str),
    /// An element at this place.
    Element(usize),
    /// Every member and element.
    Each,
}

const SAME: [&str; 4] = ["not", "if", "then", "else"];
const SAME_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SAME_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
const EACH: [&str; 7] = [
    "additionalProperties",
    "additionalItems",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
    "propertyNames",
    "items",
];
/// References, of all drafts.
pub(super) const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Calls `each` with every schema that `schema` applies, other than by reference. Those of older drafts are always counted.
pub(super) fn for_each<'a, E>(
    schema: &'a Map<String, Value>,
    each: &mut dyn FnMut(Target<'a>, &'a Value) -> Result<(), E>,
) -> Result<(), E> {
    for (keyword, value) in schema {
        match (&keyword[..], value) {
            (one, value) if SAME.contains(&one) => each(Target::Same, value)?,
            (list, Value::Array(all)) if SAME_LISTS.contains(&list) => {
                all.iter().try_for_each(|schema| each(Target::Same, schema))?;
            }
            (map, Value::Object(all)) if SAME_MAPS.contains(&map) => {
                all.values()
                    .filter(|value| !value.is_array())
                    .try_for_each(|schema| each(Target::Same, schema))?;
            }
            ("properties", Value::Object(all)) => {
                all.iter().try_for_each(|(name, schema)| each(Target::Member(name), schema))?;
            }
            ("patternProperties", Value::Object(all)) => {
                all.values().try_for_each(|schema| each(Target::Each, schema))?;
            }
            ("prefixItems" | "items", Value::Array(all)) => {
                all.iter().enumerate().try_for_each(|(at, schema)| each(Target::Element(at), schema))?;
            }
            (one, value) if EACH.contains(&one) => each(Target::Each, value)?,
            _ => {}
        }
    }
    Ok(())
}

/// The references of a schema.
pub(super) fn references(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    REFERENCES.iter().filter_map(|keyword| schema.get(*keyword)?.as_str())
}

/// What is unevaluated is found by applying the schema's other parts once more.
pub(super) fn repeats(schema: &Map<String, Value>) -> u64 {
    match schema.contains_key("unevaluatedProperties") || schema.contains_key("unevaluatedItems") {
        true => 2,
        false => 1,
    }
}
