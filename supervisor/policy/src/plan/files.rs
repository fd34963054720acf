//! Files: what the process tree may read, write and execute.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::{ClassMask, RuleId};

/// An absolute path without `.`, `..`, empty or NUL parts. Symlinks in it are the kernel's to resolve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsolutePath(PathBuf);

impl AbsolutePath {
    /// Takes the path if it is absolute and has no `..`; repeated slashes and `.` are dropped.
    pub fn new(path: impl AsRef<Path>) -> Option<Self> {
        let path = path.as_ref();
        let sound = path.is_absolute()
            && !path.as_os_str().as_encoded_bytes().contains(&0)
            && !path.components().any(|part| part == Component::ParentDir);
        sound.then(|| Self(path.components().collect()))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Whether `other` is this path or lies beneath it. `/allowed` never covers `/allowed_evil`.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

/// What the process tree may do with files. Whatever no rule names is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesPlan {
    /// Sorted by path, one entry a path. The longest path that covers a file decides for it alone:
    /// its masks already contain what is inherited from shorter ones.
    pub rules: Vec<PathRule>,
    /// Denied names; they win over every path rule.
    pub names: Vec<NameRule>,
}

/// The verdict for one path and everything beneath it, up to the next longer rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    /// The path.
    pub path: AbsolutePath,
    /// Classes that may read files and list directories here.
    pub read: ClassMask,
    /// Classes that may create, change, rename and remove here.
    pub write: ClassMask,
    /// Classes that may execute here. Only `allowed_programs` gives it.
    pub execute: ClassMask,
    /// Whether the nearest grant of files is one to read: what lies here is meant to be used as it is, so that its
    /// code may be mapped although a wider grant lets the session write here.
    pub code: bool,
    /// The policy rules that made this entry, those of this very path first.
    pub from: Vec<RuleId>,
}

impl FilesPlan {
    /// The rule that decides for a path: the longest that covers it. `None`: nothing is granted there.
    pub fn decisive(&self, path: &AbsolutePath) -> Option<&PathRule> {
        path.as_path().ancestors().find_map(|ancestor| {
            let found = self.rules.binary_search_by(|rule| rule.path.as_path().cmp(ancestor));
            found.ok().and_then(|index| self.rules.get(index))
        })
    }

    /// The name rule that denies a path, if one of the path's parts has a denied name.
    pub fn denied_name(&self, path: &AbsolutePath) -> Option<&NameRule> {
        let mut parts = path.as_path().iter();
        parts.find_map(|part| self.names.iter().find(|rule| rule.pattern.matches(part)))
    }
}

/// A denied name: `**/.env` (exact), `**/*.pem` (suffix) or `**/id_*` (prefix).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// What each part of a path is compared with: a directory of a denied name is closed with everything beneath.
    pub pattern: NamePattern,
    /// The policy rule that made this entry.
    pub from: RuleId,
}

/// How a name is compared, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePattern {
    /// The whole name.
    Exact(String),
    /// The end of the name.
    Suffix(String),
    /// The start of the name.
    Prefix(String),
}

impl NamePattern {
    /// Whether a part of a path has such a name.
    pub fn matches(&self, part: &OsStr) -> bool {
        let part = part.as_encoded_bytes();
        match self {
            Self::Exact(name) => part == name.as_bytes(),
            Self::Suffix(end) => part.ends_with(end.as_bytes()),
            Self::Prefix(start) => part.starts_with(start.as_bytes()),
        }
    }
}
