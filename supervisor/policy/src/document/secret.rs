//! `environment.secrets`: where a secret is fetched from.

use super::decode::{At, Decode, FromText, text};
use super::list::Filled;
use super::names::VariableName;
use super::path::PathText;
use super::section::{Merge, section};
use super::template::Template;
use super::words::scalar;
use crate::problem::{Complaint, Report};
use crate::yaml::{Kind, Node};

section! {
    /// Where a secret is fetched from: exactly one source.
    SecretKeys requires [] {
        /// A variable of mcpguard's own environment.
        from_env: VariableName,
        /// The content of a file.
        from_file: PathText,
        /// What a program prints, as a list of its words. No shell is involved.
        from_command: Filled<At<Template>>,
        /// An entry of the keyring.
        from_keyring: Keyring,
    }
}

section! {
    /// An entry of the keyring.
    Keyring requires ["service", "user"] {
        /// The service attribute.
        service: Attribute,
        /// The user attribute.
        user: Attribute,
    }
}

/// An attribute of a keyring entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute(pub(crate) String);

impl FromText for Attribute {
    const WHAT: &str = "an attribute";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match (1..=256).contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(Complaint::new("an attribute has 1 to 256 bytes")),
        }
    }
}

scalar! {
    Attribute: text, schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 256 });
}

/// Where a secret is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    Environment(At<VariableName>),
    File(At<PathText>),
    Command(At<Filled<At<Template>>>),
    Keyring { at: crate::plan::Origin, service: String, user: String },
}

impl Decode for Secret {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let SecretKeys { from_env, from_file, from_command, from_keyring } =
            SecretKeys::decode(node, report)?;
        let mut sources: Vec<Self> = Vec::new();
        sources.extend(from_env.map(Self::Environment));
        sources.extend(from_file.map(Self::File));
        sources.extend(from_command.map(Self::Command));
        sources.extend(from_keyring.and_then(keyring));
        match sources.len() {
            1 => sources.pop(),
            // A key that stands there was wrong and is noted.
            0 if matches!(&node.kind, Kind::Mapping(entries) if !entries.is_empty()) => None,
            0 => {
                report.error(
                    &node.origin,
                    "a secret needs a source: from_env, from_file, from_command or from_keyring",
                );
                None
            }
            _ => {
                report.error(&node.origin, "a secret has one source; here are several");
                None
            }
        }
    }
}

fn keyring(At { value: Keyring { service, user }, origin }: At<Keyring>) -> Option<Secret> {
    let (service, user) = (service?.value.0, user?.value.0);
    Some(Secret::Keyring { at: origin, service, user })
}

impl Merge for Secret {
    fn merge(self, later: Self) -> Self {
        later
    }
}

impl schemars::JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = <SecretKeys as schemars::JsonSchema>::json_schema(generator);
        schema.insert("minProperties".to_owned(), 1.into());
        schema.insert("maxProperties".to_owned(), 1.into());
        schema
    }
}
