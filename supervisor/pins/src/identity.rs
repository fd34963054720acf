//! Who a server is: what was started, and what it calls itself.

use serde::{Deserialize, Serialize};

use crate::json::Node;
use crate::sha256::Sha256;

/// What was started, as far as the caller knows it. The server has no say in this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// The program and its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The package it comes from: `npm:some-server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The version of the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The registry's digest of the package, as the registry writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// The digest of the program's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<Sha256>,
}

/// What a server told about itself when it was initialized (MCP specification 2025-11-25, lifecycle).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Told {
    /// `serverInfo.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `serverInfo.version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `instructions`, which clients put before the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

impl Told {
    /// As JSON would spell them: a text of controls is six times as long there.
    pub(crate) fn bytes(&self) -> usize {
        let Self { name, version, instructions } = self;
        let texts = [name, version, instructions].into_iter().flatten();
        texts.map(|text| Node::Text(text.clone()).canonical().len()).sum()
    }
}
