//! Schemas of servers, honest and not, and instances.

use serde_json::{Map, Value, json};

use super::{Schema, SchemaError};

fn compiled(schema: &Value) -> Schema {
    Schema::compile(schema).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn refused(schema: &Value) -> SchemaError {
    match Schema::compile(schema) {
        Ok(_) => panic!("accepted: {}", &schema.to_string()[..100.min(schema.to_string().len())]),
        Err(error) => error,
    }
}

#[test]
fn an_ordinary_tool() {
    let schema = compiled(&json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "minLength": 1 },
            "mode": { "enum": ["r", "w"] },
            "lines": { "type": "array", "items": { "$ref": "#/$defs/line" }, "maxItems": 3 }
        },
        "required": ["path"],
        "additionalProperties": false,
        "$defs": { "line": { "type": "integer", "minimum": 1 } }
    }));
    assert_eq!(schema.validate(&json!({ "path": "a", "mode": "r", "lines": [1, 2] })), Ok(()));
    let told = |instance: Value| schema.validate(&instance).expect_err("a mismatch").to_string();
    assert_eq!(told(json!({})), "the whole lacks the required member \"path\"");
    assert_eq!(told(json!({ "path": 5 })), "/path is not as it must be: value is not of type \"string\"");
    assert_eq!(told(json!({ "path": "a", "mode": "x" })), "/mode must be one of [\"r\",\"w\"]");
    assert_eq!(
        told(json!({ "path": "a", "x\u{1b}": 1 })),
        "the whole has members that the schema does not know: x\\u{1b}"
    );
    assert!(told(json!({ "path": "a", "lines": [1, 0] })).starts_with("/lines/1 "));
    assert!(told(json!([])).contains("object"));
}

#[test]
fn a_mismatch_shows_no_value() {
    let secret = "s3cret".repeat(100);
    let schemas = [
        json!({ "maxLength": 3 }),
        json!({ "pattern": "^a$" }),
        json!({ "const": 1 }),
        json!({ "enum": [1] }),
        json!({ "not": {} }),
        json!({ "type": "object" }),
        json!({ "anyOf": [false] }),
        json!({ "oneOf": [true, true] }),
        json!(false),
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "format": "ipv4" }),
    ];
    for schema in schemas {
        for instance in [json!(secret), json!({ "a": secret })] {
            if let Err(mismatch) = compiled(&schema).validate(&instance) {
                let told = mismatch.to_string();
                assert!(!told.contains("s3cret") && told.len() < 400, "{schema}: {told}");
            }
        }
    }
    let keys = compiled(&json!({ "additionalProperties": false }));
    assert!(keys.validate(&json!({ secret: 1 })).expect_err("a mismatch").to_string().len() < 400);
}

#[test]
fn drafts_are_told_by_their_names() {
    let tuple =
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "items": [{ "type": "string" }] });
    assert!(compiled(&tuple).validate(&json!([1])).is_err());
    let tuple = json!({ "prefixItems": [{ "type": "string" }] });
    assert!(compiled(&tuple).validate(&json!([1])).is_err());
    assert!(Schema::compile(&json!({ "$schema": "https://evil.example/schema" })).is_err());
}

#[test]
fn a_schema_stays_in_its_document() {
    for reference in [
        "http://evil.example/x",
        "https://json-schema.org/draft/2020-12/schema",
        "file:///etc/passwd",
        "other.json",
        "//evil.example/x",
        "",
        "/a",
    ] {
        assert!(matches!(refused(&json!({ "$ref": reference })), SchemaError::Remote(_)), "{reference}");
        let deep = json!({ "properties": { "a": { "items": { "$dynamicRef": reference } } } });
        assert!(matches!(refused(&deep), SchemaError::Remote(_)), "{reference}");
    }
    assert!(matches!(refused(&json!({ "$ref": "#/$defs/none" })), SchemaError::Dangling(_)));
    assert!(matches!(refused(&json!({ "$ref": "#none" })), SchemaError::Dangling(_)));
    assert_eq!(
        refused(&json!({ "$defs": { "a": { "$id": "http://evil.example/" } } })),
        SchemaError::NestedId
    );
    let anchored = json!({ "$ref": "#a", "$defs": { "x": { "$anchor": "a", "type": "string" } } });
    assert!(compiled(&anchored).validate(&json!(1)).is_err());
    // A property may be called `$ref` or `id`.
    let named = json!({ "properties": { "$ref": { "type": "string" }, "id": { "type": "string" }, "$id": { "type": "string" } } });
    assert!(compiled(&named).validate(&json!({ "id": 1 })).is_err());
}

#[test]
fn what_is_no_schema_is_refused() {
    for schema in [json!(null), json!(1), json!("object"), json!([])] {
        assert_eq!(refused(&schema), SchemaError::NotASchema);
    }
    for schema in [
        json!({ "type": "objekt" }),
        json!({ "type": 5 }),
        json!({ "pattern": "(" }),
        json!({ "pattern": "(?=a)" }),
        json!({ "pattern": r"(a)\1" }),
        json!({ "pattern": "((a{200}){200}){200}" }),
        json!({ "required": "a" }),
        json!({ "properties": [] }),
    ] {
        assert!(matches!(refused(&schema), SchemaError::Unusable(_)), "{schema}");
    }
    assert!(compiled(&json!(true)).validate(&json!({ "a": 1 })).is_ok());
    assert!(compiled(&json!(false)).validate(&json!({})).is_err());
    assert!(compiled(&json!({ "type": "string" })).validate(&json!({})).is_err());
}

#[test]
fn a_pattern_that_cannot_be_applied_takes_nothing_else_with_it() {
    let properties = json!({ "a": { "pattern": "^(?!x)", "maxLength": 3 }, "b": { "$ref": "#/$defs/b" },
        "pattern": { "type": "string", "pattern": "^a$" }, "not": { "pattern": r"(a)\1", "type": "string" } });
    let schema = json!({ "properties": properties, "$defs": { "b": { "anyOf": [{ "pattern": "(?=b)", "type": "string" }] } },
        "required": ["a"], "additionalProperties": false, "oneOf": [{ "type": "object" }], "default": { "pattern": "(?=b)" } });
    assert!(matches!(refused(&schema), SchemaError::Unusable(_)));
    let (usable, fault) = Schema::compile_usable(&schema).expect("usable");
    assert!(matches!(fault, Some(SchemaError::Unusable(_))));
    for passes in [json!({ "a": "xx" }), json!({ "a": "x", "b": "x", "pattern": "a", "not": "x" })] {
        assert_eq!(usable.validate(&passes), Ok(()), "{passes}");
    }
    for differs in [
        json!({ "b": "x" }),
        json!({ "a": "xxxx" }),
        json!({ "a": "x", "b": 1 }),
        json!({ "a": "x", "not": 1 }),
        json!({ "a": "x", "pattern": "b" }),
        json!({ "a": "x", "c": 1 }),
    ] {
        assert!(usable.validate(&differs).is_err(), "{differs}");
    }
    let whole = Schema::compile_usable(&json!({ "pattern": "^a$" })).expect("usable");
    assert_eq!(whole.1, None);
    assert!(whole.0.validate(&json!("b")).is_err());
}

/// `not` without its pattern would refuse everything.
#[test]
fn a_pattern_that_excludes_is_not_left_out() {
    for schema in [
        json!({ "not": { "pattern": "(?=a)" } }),
        json!({ "if": { "properties": { "a": { "pattern": "(?=a)" } } }, "then": false }),
        json!({ "oneOf": [{ "pattern": "(?=a)" }, {}] }),
        json!({ "contains": { "pattern": "(?=a)" }, "maxContains": 1 }),
        json!({ "not": { "$ref": "#/$defs/a" }, "$defs": { "a": { "pattern": "(?=a)" } } }),
        json!({ "patternProperties": { "(?=a)": {} }, "additionalProperties": false }),
        json!({ "type": "objekt", "pattern": "(?=a)" }),
    ] {
        assert!(matches!(Schema::compile_usable(&schema), Err(SchemaError::Unusable(_))), "{schema}");
    }
}

#[test]
fn size_is_bounded() {
    let deep = (0..200).fold(json!({}), |inner, _| json!({ "not": inner }));
    assert_eq!(refused(&deep), SchemaError::TooDeep);
    assert_eq!(refused(&json!({ "description": "x".repeat(300_000) })), SchemaError::TooLarge);
    assert_eq!(refused(&json!({ "enum": vec![1; 20_000] })), SchemaError::TooManyParts);
    assert_eq!(
        refused(&json!({ "allOf": vec![json!({ "pattern": "a" }); 300] })),
        SchemaError::TooManyPatterns
    );
}

/// Definitions `0`, `1`, … of which each applies the next one in the way that is given.
fn chain(length: usize, next: impl Fn(Value) -> Value) -> Value {
    let mut all = Map::new();
    for at in 0..length {
        all.insert(at.to_string(), next(json!({ "$ref": format!("#/$defs/{}", at + 1) })));
    }
    all.insert(length.to_string(), json!({ "type": "object" }));
    json!({ "$ref": "#/$defs/0", "$defs": all })
}

#[test]
fn references_that_multiply_are_refused() {
    assert_eq!(refused(&chain(25, |next| json!({ "allOf": [next, next] }))), SchemaError::TooCostly);
    assert_eq!(
        refused(&chain(40, |next| json!({ "properties": { "a": next, "b": next } }))),
        SchemaError::TooCostly
    );
    assert_eq!(refused(&chain(300, |next| json!({ "properties": { "a": next } }))), SchemaError::TooDeep);
    assert_eq!(refused(&chain(100, |next| next)), SchemaError::TooDeep);
    assert!(Schema::compile(&chain(5, |next| json!({ "anyOf": [next, next] }))).is_ok());
}

#[test]
fn references_in_a_circle_are_refused() {
    assert_eq!(refused(&json!({ "$ref": "#" })), SchemaError::Endless);
    assert_eq!(refused(&json!({ "allOf": [{ "$ref": "#" }] })), SchemaError::Endless);
    let two = json!({ "properties": { "x": { "$ref": "#/$defs/a" } },
        "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } } });
    assert_eq!(refused(&two), SchemaError::Endless);
}

#[test]
fn recursion_is_bounded_by_the_instance() {
    let tree = compiled(
        &json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } }),
    );
    let grown = (0..10).fold(json!({}), |inner, _| json!({ "left": inner, "right": inner }));
    assert_eq!(tree.validate(&grown), Ok(()));
    let doubling = json!({ "properties": { "a": { "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] } } });
    let deep = (0..60).fold(json!({ "a": 1 }), |inner, _| json!({ "a": inner }));
    assert!(compiled(&doubling).validate(&deep).is_err());
    // Steps that multiply on the way down, in a schema that recurs: compiling stays quick, and instances are counted.
    let multiplying =
        chain(40, |next| json!({ "properties": { "a": next, "b": next, "c": { "$ref": "#" } } }));
    assert_eq!(compiled(&multiplying).validate(&json!({ "a": { "b": {} } })), Ok(()));
    let every: Map<String, Value> = (0..12)
        .map(|at| {
            let all: Map<String, Value> =
                (0..12).map(|to| (format!("p{to}"), json!({ "$ref": format!("#/$defs/d{to}") }))).collect();
            (format!("d{at}"), json!({ "properties": all }))
        })
        .collect();
    let clique = json!({ "$ref": "#/$defs/d0", "$defs": every });
    assert_eq!(compiled(&clique).validate(&json!({ "p1": { "p2": {} } })), Ok(()));
}

#[test]
fn large_results_of_ordinary_tools_pass() {
    let schema = compiled(&json!({ "type": "object", "properties": { "rows": { "type": "array",
        "items": { "type": "object", "properties": { "id": { "type": "integer" }, "name": { "type": "string" } }, "required": ["id"] } } } }));
    let rows: Vec<Value> = (0..30_000).map(|id| json!({ "id": id, "name": "x" })).collect();
    assert_eq!(schema.validate(&json!({ "rows": rows })), Ok(()));
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    assert!(schema.validate(&deep).is_err());
}

/// As deep as is let through, in parts and in values, on the stack of a thread.
#[test]
fn the_stack_suffices() {
    let mut schema = chain(60, |next| json!({ "allOf": [next] }));
    schema["$defs"]["60"] = json!({ "properties": { "a": { "$ref": "#" } } });
    assert_eq!(refused(&schema), SchemaError::TooDeep);
    let mut schema = chain(30, |next| json!({ "allOf": [next] }));
    schema["$defs"]["30"] = json!({ "properties": { "a": { "$ref": "#" } } });
    let schema = compiled(&schema);
    let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
    assert_eq!(schema.validate(&deep(25)), Ok(()));
    assert!(schema.validate(&deep(40)).is_err());
    let long = compiled(&json!({ "properties": { "a": { "$ref": "#" } } }));
    assert_eq!(long.validate(&deep(120)), Ok(()));
}
