//! The shipped JSON Schemas are those that the types make. `UPDATE_SCHEMA=1 cargo test -p mcpguard-policy` writes them.

use std::path::Path;

#[test]
fn the_shipped_schemas_are_made_from_the_types() {
    shipped_is_made("../../policies/mcpguard.schema.json", &policy::schema());
    shipped_is_made("../../policies/host.schema.json", &policy::host_schema());
}

fn shipped_is_made(file: &str, schema: &serde_json::Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let made = serde_json::to_string_pretty(schema).expect("schema") + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&file, &made).expect("write the schema");
    }
    let shipped = std::fs::read_to_string(&file).unwrap_or_default();
    similar_asserts::assert_eq!(shipped, made, "run UPDATE_SCHEMA=1 cargo test -p mcpguard-policy");
}

/// Every object of the schema names its keys and allows no others.
#[test]
fn no_object_is_open() {
    fn walk(value: &serde_json::Value, place: &str) {
        if let Some(object) = value.as_object() {
            if object.get("type").is_some_and(|kind| kind == "object") {
                assert_eq!(object.get("additionalProperties"), Some(&false.into()), "{place}");
            }
            object.iter().for_each(|(key, value)| walk(value, &format!("{place}/{key}")));
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            walk(value, &format!("{place}/{index}"));
        }
    }
    walk(&policy::schema(), "policy");
    walk(&policy::host_schema(), "host");
}
