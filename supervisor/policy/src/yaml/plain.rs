//! YAML of which no policy is made: read as strictly, and given as plain values.

use serde_json::{Number, Value};

use super::{Kind, Node, parse};
use crate::policy::Source;
use crate::problem::{Problems, Report};

/// Reads a text with the same rules as a policy: no repeated keys, anchors, tags or second document. A text without any
/// value is `null`.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn plain(source: &Source) -> Result<Value, Problems> {
    let is_empty = |line: &str| matches!(line.trim_start().chars().next(), None | Some('#'));
    if source.text.lines().all(is_empty) {
        return Ok(Value::Null);
    }
    let mut report = Report::default();
    let tree = parse(&source.name, &source.text, &mut report);
    match tree {
        Some(tree) if !report.has_error() => Ok(value(tree)),
        _ => Err(report.into_problems()),
    }
}

/// The nesting is bounded by the parser.
fn value(Node { kind, .. }: Node) -> Value {
    match kind {
        Kind::Text(text) => Value::String(text),
        Kind::Plain(text) => scalar(text),
        Kind::Null | Kind::Refused => Value::Null,
        Kind::List(items) => items.into_iter().map(value).collect(),
        Kind::Mapping(entries) => entries.into_iter().map(|(key, node)| (key.name, value(node))).collect(),
    }
}

/// What JSON has no number for stays text.
fn scalar(text: String) -> Value {
    match &text.to_ascii_lowercase()[..] {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    let whole = text.parse::<i64>().ok().map(Value::from);
    let number = || text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number);
    whole.or_else(number).unwrap_or(Value::String(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        plain(&Source { name: "d.yaml".to_owned(), text: text.to_owned() }).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn values_are_what_the_core_schema_says() {
        let text = "a: {b: [1, -2, 2.5, true, ~, text, \"7\"]}\nc: 127.0.0.1:9464\n";
        let value = json!({"a": {"b": [1, -2, 2.5, true, null, "text", "7"]}, "c": "127.0.0.1:9464"});
        assert_eq!(read(text), Ok(value));
        assert_eq!(read("# nothing\n\n  # is set\n"), Ok(Value::Null));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, place) in
            [("a: 1\na: 2\n", "d.yaml:2:1"), ("a: [1\n", "d.yaml:"), ("b: 1\na: &x 1\n", "d.yaml:2:")]
        {
            assert!(read(text).unwrap_err().contains(place), "{text}");
        }
    }
}
