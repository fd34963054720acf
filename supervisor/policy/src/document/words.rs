//! Scalars of a policy: words from a fixed set, sentences, names.

use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use super::decode::{FromText, text};
use super::section::{Merge, prose};
use super::spelling::nearest;
use super::table::Name;
use crate::plan::{
    ArgumentDetail, AuditFailure, Consequence, FirstUse, OnChange, OnViolation, SyscallProfile,
};
use crate::problem::Complaint;
use crate::support::Layer;

/// Makes types that are written as text readable, mergeable (the later holds) and describable.
macro_rules! scalar {
    ($($type:ty: $reader:path, $schema:expr;)*) => {$(
        impl $crate::document::Decode for $type {
            fn decode(node: &$crate::yaml::Node, report: &mut $crate::problem::Report) -> Option<Self> {
                $reader(node, report)
            }
        }

        impl $crate::document::Merge for $type {
            fn merge(self, later: Self) -> Self {
                later
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    )*};
}
pub(crate) use scalar;

/// A word of a fixed set.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Every value, its word, and what it means.
    const WORDS: &[(Self, &str, &[&str])];

    /// The word.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, ..)| *value == self).map_or("", |(_, word, _)| *word)
    }
}

/// Reads a word of the set.
pub(crate) fn word<W: Word>(word: &str) -> Result<W, Complaint> {
    if let Some((value, ..)) = W::WORDS.iter().find(|(_, known, _)| *known == word) {
        return Ok(*value);
    }
    let known: Vec<&str> = W::WORDS.iter().map(|(_, word, _)| *word).collect();
    let complaint = Complaint::new(format!("`{word}` is none of {}", known.join(", ")));
    Err(match nearest(word, known.into_iter()) {
        Some(suggestion) => complaint.instead(suggestion),
        None => complaint,
    })
}

/// The schema of the set.
pub(crate) fn words_schema<W: Word>() -> Schema {
    let one =
        |(_, word, meaning): &(W, &str, &[&str])| json!({ "const": word, "description": prose(meaning) });
    let all: Vec<Value> = W::WORDS.iter().map(one).collect();
    json_schema!({ "type": "string", "oneOf": all })
}

/// Lists the words of an enum once; makes its decoder, merge and schema.
macro_rules! words {
    ($what:literal, $type:ty { $($(#[doc = $doc:literal])* $variant:path = $word:literal,)* }) => {
        impl $crate::document::words::Word for $type {
            const WORDS: &[(Self, &str, &[&str])] = &[$(($variant, $word, &[$($doc),*]),)*];
        }

        impl $crate::document::FromText for $type {
            const WHAT: &str = $what;
            fn from_text(text: &str) -> Result<Self, $crate::problem::Complaint> {
                $crate::document::words::word(text)
            }
        }

        $crate::document::words::scalar! {
            $type: $crate::document::text, $crate::document::words::words_schema::<$type>();
        }
    };
}
pub(crate) use words;

words! { "deny or kill", OnViolation {
    /// The operation fails.
    OnViolation::Deny = "deny",
    /// The operation fails and the whole session is ended.
    OnViolation::Kill = "kill",
} }

words! { "freeze or kill", Consequence {
    /// Every process of the session stands still until a person has looked.
    Consequence::Freeze = "freeze",
    /// The whole session is ended.
    Consequence::Kill = "kill",
} }

words! { "a profile", SyscallProfile {
    /// What Node, Python, Go and git need.
    SyscallProfile::Default = "default",
    /// What a server needs that starts no other program.
    SyscallProfile::Strict = "strict",
} }

words! { "a detail", ArgumentDetail {
    /// Nothing of a call's arguments but their size.
    ArgumentDetail::None = "none",
    /// Names and types.
    ArgumentDetail::Names = "names",
    /// Values; long ones cut, secrets replaced.
    ArgumentDetail::Redacted = "redacted",
} }

words! { "record or refuse", FirstUse {
    /// It is taken as it is, and remembered.
    FirstUse::Record = "record",
    /// Its tools are closed until somebody has accepted it.
    FirstUse::Refuse = "refuse",
} }

words! { "flag, quarantine or block", OnChange {
    /// A record tells of it.
    OnChange::Flag = "flag",
    /// What has changed is closed until somebody has accepted it.
    OnChange::Quarantine = "quarantine",
    /// The whole server is closed until somebody has accepted it.
    OnChange::Block = "block",
} }

words! { "stop or continue", AuditFailure {
    /// The session is stopped.
    AuditFailure::Stop = "stop",
    /// The session goes on; the loss is counted and recorded later.
    AuditFailure::Continue = "continue",
} }

words! { "a layer", Layer {
    /// Files, TCP ports, IPC scopes.
    Layer::Landlock = "landlock",
    /// System calls.
    Layer::Seccomp = "seccomp",
    /// Limits of each process.
    Layer::Rlimit = "rlimit",
    /// Environment, descriptors, privileges.
    Layer::Spawn = "spawn",
    /// The MCP pipe.
    Layer::Doorman = "doorman",
    /// The log.
    Layer::Audit = "audit",
    /// Programs on kernel hooks: addresses, tool grants, deny inside allow, rates.
    Layer::Ebpf = "ebpf",
    /// Limits of the whole process tree.
    Layer::Cgroup = "cgroup",
    /// Domains: which names are looked up, and which are spoken on connections.
    Layer::Resolver = "resolver",
} }

/// Whether a request of the server may reach the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Allow,
    Deny,
}

words! { "allow or deny", Permission {
    /// It may reach the client.
    Permission::Allow = "allow",
    /// It is answered with an error.
    Permission::Deny = "deny",
} }

/// What becomes of a call that exceeds a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnRateLimit {
    Deny,
    Throttle,
}

words! { "deny or throttle", OnRateLimit {
    /// It is refused, and told when to come again.
    OnRateLimit::Deny = "deny",
    /// It waits for its turn, if that comes within its `timeout_seconds`.
    OnRateLimit::Throttle = "throttle",
} }

/// What is cut out of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redaction {
    Secrets,
    PersonalData,
    HiddenInstructions,
    Exfiltration,
    InvisibleCharacters,
}

words! { "a kind of data", Redaction {
    /// The values of `environment.secrets`, and keys and tokens in well-known forms.
    Redaction::Secrets = "secrets",
    /// E-mail addresses, phone numbers, card numbers, bank accounts.
    Redaction::PersonalData = "personal_data",
    /// Texts that speak to a model as its user or system would.
    Redaction::HiddenInstructions = "hidden_instructions",
    /// Texts that would carry data out.
    Redaction::Exfiltration = "exfiltration",
    /// Characters that a person does not see.
    Redaction::InvisibleCharacters = "invisible_characters",
} }

impl Merge for bool {
    fn merge(self, later: Self) -> Self {
        later
    }
}

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
