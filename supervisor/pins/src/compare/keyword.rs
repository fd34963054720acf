//! The keywords of JSON Schema (drafts 4 to 2020-12), by what stands behind them.

use super::change::Weight;

/// What stands behind a keyword.
pub(super) enum Keyword {
    /// A text for readers.
    Text,
    /// Schemas by name; the reason says what a new one is.
    Named(&'static str),
    /// A schema, or several in a row.
    Schema,
    /// The names that must be given.
    Required,
    /// The values that may be given.
    Enum,
    /// Anything else: a value, with what another one means.
    Value(Weight, &'static str),
}

pub(super) fn keyword(name: &str) -> Keyword {
    use Keyword::{Enum, Named, Required, Schema, Text, Value};
    match name {
        "title" | "description" | "$comment" => Text,
        "properties" => Named("parameter"),
        "patternProperties" => Named("pattern of parameters"),
        "$defs" | "definitions" => Named("definition"),
        "dependentSchemas" => Named("dependent schema"),
        "items"
        | "additionalProperties"
        | "additionalItems"
        | "contains"
        | "contentSchema"
        | "not"
        | "if"
        | "then"
        | "else"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "allOf"
        | "anyOf"
        | "oneOf"
        | "prefixItems" => Schema,
        "required" => Required,
        "enum" => Enum,
        "$schema" | "$id" => Value(Weight::Notable, ""),
        "type" => Value(Weight::Meaningful, "another type"),
        "default" => Value(Weight::Meaningful, "another default"),
        _ => Value(Weight::Meaningful, ""),
    }
}
