//! The tool's own JSON Schema: what it says of its arguments and results, held against them.
//!
//! A schema is a server's text, so that it is bounded before it is compiled: it stays within its own document, and what
//! it costs to apply is known.

mod bounds;
mod cost;
mod keywords;
mod patterns;
mod references;
mod work;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Value, json};

use crate::excerpt::Excerpt;
use cost::Cost;

/// Bytes that a compiled expression of a schema may take.
const MAX_COMPILED: usize = 256 * 1024;

/// A schema that is ready to be applied.
///
/// The draft is what `$schema` says, and 2020-12 without it. Formats are asserted where the draft asserts them. A tool
/// without a schema has none of these: anything passes then. `true` lets everything pass, `false` nothing; a schema for
/// another type than an object refuses every call.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    /// Kept to count beforehand what an instance would cost.
    document: Value,
    cost: Cost,
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Neither an object nor a boolean.
    #[error("the schema is neither an object nor a boolean")]
    NotASchema,
    /// Larger than any tool needs.
    #[error("the schema is larger than {most} bytes", most = bounds::MAX_BYTES)]
    TooLarge,
    /// Nested deeper than any tool needs.
    #[error("the schema is nested deeper than {most} levels", most = bounds::MAX_DEPTH)]
    TooDeep,
    /// Too many parts.
    #[error("the schema has more than {most} parts", most = bounds::MAX_PARTS)]
    TooManyParts,
    /// Too many regular expressions.
    #[error("the schema has more than {most} patterns", most = bounds::MAX_PATTERNS)]
    TooManyPatterns,
    /// A reference that leaves the document.
    #[error("the schema refers to `{0}`, which is not in its own document")]
    Remote(Excerpt),
    /// A reference to nothing.
    #[error("the schema refers to `{0}`, and there is no such part")]
    Dangling(Excerpt),
    /// An identifier within, which gives references another meaning.
    #[error("a part of the schema has an identifier of its own (`$id`)")]
    NestedId,
    /// References in a circle, without a step into the instance.
    #[error("the schema refers to itself without an end")]
    Endless,
    /// References that multiply.
    #[error("the schema takes too many steps to apply")]
    TooCostly,
    /// The validator cannot compile it.
    #[error("the schema cannot be compiled: {0}")]
    Unusable(Excerpt),
}

/// Where an instance differs from the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at} {what}", at = if self.at.is_empty() { "the whole" } else { &self.at })]
pub struct Mismatch {
    /// A JSON pointer (RFC 6901); empty for the whole. Bounded.
    pub at: String,
    /// What must be, without the value. Bounded.
    pub what: String,
}

impl Schema {
    /// # Errors
    /// When the schema is none, leaves its document, or would cost too much.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        bounds::check(schema)?;
        let cost = cost::survey(schema)?;
        let validator = build(schema)?;
        Ok(Self { validator, document: schema.clone(), cost })
    }

    /// The same, and where only patterns cannot be compiled (look-around, back-references), the schema without those
    /// keywords, with the fault. For those who check what can be checked, instead of nothing.
    ///
    /// # Errors
    /// As in [`Schema::compile`], and when the schema would let less pass without its patterns.
    pub fn compile_usable(schema: &Value) -> Result<(Self, Option<SchemaError>), SchemaError> {
        let fault = match Self::compile(schema) {
            Err(fault @ SchemaError::Unusable(_)) => fault,
            other => return other.map(|schema| (schema, None)),
        };
        let usable = |pattern: &str| build(&json!({ "pattern": pattern })).is_ok();
        match patterns::without_unusable(schema, &usable) {
            Some(rest) => Self::compile(&rest).map(|schema| (schema, Some(fault))),
            None => Err(fault),
        }
    }

    /// Whether the instance is what the schema says.
    ///
    /// # Errors
    /// The first difference; or that applying the schema to this instance would take too many steps.
    pub fn validate(&self, instance: &Value) -> Result<(), Mismatch> {
        if !work::is_affordable(&self.document, self.cost, instance) {
            let what = "is too large or too deep to be held against this schema".to_owned();
            return Err(Mismatch { at: String::new(), what });
        }
        self.validator.validate(instance).map_err(|error| mismatch(&error))
    }
}

fn build(schema: &Value) -> Result<Validator, SchemaError> {
    let patterns = PatternOptions::regex().size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED);
    let options = jsonschema::options().offline().with_pattern_options(patterns);
    let unusable =
        |error: ValidationError<'_>| SchemaError::Unusable(Excerpt::first(&error.masked().to_string(), 200));
    options.build(schema).map_err(unusable)
}

fn mismatch(error: &ValidationError<'_>) -> Mismatch {
    let at = Excerpt::of(&error.instance_path().to_string()).to_string();
    Mismatch { at, what: Excerpt::first(&what(error), 200).to_string() }
}

/// The validator's own sentences say `value` for the value; those that list what was unexpected, or show the alternatives
/// of the schema, are said in short.
fn what(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            format!("has members that the schema does not know: {}", Excerpt::list(unexpected))
        }
        ValidationErrorKind::AdditionalItems { .. } | ValidationErrorKind::UnevaluatedItems { .. } => {
            "has more elements than the schema knows".to_owned()
        }
        ValidationErrorKind::Required { property } => {
            format!("lacks the required member {}", Excerpt::of(&property.to_string()))
        }
        ValidationErrorKind::Not { .. } => "is what the schema excludes".to_owned(),
        ValidationErrorKind::PropertyNames { .. } => {
            "has a member with a name that the schema excludes".to_owned()
        }
        ValidationErrorKind::Enum { options } => {
            format!("must be one of {}", Excerpt::of(&options.to_string()))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("must be {}", Excerpt::of(&expected_value.to_string()))
        }
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            "is none of the alternatives of the schema".to_owned()
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            "is several of the alternatives of the schema".to_owned()
        }
        _ => format!("is not as it must be: {}", error.masked()),
    }
}

#[cfg(test)]
mod tests;
