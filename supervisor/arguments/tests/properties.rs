//! What holds for any call.

mod support;

use std::path::{Component, Path, PathBuf};

use arguments::{Kind, MAX_VALUES, Rule, Rules, Schema, Unknown, Why, check};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::Links;

fn kinds() -> Vec<Kind> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    vec![
        Kind::Path { within: vec![PathBuf::from("/srv/data")] },
        Kind::Url { schemes: owned(&["https", "http", "ssh"]), hosts: Vec::new(), max_length: None },
        Kind::Command { programs: owned(&["git", "ls"]), max_length: None },
        Kind::Sql { statements: owned(&["select", "insert", "explain", "with"]), max_length: None },
        Kind::Text { max_length: 100 },
        Kind::Number { min: Some(-1.5), max: Some(1e18) },
        Kind::Enum { values: owned(&["a", "1"]) },
        Kind::pattern("[a-z]*", None).expect("an expression"),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "/",
        "..",
        ".",
        "srv",
        "data",
        "%2e",
        "%2f",
        "%",
        "~",
        "$HOME",
        "\\",
        "．",
        "／",
        "é",
        "\u{202e}",
        "\0",
        "https",
        "://",
        "good.example",
        "127.0.0.1",
        "@",
        ":",
        "#",
        "?",
        "[::1]",
        "git ",
        "'",
        "\"",
        ";",
        "SELECT ",
        "1",
        "FROM t ",
        "(",
        ")",
        ",",
        "--",
        "/*",
        "*/",
        "INTO ",
        "UNION ",
        "EXPLAIN ",
        "WITH x AS ",
        "INSERT ",
        "`",
        "$$",
        "#>",
        "::",
        " ",
        "a",
    ]);
    prop_oneof![
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat()),
        ".{0,40}",
        prop::collection::vec(any::<char>(), 0..20).prop_map(|all| all.into_iter().collect()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[aA]|b|a\\.b", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Schemas that look like some: keywords with values that may or may not belong to them.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        Just(json!("string")),
        Just(json!("#/$defs/a")),
        Just(json!("#")),
        Just(json!({})),
        (0_u8..9).prop_map(Value::from),
    ];
    let keyword = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "$ref",
        "$defs",
        "a",
        "not",
        "required",
        "minimum",
        "pattern",
        "enum",
        "const",
        "unevaluatedProperties",
        "additionalProperties",
        "prefixItems",
        "$dynamicRef",
        "$anchor",
        "if",
        "then",
        "dependentSchemas",
        "propertyNames",
        "contains",
        "$id",
        "$schema",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keyword.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn call(value: Value) -> Map<String, Value> {
    Map::from_iter([("a".to_owned(), value)])
}

fn rules(kind: Kind) -> Rules<u8> {
    let rules = ["a", "a.b", "A"].map(|name| Rule { name: name.to_owned(), kind: kind.clone(), from: 1 });
    Rules::new(rules, Unknown::Refuse)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_what_is_told_is_short(value in value()) {
        for kind in kinds() {
            if let Err(violation) = check(&call(value.clone()), &rules(kind), &Links::default()) {
                let told = violation.to_string();
                prop_assert!(told.chars().count() < 700 && !told.chars().any(char::is_control), "{told}");
            }
        }
    }

    #[test]
    fn a_path_that_passes_lies_within(path in text()) {
        let rules = rules(Kind::Path { within: vec![PathBuf::from("/srv/data")] });
        if check(&call(json!(path)), &rules, &Links::default()).is_err() {
            return Ok(());
        }
        let mut names = Vec::new();
        for component in Path::new("/srv/data").join(&path).components() {
            match component {
                Component::Normal(name) => names.push(name.to_owned()),
                Component::ParentDir => { names.pop(); }
                _ => {}
            }
        }
        prop_assert!(names.len() >= 2 && names[0] == "srv" && names[1] == "data", "{path}");
    }

    #[test]
    fn a_url_that_passes_names_a_public_host(url in text()) {
        let rules = rules(Kind::Url { schemes: vec!["https".to_owned()], hosts: Vec::new(), max_length: None });
        if check(&call(json!(url)), &rules, &Links::default()).is_ok() {
            let parsed = url::Url::parse(&url).expect("a URL");
            prop_assert_eq!(parsed.scheme(), "https");
            prop_assert!(parsed.username().is_empty() && parsed.domain().is_some_and(|name| name.contains('.')), "{}", url);
        }
    }

    #[test]
    fn a_command_that_passes_is_one_program(line in text()) {
        let rules = rules(Kind::Command { programs: vec!["git".to_owned()], max_length: None });
        if check(&call(json!(line)), &rules, &Links::default()).is_ok() {
            let words = shell_words::split(&line).expect("words");
            prop_assert_eq!(words.first().map(String::as_str), Some("git"));
            prop_assert!(!line.contains([';', '&', '|', '$', '`', '\n', '<', '>']), "{}", line);
        }
    }

    #[test]
    fn any_schema_and_instance(schema in schema(), value in value()) {
        if let Ok(compiled) = Schema::compile(&schema)
            && let Err(mismatch) = compiled.validate(&value)
        {
            prop_assert!(mismatch.to_string().chars().count() < 400);
        }
    }
}

#[test]
fn names_are_followed_into_objects_and_arrays() {
    let rules = |name: &str| {
        Rules::new(
            [Rule { name: name.to_owned(), kind: Kind::Number { min: None, max: Some(5.0) }, from: 3 }],
            Unknown::Pass,
        )
    };
    let judged = |name: &str, call: Value| {
        let Value::Object(call) = call else { unreachable!("a call is an object") };
        check(&call, &rules(name), &Links::default())
    };
    for call in [
        json!({}),
        json!({ "other": 9 }),
        json!({ "a": null }),
        json!({ "a": 5 }),
        json!({ "a": [1, [2, 5]] }),
        json!({ "a": [] }),
    ] {
        assert_eq!(judged("a", call.clone()), Ok(()), "{call}");
    }
    for call in [
        json!({ "a": 6 }),
        json!({ "a": [1, 6] }),
        json!({ "a": [[6]] }),
        json!({ "a": [null] }),
        json!({ "a": "1" }),
        json!({ "a": {} }),
        json!({ "A": 1 }),
        json!({ "a ": 1 }),
        json!({ "ａ": 1 }),
        json!({ "a\u{200b}": 1 }),
        json!({ "a\u{0}": 1 }),
    ] {
        assert!(judged("a", call.clone()).is_err(), "{call}");
    }
    for call in [
        json!({ "o": {} }),
        json!({ "o": { "a": 5 } }),
        json!({ "o": [{ "a": 5 }, {}] }),
        json!({ "o": null }),
        json!({ "o.a": 5 }),
    ] {
        assert_eq!(judged("o.a", call.clone()), Ok(()), "{call}");
    }
    for call in [
        json!({ "o": { "a": 6 } }),
        json!({ "o": [{ "a": 5 }, { "a": 6 }] }),
        json!({ "o": "a" }),
        json!({ "o": { "A": 1 } }),
        json!({ "o.a": 6 }),
        json!({ "O": { "a": 1 } }),
        json!({ "o": [1] }),
    ] {
        assert!(judged("o.a", call.clone()).is_err(), "{call}");
    }
    let violation = judged("o.a", json!({ "o": [{}, { "a": [1, 9] }] })).expect_err("refused");
    assert_eq!(violation.to_string(), "argument `o[1].a[1]` is refused: the number is greater than 5");
    assert_eq!(violation.rule, Some(3));
}

#[test]
fn names_that_no_rule_knows() {
    let rules = |unknown| {
        let rule = |name: &str| Rule { name: name.to_owned(), kind: Kind::Text { max_length: 5 }, from: () };
        Rules::new([rule("a"), rule("o.b")], unknown)
    };
    let call = |value: Value| value.as_object().cloned().unwrap_or_default();
    for stranger in [json!({ "x": 1 }), json!({ "o": { "x": 1 } })] {
        assert_eq!(check(&call(stranger.clone()), &rules(Unknown::Pass), &Links::default()), Ok(()));
        let violation =
            check(&call(stranger), &rules(Unknown::Refuse), &Links::default()).expect_err("refused");
        assert_eq!((violation.rule, violation.why), (None, Why::Unknown));
    }
    assert_eq!(
        check(&call(json!({ "a": "x", "o": { "b": "y" } })), &rules(Unknown::Refuse), &Links::default()),
        Ok(())
    );
}

#[test]
fn names_in_other_spellings() {
    let number = |name: &str| Rule {
        name: name.to_owned(),
        kind: Kind::Number { min: None, max: Some(5.0) },
        from: (),
    };
    let judged = |name: &str, call: &Value| {
        let call = call.as_object().cloned().unwrap_or_default();
        check(&call, &Rules::new([number(name)], Unknown::Pass), &Links::default())
    };
    for (name, call) in [
        ("a.b.c", json!({ "a": { "b": { "c": 6 } } })),
        ("a.b.c", json!({ "a.b": { "c": 6 } })),
        ("a.b.c", json!({ "a": { "b.c": 6 } })),
        ("a.b.c", json!({ "a.b.c": 6 })),
        ("a.b.c", json!({ "a.B": { "c": 1 } })),
        ("a.b.c", json!({ "a․b": { "c": 1 } })),
        ("a", json!({ "a\u{0}x": 1 })),
        ("a", json!({ "x\n": 1 })),
        ("a", json!({ "__proto__": { "a": 6 } })),
        ("a", json!({ "constructor": { "prototype": { "a": 6 } } })),
        ("a", json!({ "__proto__.a": 6 })),
        ("a.b", json!({ "a": { "__proto__": { "b": 6 } } })),
        ("a.b", json!({ "a": [{ "prototype": 1 }] })),
    ] {
        assert!(judged(name, &call).is_err(), "{name}: {call}");
    }
    for (name, call) in [
        ("a.b.c", json!({ "a.b": { "c": 5 }, "a.x": 9, "c": 9 })),
        ("constructor", json!({ "constructor": 5 })),
        ("a", json!({ "x": { "__proto__": 1 }, "proto": 1 })),
    ] {
        assert_eq!(judged(name, &call), Ok(()), "{name}: {call}");
    }
    for (name, stranger) in [
        ("file_path", "filePath"),
        ("file_path", "FilePath"),
        ("file_path", "file-path"),
        ("file_path", "filepath"),
        ("filePath", "file_path"),
        ("o.file_path", "o.filePath"),
        ("from", "from_"),
        ("file_path", "ｆile＿path"),
        ("file_path", "file\u{200b}path"),
    ] {
        assert!(judged(name, &json!({ stranger: 1 })).is_err(), "{name}: {stranger}");
    }
    assert_eq!(judged("id", &json!({ "_id": 9, "ids": 9 })), Ok(()), "other names");
    let both = Rules::new([number("file_path"), number("filePath")], Unknown::Pass);
    assert_eq!(check(&call(json!(1)), &both, &Links::default()), Ok(()));
    let ruled = Map::from_iter([("filePath".to_owned(), json!(1)), ("file_path".to_owned(), json!(2))]);
    assert_eq!(check(&ruled, &both, &Links::default()), Ok(()), "what a rule names is no stranger");
    let none = Rules::<()>::new([], Unknown::Pass);
    let call = json!({ "a\u{0}": 1 }).as_object().cloned().unwrap_or_default();
    assert_eq!(check(&call, &none, &Links::default()), Ok(()), "without rules nothing is ruled");
}

/// Each name is folded once, however many rules there are: 40,000 names and 500 rules would take minutes otherwise.
#[test]
fn many_strangers_are_cheap() {
    let rule = |at| Rule { name: format!("é{at}"), kind: Kind::Text { max_length: 5 }, from: () };
    let rules = Rules::new((0..500).map(rule), Unknown::Pass);
    let call: Map<String, Value> = (0..40_000).map(|at| (format!("ü{at}"), Value::Null)).collect();
    let begun = std::time::Instant::now();
    assert_eq!(check(&call, &rules, &Links::default()), Ok(()));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn a_call_is_bounded() {
    let deep = (0..300).fold(json!("x"), |inner, _| json!([inner]));
    let many = Value::from(vec![json!("x"); MAX_VALUES + 1]);
    for (value, why) in [(deep, Why::TooDeep), (many, Why::TooMany)] {
        let rules = Rules::new(
            [Rule { name: "a".to_owned(), kind: Kind::Text { max_length: 5 }, from: () }],
            Unknown::Pass,
        );
        assert_eq!(check(&call(value), &rules, &Links::default()).expect_err("refused").why, why);
    }
}
