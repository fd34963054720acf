//! Scalars of a policy: words from a fixed set.

use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use super::section::{Merge, prose};
use super::spelling::nearest;
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
