//! Which argument must be what: the rules of one tool, by the names of its arguments.

use std::collections::BTreeMap;
use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization as _;

use crate::invisible::is_invisible;
use crate::pattern::{PatternError, WholePattern};

/// What one argument must be.
///
/// An array is checked element by element, except that a command may be the array of its words. `null` as a member of
/// an object is taken for an absent argument, which servers do as well; within an array it is refused.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A path beneath one of the directories, by its spelling and through every symbolic link.
    Path {
        /// Absolute directories, normalised. None: no path will do.
        within: Vec<PathBuf>,
    },
    /// An absolute URL with a host.
    Url {
        /// In lower case. None: `https` alone.
        schemes: Vec<String>,
        /// `api.x.org`; `*.x.org`, which is not `x.org` itself; an address; `*` for whatever is public. None: `*`.
        /// With `:port` another port than the scheme's own, with `:*` any.
        hosts: Vec<String>,
        /// In characters; without it [`crate::UrlFault::TooLong`] is at 8,192.
        max_length: Option<u64>,
    },
    /// A command line without shell syntax, or the array of its words.
    Command {
        /// Bare names or absolute paths, which the first word equals. A program that starts others (`env`, `sudo`,
        /// `sh`, `xargs`) stands here only if whatever it starts may run.
        programs: Vec<String>,
        /// In characters; without it 8,192.
        max_length: Option<u64>,
    },
    /// A single SQL statement.
    Sql {
        /// First words in lower case, such as `select`.
        statements: Vec<String>,
        /// In characters; without it 65,536.
        max_length: Option<u64>,
    },
    /// Text without controls and invisible characters.
    Text {
        /// In characters.
        max_length: u64,
    },
    /// A JSON number; text that looks like one is not.
    Number {
        /// The least.
        min: Option<f64>,
        /// The greatest.
        max: Option<f64>,
    },
    /// One of the values.
    Enum {
        /// A text as it is; numbers, `true` and `false` as JSON writes them.
        values: Vec<String>,
    },
    /// Text that the pattern matches as a whole.
    Pattern {
        /// See [`Kind::pattern`].
        regex: WholePattern,
        /// In characters; without it 65,536.
        max_length: Option<u64>,
    },
}

impl Kind {
    /// Text that the regular expression matches as a whole, without anchors of its own.
    ///
    /// # Errors
    /// When this is no regular expression, or one that takes more than 1 MiB when it is compiled.
    pub fn pattern(expression: &str, max_length: Option<u64>) -> Result<Self, PatternError> {
        Ok(Self::Pattern { regex: WholePattern::new(expression)?, max_length })
    }
}

/// What the argument of a name must be, and which rule says so.
#[derive(Clone, Debug)]
pub struct Rule<R> {
    /// The argument's name. With dots that of a member within it: `options.path`, `edits.path` in every element.
    pub name: String,
    /// What it must be.
    pub kind: Kind,
    /// The caller's own number of the rule.
    pub from: R,
}

/// What happens to an argument that no rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It passes.
    Pass,
    /// It is refused, and so is a member that no rule names of an object within which some rule names others.
    Refuse,
}

/// The rules of one tool's arguments.
#[derive(Clone, Debug)]
pub struct Rules<R> {
    pub(crate) root: Names<R>,
    pub(crate) unknown: Unknown,
}

/// What is known of one place: its rules, and the names beneath.
#[derive(Clone, Debug)]
pub(crate) struct Names<R> {
    pub(crate) rules: Vec<(Kind, R)>,
    beneath: BTreeMap<String, Names<R>>,
    /// The names beneath as a careless server reads them, and as they are written.
    alike: BTreeMap<String, String>,
}

impl<R: Copy> Rules<R> {
    /// All rules hold, also several of one name.
    ///
    /// A dot in a name is looked for as a step to a member and as a part of a member's name, wherever it stands: `a.b.c`
    /// is also `{"a.b":{"c":…}}`, since JSON allows either and a server may mean either.
    pub fn new(rules: impl IntoIterator<Item = Rule<R>>, unknown: Unknown) -> Self {
        let mut root = Names::none();
        for Rule { name, kind, from } in rules {
            root.at(name.split('.')).rules.push((kind, from));
        }
        Self { root, unknown }
    }
}

impl<R> Names<R> {
    fn none() -> Self {
        Self { rules: Vec::new(), beneath: BTreeMap::new(), alike: BTreeMap::new() }
    }

    fn at<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> &mut Self {
        names.into_iter().fold(self, |at, name| {
            at.alike.entry(folded(name)).or_insert_with(|| name.to_owned());
            at.beneath.entry(name.to_owned()).or_insert_with(Self::none)
        })
    }

    /// Whether no rule is about what stands beneath.
    pub(crate) fn ends(&self) -> bool {
        self.beneath.is_empty()
    }

    /// What is known of a member, by each part of its name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        name.split('.').try_fold(self, |at, part| at.beneath.get(part))
    }

    /// The ruled name that a careless server takes another for.
    pub(crate) fn resembling(&self, name: &str) -> Option<String> {
        let (mut at, mut ruled) = (self, Vec::new());
        for part in folded(name).split('.') {
            let written = at.alike.get(part.trim())?;
            at = at.beneath.get(written)?;
            ruled.push(&written[..]);
        }
        Some(ruled.join("."))
    }
}

/// Without case, compatibility forms, what is not seen, the space around it, and what joins words: `filePath` and
/// `file-path` are `file_path` to servers that take both styles (aliases of pydantic, humps). `_id` is not `id`.
fn folded(name: &str) -> String {
    let plain: String = name
        .nfkc()
        .filter(|character| !character.is_control() && !is_invisible(*character))
        .flat_map(char::to_lowercase)
        .collect();
    plain.trim().split('.').map(joined).collect::<Vec<_>>().join(".")
}

fn joined(part: &str) -> String {
    let words = part.trim().trim_start_matches('_');
    let begin = part.trim().len() - words.len();
    "_".repeat(begin) + &words.replace(['_', '-', ' '], "")
}
