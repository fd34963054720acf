//! Scalars of a host file: paths that the user's environment has no part in, and patterns of names.

use schemars::json_schema;

use crate::document::list::Subject;
use crate::document::path::{Denied, PathText};
use crate::document::template::{Part, Variable};
use crate::document::words::scalar;
use crate::document::{FromText, text};
use crate::plan::NamePattern;
use crate::problem::Complaint;

/// The version of the host rules' language. There is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostVersion;

impl FromText for HostVersion {
    const WHAT: &str = "the version";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "1" => Ok(Self),
            other => {
                let message = format!("this mcpguard reads version 1 of the host rules, not `{other}`");
                Err(Complaint::new(message).instead("1"))
            }
        }
    }
}

/// A path of which the user decides nothing but `${home}` and `${workspace}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPath(pub(crate) PathText);

impl HostPath {
    /// Whether the path begins with `${workspace}`.
    pub(crate) fn is_in_workspace(&self) -> bool {
        self.0.template().parts().first() == Some(&Part::Variable(Variable::Workspace))
    }
}

impl FromText for HostPath {
    const WHAT: &str = PathText::WHAT;
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let path = PathText::from_text(text).map_err(only_a_path)?;
        let theirs = path.template().parts().iter().any(|part| match part {
            Part::Literal(_) | Part::Variable(Variable::Home | Variable::Workspace) => false,
            Part::Variable(_) => true,
        });
        match theirs {
            true => Err(Complaint::new(format!(
                "what `{text}` is would be decided by the user's environment; host rules know `${{home}}` and `${{workspace}}`"
            ))),
            false => Ok(Self(path)),
        }
    }
}

/// A bare name would be looked for in the user's `PATH`, and a workspace is not what an administrator means by it.
fn only_a_path(Complaint { message, suggestion }: Complaint) -> Complaint {
    let suggestion = suggestion.filter(|text| !text.starts_with("${workspace}"));
    Complaint { message, suggestion }
}

impl Subject for HostPath {
    const KEY: &str = PathText::KEY;
    type Options = ();
    fn show(&self) -> String {
        self.0.show()
    }
}

/// What stays closed: such a path, or a name wherever it is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostDenied {
    Path(HostPath),
    Name { raw: String, pattern: NamePattern },
}

impl FromText for HostDenied {
    const WHAT: &str = Denied::WHAT;
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match Denied::from_text(text)? {
            Denied::Path(_) => HostPath::from_text(text).map(Self::Path),
            Denied::Name { raw, pattern } => Ok(Self::Name { raw, pattern }),
        }
    }
}

impl Subject for HostDenied {
    const KEY: &str = Denied::KEY;
    type Options = ();
    fn show(&self) -> String {
        match self {
            Self::Path(path) => path.show(),
            Self::Name { raw, .. } => raw.clone(),
        }
    }
}

/// Makes a pattern of names: `*` is any run of characters, `?` exactly one.
macro_rules! pattern {
    ($(#[doc = $doc:literal])* $name:ident, $what:literal, $key:literal, $most:literal, $sound:expr, $schema:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) String);

        impl FromText for $name {
            const WHAT: &str = $what;
            fn from_text(text: &str) -> Result<Self, Complaint> {
                let sound: fn(char) -> bool = $sound;
                match (1..=$most).contains(&text.chars().count()) && text.chars().all(|c| sound(c) || "*?".contains(c)) {
                    true => Ok(Self(text.to_owned())),
                    false => Err(Complaint::new(format!(
                        "`{text}` is not {}; `*` (any run) and `?` (one character) are the only patterns", $what
                    ))),
                }
            }
        }

        impl Subject for $name {
            const KEY: &str = $key;
            type Options = ();
            fn show(&self) -> String {
                self.0.clone()
            }
        }

        scalar! { $name: text, json_schema!({ "type": "string", "pattern": $schema }); }
    };
}

pattern! {
    /// Names of environment variables.
    VariablePattern, "a variable's name or glob", "name", 255,
    |c| c.is_ascii_alphanumeric() || c == '_', "^[A-Za-z0-9_*?]+$"
}

pattern! {
    /// Names of shipped presets.
    PresetPattern, "a preset's name or glob", "preset", 255,
    |c| c.is_ascii_alphanumeric() || "/-_".contains(c), "^[A-Za-z0-9/_*?-]+$"
}

pattern! {
    /// Names of tools.
    ToolPattern, "a tool's name or glob", "tool", 128,
    |c| !c.is_whitespace() && !"\\[]{}!".contains(c), r"^[^\s\\\[\]{}!]{1,128}$"
}

scalar! {
    HostVersion: crate::document::decode::number, json_schema!({ "const": 1 });
    HostPath: text, json_schema!({ "type": "string", "pattern": r"^(/|\$\{(home|workspace)\})" });
    HostDenied: text, json_schema!({ "type": "string", "pattern": r"^(/|\$\{(home|workspace)\}|\*\*/)" });
}
