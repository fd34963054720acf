//! Arguments: what the doorman checks before a call goes to the server.

use super::{AbsolutePath, RuleId};

/// What an argument must be, under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentRule {
    /// The argument's name; dots lead into objects (`options.path`).
    pub name: String,
    /// What it must be.
    pub kind: ArgumentKind,
    /// The policy rule that asks for it.
    pub from: RuleId,
}

/// The first-class types of arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A path that lies in one of these directories, as it is written and where it leads.
    Path {
        /// As the tool sees them.
        within: Vec<AbsolutePath>,
    },
    /// A URL.
    Url {
        /// In lower case; none named: `https`.
        schemes: Vec<String>,
        /// `api.example.org`, `*.example.org`; none named: any public host.
        hosts: Vec<String>,
        /// In characters.
        max_length: Option<u64>,
    },
    /// A command line without shell syntax.
    Command {
        /// By bare name or absolute path.
        programs: Vec<String>,
        /// In characters.
        max_length: Option<u64>,
    },
    /// A single SQL statement.
    Sql {
        /// Its kind by its first word, in lower case.
        statements: Vec<String>,
        /// In characters.
        max_length: Option<u64>,
    },
    /// Text without invisible characters.
    Text {
        /// In characters.
        max_length: u64,
    },
    /// A number.
    Number {
        /// The least.
        min: Option<Finite>,
        /// The greatest.
        max: Option<Finite>,
    },
    /// One of these.
    Enum {
        /// Texts; numbers and truth values as they are written in JSON.
        values: Vec<String>,
    },
    /// Text that the expression matches as a whole.
    Pattern {
        /// A linear-time regular expression (crate `regex`).
        pattern: String,
        /// In characters.
        max_length: Option<u64>,
    },
}

/// A number that is neither infinite nor none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finite(f64);

impl Eq for Finite {}

impl Finite {
    /// The number; `None` if it is infinite or no number.
    pub fn new(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}
