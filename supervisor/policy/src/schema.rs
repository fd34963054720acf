//! The JSON Schemas of policies and host rules, made from the types that decode them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::document::Document;
use crate::host::HostDocument;

/// The JSON Schema (draft 2020-12) of a policy file, for editors. `mcpguard check` knows more than a schema can say.
pub fn schema() -> Value {
    of::<Document>("mcpguard policy")
}

/// The JSON Schema (draft 2020-12) of a file of host rules, for editors.
pub fn host_schema() -> Value {
    of::<HostDocument>("mcpguard host rules")
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}
