//! Patterns that cannot be applied in linear time: look-around, back-references, too large ones.
//!
//! Without such a pattern a schema lets more pass, where it only demands. Beneath `not`, `if`, `oneOf` and `contains`, less
//! could pass without it, so that nothing is left out there.

use serde_json::{Map, Value};

use super::keywords::REFERENCES;

const MAPS: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
const LISTS: [&str; 4] = ["allOf", "anyOf", "prefixItems", "items"];
const SINGLE: [&str; 8] = [
    "items",
    "then",
    "else",
    "additionalProperties",
    "additionalItems",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const EXCLUDING: [&str; 4] = ["not", "if", "oneOf", "contains"];

/// The schema without the keywords `pattern` that are unusable. None where it could let less pass then.
pub(super) fn without_unusable(schema: &Value, usable: &dyn Fn(&str) -> bool) -> Option<Value> {
    let mut rest = schema.clone();
    Leaving { usable }.out_of(&mut rest)?;
    Some(rest)
}

struct Leaving<'a> {
    usable: &'a dyn Fn(&str) -> bool,
}

impl Leaving<'_> {
    /// [`super::bounds`] has bounded how deep it is. What is no schema is left as it is.
    fn out_of(&self, schema: &mut Value) -> Option<()> {
        let Value::Object(keywords) = schema else { return Some(()) };
        if self.is_unusable(keywords) {
            keywords.remove("pattern");
        }
        keywords.iter_mut().try_for_each(|(keyword, value)| match (&keyword[..], value) {
            (map, Value::Object(all)) if MAPS.contains(&map) => {
                all.values_mut().try_for_each(|schema| self.out_of(schema))
            }
            (list, Value::Array(all)) if LISTS.contains(&list) => {
                all.iter_mut().try_for_each(|schema| self.out_of(schema))
            }
            (one, schema) if SINGLE.contains(&one) => self.out_of(schema),
            (excluding, value) if EXCLUDING.contains(&excluding) => (!self.is_concerned(value)).then_some(()),
            _ => Some(()),
        })
    }

    fn is_unusable(&self, keywords: &Map<String, Value>) -> bool {
        let pattern = keywords.get("pattern").and_then(Value::as_str);
        pattern.is_some_and(|pattern| !(self.usable)(pattern))
    }

    /// Whether one could stand anywhere within, or where it refers to.
    fn is_concerned(&self, value: &Value) -> bool {
        match value {
            Value::Object(members) => {
                self.is_unusable(members)
                    || members.keys().any(|name| REFERENCES.contains(&&name[..]))
                    || members.values().any(|member| self.is_concerned(member))
            }
            Value::Array(elements) => elements.iter().any(|element| self.is_concerned(element)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
}
