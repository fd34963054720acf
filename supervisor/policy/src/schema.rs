//! The JSON Schema of the policy language, made from the types that decode it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::document::Document;

/// The JSON Schema (draft 2020-12) of a policy file, for editors. `mcpguard check` knows more than a schema can say.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "mcpguard policy".into());
    schema.to_value()
}
