//! `prompts` and `resources`: what of them is open, and to whom.

use schemars::json_schema;

use super::decode::{FromText, text};
use super::names::{Scope, Sentence};
use super::section::section;
use super::table::{Name, Table};
use super::words::scalar;
use crate::problem::Complaint;

/// What holds for prompts or resources, by name or address.
pub(crate) type Accesses = Table<AccessKey, Access>;

section! {
    /// What holds for a prompt or a resource.
    Access requires [] {
        /// One that is disabled is refused and hidden. Under `defaults`, `false` makes the section an allow-list: what is named is enabled.
        enabled: bool,
        /// The scope that the caller must hold; to others it is hidden.
        require_scope: Scope,
        /// Why; told to the client when it is refused.
        reason: Sentence,
    }
}

/// A name or address, or a glob of them; `defaults` for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccessKey(pub(crate) String);

const KEY: &str = r"^[^\s\\]{1,512}$";

impl FromText for AccessKey {
    const WHAT: &str = "a name, an address or a glob";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let strange = |c: char| c.is_whitespace() || c == '\\' || c.is_control();
        if text.is_empty() || text.chars().count() > 512 || text.contains(strange) {
            let message =
                format!("`{text}` is not a name, an address or a glob of 1 to 512 characters without blanks");
            return Err(Complaint::new(message));
        }
        if text.chars().all(|c| c == '*') {
            return Err(
                Complaint::new("what holds for all of them stands under `defaults`").instead("defaults")
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl Name for AccessKey {
    const MAY_BE_EMPTY: bool = false;
    fn pattern() -> &'static str {
        KEY
    }
}

scalar! {
    AccessKey: text, json_schema!({ "type": "string", "pattern": KEY });
}
