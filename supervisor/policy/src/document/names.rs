//! Texts of a policy that are written freely: sentences, and names of many kinds.

use schemars::{Schema, json_schema};

use super::decode::{FromText, text};
use super::table::Name;
use super::words::scalar;
use crate::problem::Complaint;

/// Free text for people: a description, a reason. Up to 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence(pub(crate) String);

impl FromText for Sentence {
    const WHAT: &str = "a sentence";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text.trim() {
            "" => Err(Complaint::new("this text is empty")),
            text if text.chars().count() > 1000 => {
                Err(Complaint::new("this text has more than 1000 characters"))
            }
            text => Ok(Self(text.to_owned())),
        }
    }
}

/// The name of a policy: it stands in records and file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyName(pub(crate) String);

const POLICY_NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

impl FromText for PolicyName {
    const WHAT: &str = "a policy's name";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let sound = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if sound && text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Complaint::new(
            "a policy's name is 1 to 64 letters, digits, `.`, `_` and `-`, and starts with a letter or digit",
        ))
    }
}

/// Another policy: a preset's name or a file, as the library reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference(pub(crate) String);

impl FromText for Reference {
    const WHAT: &str = "a preset or file";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "" => Err(Complaint::new("a preset's name (`runtime/node`) or a file's path is wanted here")),
            text if text.len() > 4096 => Err(Complaint::new("this path is longer than 4096 bytes")),
            text => Ok(Self(text.to_owned())),
        }
    }
}

/// The name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VariableName(pub(crate) String);

const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

impl FromText for VariableName {
    const WHAT: &str = "a variable's name";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if is_variable_name(text) {
            return Ok(Self(text.to_owned()));
        }
        let bare = text.trim_start_matches('$').trim_start_matches('{').trim_end_matches('}');
        let message = format!("`{text}` is not a variable's name (letters, digits and `_`, no pattern)");
        let complaint = Complaint::new(message);
        Err(if is_variable_name(bare) { complaint.instead(bare) } else { complaint })
    }
}

/// Whether a text is a variable's name: letters, digits and `_`, not starting with a digit, at most 255 bytes.
pub(crate) fn is_variable_name(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Name for VariableName {
    const MAY_BE_EMPTY: bool = true;
    fn pattern() -> &'static str {
        VARIABLE
    }
}

/// A scope that a caller may hold (OAuth's `scope-token`, RFC 6749 §3.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope(pub(crate) String);

const SCOPE: &str = r"^[!#-\[\]-~]{1,128}$";

impl FromText for Scope {
    const WHAT: &str = "a scope";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let sound = text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
        match sound && (1..=128).contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(Complaint::new("a scope is one word of 1 to 128 printable ASCII characters")),
        }
    }
}

impl Name for Scope {
    const MAY_BE_EMPTY: bool = false;
    fn pattern() -> &'static str {
        SCOPE
    }
}

/// A media type, or all of a kind: `image/png`, `text/*` (RFC 6838 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaType(pub(crate) String);

const MEDIA_TYPE: &str = r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})$";

impl FromText for MediaType {
    const WHAT: &str = "a media type";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let name = |name: &str| {
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            (1..=127).contains(&name.len())
                && name.starts_with(letter)
                && name.chars().all(|c| letter(c) || "!#$&^_.+-".contains(c))
        };
        let sound = text.split_once('/').is_some_and(|(kind, own)| name(kind) && (own == "*" || name(own)));
        match sound {
            true => Ok(Self(text.to_owned())),
            false => Err(Complaint::new(format!(
                "`{text}` is not a media type in lower case, such as `image/png`, nor all of a kind, such as `text/*`"
            ))),
        }
    }
}

/// A JSON-RPC method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Method(pub(crate) String);

const METHOD: &str = "^[A-Za-z0-9_$.-]+(/[A-Za-z0-9_$.-]+)*$";

impl FromText for Method {
    const WHAT: &str = "a method";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_$.-".contains(c))
        };
        match text.len() <= 128 && text.split('/').all(part) {
            true => Ok(Self(text.to_owned())),
            false => Err(Complaint::new(format!(
                "`{text}` is not a method such as `vendor/do_it`; patterns are not possible"
            ))),
        }
    }
}

/// The name of a tool's argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArgumentName(pub(crate) String);

impl FromText for ArgumentName {
    const WHAT: &str = "an argument's name";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match (1..=256).contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(Complaint::new("an argument's name has 1 to 256 bytes")),
        }
    }
}

impl Name for ArgumentName {
    const MAY_BE_EMPTY: bool = false;
    fn pattern() -> &'static str {
        "^.{1,256}$"
    }
}

/// Text that an argument may be. Numbers and truth values stand in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Literal(pub(crate) String);

impl FromText for Literal {
    const WHAT: &str = "a value";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        Ok(Self(text.to_owned()))
    }
}

fn named(pattern: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": pattern })
}

scalar! {
    Sentence: text, json_schema!({ "type": "string", "minLength": 1, "maxLength": 1000 });
    PolicyName: text, named(POLICY_NAME);
    Reference: text, json_schema!({ "type": "string", "minLength": 1 });
    VariableName: text, named(VARIABLE);
    Scope: text, named(SCOPE);
    Method: text, named(METHOD);
    MediaType: text, named(MEDIA_TYPE);
    Literal: text, json_schema!({ "type": "string" });
}
