//! `tools.<name>.arguments`: first-class types instead of hand-written patterns.

use schemars::json_schema;

use super::address::Domain;
use super::decode::{Decode, FromText, text};
use super::list::{Filled, Item, Subject};
use super::names::{Literal, Sentence};
use super::numbers::{Bound, Whole};
use super::path::Program;
use super::section::{Section, section};
use super::words::{scalar, words};
use crate::document::Merge;
use crate::problem::{Complaint, Report};
use crate::yaml::{Kind, Node};

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgumentType {
    Path,
    Url,
    Command,
    Sql,
    Text,
    Number,
    Enum,
    Pattern,
}

words! { "a type", ArgumentType {
    /// A path; normalised, and beneath one of `within`.
    ArgumentType::Path = "path",
    /// A URL; of one of `schemes`, to one of `allowed_domains`.
    ArgumentType::Url = "url",
    /// A command line without shell syntax; of one of `allowed_programs`.
    ArgumentType::Command = "command",
    /// A single SQL statement; of one of `statements`.
    ArgumentType::Sql = "sql",
    /// Text of at most `max_length` characters.
    ArgumentType::Text = "text",
    /// A number from `min` to `max`.
    ArgumentType::Number = "number",
    /// One of `values`.
    ArgumentType::Enum = "enum",
    /// Text that `pattern` matches as a whole.
    ArgumentType::Pattern = "pattern",
} }

section! {
    /// What an argument of a tool must be.
    ArgumentKeys requires ["type"] {
        /// What the argument is.
        kind as "type": ArgumentType,
        /// Of a path: the directories it must lie in, as the tool sees them.
        within: Filled<Item<Within>>,
        /// Of a URL: its scheme.
        schemes: Filled<Item<Scheme>>,
        /// Of a URL: its host.
        allowed_domains: Filled<Item<Domain>>,
        /// Of a command: its program.
        allowed_programs: Filled<Item<Program>>,
        /// Of SQL: the kind of statement, such as `select`.
        statements: Filled<Item<Statement>>,
        /// Of text, a URL, a command or SQL: the greatest number of characters.
        max_length: Whole<1, 16_777_216>,
        /// Of a number: the least.
        min: Bound,
        /// Of a number: the greatest.
        max: Bound,
        /// Of an enum: what it may be.
        values: Filled<Item<Literal>>,
        /// Of a pattern: a regular expression for the whole text.
        pattern: Pattern,
        /// Why.
        reason: Sentence,
    }
}

/// What an argument must be: a type, and only parameters that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument(pub(crate) ArgumentKeys);

impl ArgumentType {
    /// The parameters of the type, and those of them that must be there.
    fn parameters(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Path => (&["within"], &["within"]),
            Self::Url => (&["schemes", "allowed_domains", "max_length"], &[]),
            Self::Command => (&["allowed_programs", "max_length"], &["allowed_programs"]),
            Self::Sql => (&["statements", "max_length"], &["statements"]),
            Self::Text => (&["max_length"], &["max_length"]),
            Self::Number => (&["min", "max"], &[]),
            Self::Enum => (&["values"], &["values"]),
            Self::Pattern => (&["pattern", "max_length"], &["pattern"]),
        }
    }
}

impl Decode for Argument {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let keys = ArgumentKeys::decode(node, report)?;
        let Kind::Mapping(entries) = &node.kind else { return None };
        let kind = keys.kind.as_ref()?.value;
        let (known, needed) = kind.parameters();
        let word = super::words::Word::word(kind);
        for (key, _) in entries {
            let is_parameter = ArgumentKeys::FIELDS.iter().any(|field| field.key == key.name);
            if is_parameter && !matches!(&key.name[..], "type" | "reason") && !known.contains(&&key.name[..])
            {
                report.error(&key.origin, format!("`{}` does not belong to the type `{word}`", key.name));
            }
        }
        for parameter in needed.iter().filter(|needed| !entries.iter().any(|(key, _)| key.name == **needed)) {
            report.error(&node.origin, format!("the type `{word}` needs `{parameter}`"));
        }
        check_bounds(&keys, report);
        Some(Self(keys))
    }
}

fn check_bounds(keys: &ArgumentKeys, report: &mut Report) {
    if let (Some(min), Some(max)) = (&keys.min, &keys.max)
        && min.value.0 > max.value.0
    {
        report.error(&max.origin, "`max` is less than `min`: no number would be allowed");
    }
}

impl Merge for Argument {
    fn merge(self, later: Self) -> Self {
        later
    }
}

impl schemars::JsonSchema for Argument {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Argument".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<ArgumentKeys>()
    }
}

/// A directory as the tool sees it. Not necessarily one of this host: GitHub's paths start at `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Within(pub(crate) super::path::PathText);

impl FromText for Within {
    const WHAT: &str = "a path";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        super::path::PathText::from_text(text).map(Self)
    }
}

/// A scheme of a URL, in lower case (RFC 3986 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scheme(pub(crate) String);

const SCHEME: &str = "^[a-z][a-z0-9+.-]*$";

impl FromText for Scheme {
    const WHAT: &str = "a scheme";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let sound = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c));
        let bare = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match sound {
            true => Ok(Self(text.to_owned())),
            false => Err(Complaint::new("a scheme is written in lower case without `://`").instead(bare)),
        }
    }
}

/// The first word of an SQL statement, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement(pub(crate) String);

impl FromText for Statement {
    const WHAT: &str = "the first word of a statement";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase()) {
            true => Ok(Self(text.to_owned())),
            false => {
                let lower: String = text.to_ascii_lowercase().split_whitespace().take(1).collect();
                Err(Complaint::new("a kind of statement is one word in lower case, such as `select`")
                    .instead(lower))
            }
        }
    }
}

/// A regular expression that can be matched in linear time (no look-around, no back-references).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(pub(crate) String);

impl FromText for Pattern {
    const WHAT: &str = "a regular expression";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text.len() > 4096 {
            return Err(Complaint::new("this regular expression is longer than 4096 bytes"));
        }
        // The same as the doorman does with it, so that no expression loads that could not be matched.
        let whole = compiled(text).and_then(|()| compiled(&format!(r"\A(?:{text})\z")));
        match whole {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(error) => Err(Complaint::new(format!("this is not a regular expression: {error}"))),
        }
    }
}

fn compiled(expression: &str) -> Result<(), String> {
    let built = regex::RegexBuilder::new(expression)
        .nest_limit(32)
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .build();
    // The last line says what is wrong; those before it repeat the expression.
    let told = |error: regex::Error| error.to_string().lines().last().unwrap_or_default().trim().to_owned();
    built.map(drop).map_err(|error| told(error).trim_start_matches("error: ").to_owned())
}

/// Items that stand in lists of arguments and are plain text.
macro_rules! subjects {
    ($($type:ty: $key:literal, $show:expr, $schema:expr;)*) => {
        $(impl Subject for $type {
            const KEY: &str = $key;
            type Options = ();
            fn show(&self) -> String {
                let show: fn(&Self) -> String = $show;
                show(self)
            }
        })*
        scalar! { $($type: text, $schema;)* }
    };
}

subjects! {
    Within: "path", |within| within.0.raw().to_owned(), json_schema!({ "type": "string", "pattern": r"^(/|\$\{)" });
    Scheme: "scheme", |scheme| scheme.0.clone(), json_schema!({ "type": "string", "pattern": SCHEME });
    Statement: "statement", |statement| statement.0.clone(), json_schema!({ "type": "string", "pattern": "^[a-z]+$" });
}

impl Subject for Literal {
    const KEY: &str = "value";
    type Options = ();
    fn show(&self) -> String {
        self.0.clone()
    }
}

scalar! {
    Pattern: text, json_schema!({ "type": "string", "format": "regex", "maxLength": 4096 });
}
