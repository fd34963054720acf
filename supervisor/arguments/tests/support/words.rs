//! Types of arguments, as the corpora write them.

#![expect(clippy::panic, reason = "a corpus that cannot be read fails the test")]

use std::path::PathBuf;

use arguments::Kind;
use serde_json::Value;

/// Under which name a type is counted: numbers, choices and patterns together.
pub(crate) fn class_of(kind: &str) -> &str {
    match kind {
        "number" | "enum" | "pattern" => "scalar",
        other => other,
    }
}

/// A type in the policy's words.
pub(crate) fn kind(rule: &Value) -> Kind {
    let max_length = rule["max_length"].as_u64();
    match &text(&rule["type"])[..] {
        "path" => Kind::Path { within: texts(&rule["within"]).into_iter().map(PathBuf::from).collect() },
        "url" => {
            Kind::Url { schemes: texts(&rule["schemes"]), hosts: texts(&rule["allowed_domains"]), max_length }
        }
        "command" => Kind::Command { programs: texts(&rule["allowed_programs"]), max_length },
        "sql" => Kind::Sql { statements: texts(&rule["statements"]), max_length },
        "text" => Kind::Text { max_length: max_length.expect("`max_length`") },
        "number" => Kind::Number { min: rule["min"].as_f64(), max: rule["max"].as_f64() },
        "enum" => Kind::Enum { values: texts(&rule["values"]) },
        "pattern" => Kind::pattern(&text(&rule["pattern"]), max_length).expect("an expression"),
        other => panic!("no such type: {other}"),
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}
