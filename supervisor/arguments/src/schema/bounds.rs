//! What is asked of a schema's text before anything is made of it.

use serde_json::Value;

use super::SchemaError;
use super::keywords::REFERENCES;
use crate::excerpt::Excerpt;

/// Bytes of a schema as JSON.
pub(super) const MAX_BYTES: usize = 256 * 1024;
/// Levels of nesting.
pub(super) const MAX_DEPTH: usize = 64;
/// Values of all kinds.
pub(super) const MAX_PARTS: usize = 10_000;
/// Regular expressions, each of which takes time to compile.
pub(super) const MAX_PATTERNS: usize = 256;

pub(super) fn check(schema: &Value) -> Result<(), SchemaError> {
    if !schema.is_object() && !schema.is_boolean() {
        return Err(SchemaError::NotASchema);
    }
    Counted { bytes: MAX_BYTES, parts: MAX_PARTS, patterns: MAX_PATTERNS }.value(schema, 0)
}

/// What is left.
struct Counted {
    bytes: usize,
    parts: usize,
    patterns: usize,
}

impl Counted {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), SchemaError> {
        if depth > MAX_DEPTH {
            return Err(SchemaError::TooDeep);
        }
        self.parts = self.parts.checked_sub(1).ok_or(SchemaError::TooManyParts)?;
        match value {
            Value::String(text) => self.bytes(text.len() + 2),
            Value::Array(elements) => {
                self.bytes(2)?;
                elements.iter().try_for_each(|element| self.value(element, depth + 1))
            }
            Value::Object(members) => members.iter().try_for_each(|(name, member)| {
                self.bytes(name.len() + 4)?;
                self.member(name, member, depth)?;
                self.value(member, depth + 1)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.bytes(4),
        }
    }

    fn bytes(&mut self, bytes: usize) -> Result<(), SchemaError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(SchemaError::TooLarge)?;
        Ok(())
    }

    /// References are looked at wherever they stand, also where they are only data: nobody writes them there.
    fn member(&mut self, name: &str, member: &Value, depth: usize) -> Result<(), SchemaError> {
        match (name, member) {
            (reference, Value::String(to)) if REFERENCES.contains(&reference) && !to.starts_with('#') => {
                Err(SchemaError::Remote(Excerpt::of(to)))
            }
            ("$id" | "id", Value::String(id))
                if depth > 0 && (name == "$id" || id.contains("://")) && !id.starts_with('#') =>
            {
                Err(SchemaError::NestedId)
            }
            ("pattern", Value::String(_)) => self.patterns(1),
            ("patternProperties", Value::Object(all)) => self.patterns(all.len()),
            _ => Ok(()),
        }
    }

    fn patterns(&mut self, count: usize) -> Result<(), SchemaError> {
        self.patterns = self.patterns.checked_sub(count).ok_or(SchemaError::TooManyPatterns)?;
        Ok(())
    }
}
