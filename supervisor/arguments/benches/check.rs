//! What a check costs. `cargo bench -p mcpguard-arguments`.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use arguments::{Kind, Rule, Rules, Schema, Tree, TreeError, Unknown, check};
use divan::Bencher;
use serde_json::{Map, Value, json};

fn main() {
    divan::main();
}

/// The product asks the kernel; here only the check itself is measured.
struct NoLinks;

impl Tree for NoLinks {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        Ok(path.to_owned())
    }

    fn current_directory(&self) -> &Path {
        Path::new("/srv/data")
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn rules() -> Rules<u32> {
    let rule = |name: &str, kind| Rule { name: name.to_owned(), kind, from: 1 };
    Rules::new(
        [
            rule("path", Kind::Path { within: vec![PathBuf::from("/srv/data")] }),
            rule(
                "source",
                Kind::Url { schemes: Vec::new(), hosts: owned(&["*.example.org"]), max_length: None },
            ),
            rule("content", Kind::Text { max_length: 10_000 }),
            rule("options.limit", Kind::Number { min: Some(1.0), max: Some(100.0) }),
            rule("options.mode", Kind::Enum { values: owned(&["create", "append", "replace"]) }),
        ],
        Unknown::Refuse,
    )
}

/// 1 KiB.
fn call() -> Map<String, Value> {
    let call = json!({
        "path": "/srv/data/notes/2024/meeting.md",
        "source": "https://files.example.org/exports/meeting.md?version=3",
        "content": "The quick brown fox jumps over the lazy dog. ".repeat(20),
        "options": { "limit": 20, "mode": "append" }
    });
    assert!((1000..1100).contains(&call.to_string().len()), "{}", call.to_string().len());
    call.as_object().cloned().unwrap_or_default()
}

fn schema() -> Schema {
    let schema = json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "minLength": 1 },
            "source": { "type": "string", "pattern": "^https://" },
            "content": { "type": "string", "maxLength": 100_000 },
            "options": {
                "type": "object",
                "properties": { "limit": { "type": "integer", "minimum": 1 }, "mode": { "enum": ["create", "append", "replace"] } },
                "required": ["limit"]
            }
        },
        "required": ["path", "content"],
        "additionalProperties": false
    });
    Schema::compile(&schema).expect("a schema")
}

#[divan::bench]
fn call_1_kb_with_5_rules_and_schema(bencher: Bencher<'_, '_>) {
    let (rules, call, schema) = (rules(), Value::Object(call()), schema());
    let arguments = call.as_object().cloned().unwrap_or_default();
    bencher.bench_local(|| {
        assert!(check(black_box(&arguments), &rules, &NoLinks).is_ok());
        assert!(schema.validate(black_box(&call)).is_ok());
    });
}

#[divan::bench]
fn call_1_kb_with_5_rules(bencher: Bencher<'_, '_>) {
    let (rules, call) = (rules(), call());
    bencher.bench_local(|| assert!(check(black_box(&call), &rules, &NoLinks).is_ok()));
}

#[divan::bench]
fn call_1_kb_with_schema(bencher: Bencher<'_, '_>) {
    let (schema, call) = (schema(), Value::Object(call()));
    bencher.bench_local(|| assert!(schema.validate(black_box(&call)).is_ok()));
}

/// One argument of each kind that is parsed.
#[divan::bench(args = ["path", "encoded path", "url", "command", "sql", "sql in five dialects"])]
fn one(bencher: Bencher<'_, '_>, what: &str) {
    let select = || Kind::Sql { statements: owned(&["select"]), max_length: None };
    let within = || Kind::Path { within: vec![PathBuf::from("/srv/data")] };
    let (kind, value) = match what {
        "path" => (within(), "notes/2024/meeting.md"),
        "encoded path" => (within(), "notes/2024/r%C3%A9union.md"),
        "url" => (
            Kind::Url { schemes: Vec::new(), hosts: owned(&["*.example.org"]), max_length: None },
            "https://files.example.org/exports/meeting.md?version=3",
        ),
        "command" => (
            Kind::Command { programs: owned(&["git"]), max_length: None },
            "git log --oneline -n 20 --author 'A U Thor' -- src/main.rs",
        ),
        "sql" => {
            (select(), "SELECT id, name FROM users WHERE created_at > '2024-01-01' ORDER BY id LIMIT 10")
        }
        _ => {
            (select(), "SELECT id, \"name\" FROM users WHERE created_at > '2024-01-01' ORDER BY id LIMIT 10")
        }
    };
    let rules = Rules::new([Rule { name: "a".to_owned(), kind, from: 1 }], Unknown::Refuse);
    let call = Map::from_iter([("a".to_owned(), json!(value))]);
    bencher.bench_local(|| assert!(check(black_box(&call), &rules, &NoLinks).is_ok()));
}
