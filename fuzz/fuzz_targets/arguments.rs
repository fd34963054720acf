//! Any call against every type, and any schema: nothing panics, a refusal is one short sentence, an array passes if its
//! elements do, and what passes is what it must be to a careless reader.
//!
//! The input is a schema in JSON, a line end, and a value in JSON; what is no JSON is a string.

#![no_main]

use std::path::{Component, Path, PathBuf};

use arguments::{Kind, Rule, Rules, Schema, Tree, TreeError, Unknown, check};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

/// A tree in which every path is itself.
struct NoLinks;

impl Tree for NoLinks {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        Ok(path.to_owned())
    }

    fn current_directory(&self) -> &Path {
        Path::new("/srv/data")
    }
}

fn kinds() -> Vec<Kind> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let hosts = owned(&["good.example", "*.good.example:8080", "127.0.0.1", "*"]);
    vec![
        Kind::Path { within: vec![PathBuf::from("/srv/data"), PathBuf::from("/srv/data/deep")] },
        Kind::Url { schemes: owned(&["https", "http"]), hosts, max_length: None },
        Kind::Command { programs: owned(&["git", "ls"]), max_length: Some(200) },
        Kind::Sql { statements: owned(&["select", "explain", "with", "pragma"]), max_length: None },
        Kind::Text { max_length: 100 },
        Kind::Number { min: Some(-1.5), max: Some(1e18) },
        Kind::Enum { values: owned(&["a", "1", "true"]) },
        Kind::pattern("[a-z]*", None).expect("an expression"),
    ]
}

fn judged(value: &Value, kind: &Kind) -> bool {
    let rules = ["a", "a.b"].map(|name| Rule { name: name.to_owned(), kind: kind.clone(), from: 7_u8 });
    let plain = Rules::new([rules[0].clone()], Unknown::Refuse);
    let call = Map::from_iter([("a".to_owned(), value.clone())]);
    for rules in [&plain, &Rules::new(rules, Unknown::Refuse)] {
        if let Err(violation) = check(&call, rules, &NoLinks) {
            is_short(&violation.to_string());
        }
    }
    check(&call, &plain, &NoLinks).is_ok()
}

fn is_short(told: &str) {
    assert!(told.chars().count() < 700 && !told.chars().any(char::is_control), "{told:?}");
}

fn is_within(path: &str) -> bool {
    let whole = Path::new("/srv/data").join(path);
    let mut names = Vec::new();
    for component in whole.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => drop(names.pop()),
            _ => {}
        }
    }
    names.len() >= 2 && names[0] == "srv" && names[1] == "data"
}

fn is_what_it_must_be(text: &str, kind: &Kind) -> bool {
    match kind {
        Kind::Path { .. } => is_within(text),
        Kind::Url { .. } => text.starts_with("http") || text.starts_with(['H', 'h']),
        Kind::Command { .. } => !text.contains([';', '&', '|', '$', '`', '\n', '<', '>']),
        Kind::Text { .. } => text.chars().count() <= 100 && !text.contains(['\0', '\u{1b}', '\u{202e}']),
        Kind::Number { .. } => false,
        Kind::Enum { .. } => ["a", "1", "true"].contains(&text),
        Kind::Pattern { .. } => text.bytes().all(|byte| byte.is_ascii_lowercase()),
        Kind::Sql { .. } => !text.trim().is_empty(),
    }
}

fn checked(value: &Value) {
    for kind in kinds() {
        let passes = judged(value, &kind);
        if let (Some(text), true) = (value.as_str(), passes) {
            assert!(is_what_it_must_be(text, &kind), "{text:?} passed as {kind:?}");
        }
        // A command may be the array of its words, and null is an absent argument only outside of arrays.
        if !matches!(kind, Kind::Command { .. }) && !value.is_null() {
            assert_eq!(judged(&json!([value]), &kind), passes, "{value} in an array, {kind:?}");
        }
    }
}

fn held_against(schema: &Value, value: &Value) {
    match Schema::compile(schema) {
        Ok(compiled) => {
            if let Err(mismatch) = compiled.validate(value) {
                is_short(&mismatch.to_string());
            }
        }
        Err(error) => is_short(&error.to_string()),
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (schema, value) = text.split_once('\n').unwrap_or(("true", &text));
    let value: Value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    let schema: Value = serde_json::from_str(schema).unwrap_or_else(|_| json!({ "pattern": schema }));
    held_against(&schema, &value);
    checked(&value);
});
