//! `enum`: one of the values.

use serde_json::Value;

use crate::excerpt::Excerpt;

/// Why a value is none of those that may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnumFault {
    /// None of them.
    #[error("`{value}` is none of: {values}")]
    None {
        /// What it is.
        value: Excerpt,
        /// What it may be.
        values: Excerpt,
    },
}

/// Texts are compared character by character: a server that folds them may see another value.
pub(crate) fn check(value: &Value, values: &[String]) -> Result<(), EnumFault> {
    let known = match value {
        Value::String(text) => values.contains(text),
        Value::Number(number) => is_literal(values, &number.to_string()),
        Value::Bool(true) => is_literal(values, "true"),
        Value::Bool(false) => is_literal(values, "false"),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    known.then_some(()).ok_or_else(|| none(value, values))
}

fn is_literal(values: &[String], literal: &str) -> bool {
    values.iter().any(|value| value == literal)
}

fn none(value: &Value, values: &[String]) -> EnumFault {
    let value = match value {
        Value::String(text) => Excerpt::of(text),
        Value::Array(_) => Excerpt::of("[…]"),
        Value::Object(_) => Excerpt::of("{…}"),
        scalar => Excerpt::of(&scalar.to_string()),
    };
    EnumFault::None { value, values: Excerpt::list(values) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    fn passes(value: Value) -> bool {
        let values = ["asc", "5", "true", "1.5"].map(str::to_owned);
        super::check(&value, &values).is_ok()
    }

    #[test]
    fn only_the_values_pass() {
        assert!([json!("asc"), json!("5"), json!(5), json!(true), json!(1.5)].into_iter().all(passes));
        let others = [
            json!("ASC"),
            json!("asc "),
            json!(""),
            json!("asc\u{0}"),
            json!(5.0),
            json!(false),
            json!(null),
            json!({"asc": 1}),
            json!("ａｓｃ"),
            json!("asc; DROP TABLE x"),
        ];
        for value in others {
            assert!(!passes(value.clone()), "{value}");
        }
    }
}
