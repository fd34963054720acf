//! A domain that may be reached, and how it is made sure that it is reached and nobody else.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::address::Domain;
use super::decode::{At, Decode};
use super::list::{Filled, Subject};
use super::section::section;
use super::words::words;
use crate::plan::{Records, Verify};
use crate::problem::Report;
use crate::yaml::Node;

/// An item of `allowed_domains`: `api.example.com`, or `{ domain: db.example.com, verify: address-only }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The name or wildcard.
    pub(crate) domain: Domain,
    /// What stands beside it.
    pub(crate) options: DestinationOptions,
}

section! {
    /// How a domain is reached.
    DestinationOptions requires [] {
        /// How it is made sure that a connection is the domain's; by default `name`.
        verify: Verify,
        /// Types of records beyond addresses that may be looked up.
        records: Filled<At<Record>>,
    }
}

words! { "a way to verify", Verify {
    /// On ports where hosts are named (TLS, HTTP), the name that is spoken must be the domain's, too.
    Verify::Name = "name",
    /// The address is enough: whoever shares it is reached as well.
    Verify::AddressOnly = "address-only",
} }

/// A type of DNS record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Record {
    Srv,
    Txt,
}

words! { "a type of records", Record {
    /// Where a service is: SRV for `_service._proto.` beneath the domain (`mongodb+srv`).
    Record::Srv = "srv",
    /// Text: TXT for the domain and `_service.` beneath it.
    Record::Txt = "txt",
} }

impl Destination {
    /// What is written, else checking by name.
    pub(crate) fn verify(&self) -> Verify {
        self.options.verify.as_ref().map_or_else(Verify::default, |at| at.value)
    }

    /// The types of records that are listed.
    pub(crate) fn records(&self) -> Records {
        let listed = |record| self.listed().any(|at| at.value == record);
        Records { srv: listed(Record::Srv), txt: listed(Record::Txt) }
    }

    /// The list of records as it is written.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &At<Record>> {
        self.options.records.iter().flat_map(|at| &at.value.0)
    }
}

impl Subject for Destination {
    const KEY: &str = Domain::KEY;
    type Options = DestinationOptions;
    fn show(&self) -> String {
        self.domain.show()
    }
    fn with(self, options: DestinationOptions) -> Self {
        Self { options, ..self }
    }
}

impl Decode for Destination {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        Domain::decode(node, report).map(|domain| Self { domain, options: DestinationOptions::default() })
    }
}

impl JsonSchema for Destination {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Destination".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Domain>()
    }
}
