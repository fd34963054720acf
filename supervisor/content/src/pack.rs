//! Packs of rules, written in TOML.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::class::{Class, Severity};
use crate::fold;
use crate::loose;

/// How far before a keyword a match may begin, unless the rule says otherwise: keys begin with their keyword, nearly.
const BACK_WORDED: usize = 160;
const BACK_EXACT: usize = 32;
/// How far behind a keyword a match is looked for, unless the rule says otherwise. A match that goes on is followed.
const REACH: usize = 200;
/// The most that a compiled pattern may take, in bytes.
const MOST_COMPILED: usize = 1 << 20;
/// The same with marks behind each character.
const MOST_LOOSE: usize = 4 << 20;

/// Rules of one class, in one version.
#[derive(Clone, Debug)]
pub struct Pack {
    pub(crate) rules: Vec<Arc<Rule>>,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    id: String,
    version: u32,
    class: Class,
    severity: Severity,
    about: String,
    pattern: String,
    pub(crate) keywords: Vec<String>,
    pub(crate) run: Option<Run>,
    pub(crate) check: Option<Check>,
    pub(crate) back: usize,
    pub(crate) reach: usize,
    matches: Vec<String>,
    passes: Vec<String>,
    regex: OnceLock<Option<Regex>>,
    loose: OnceLock<Option<Regex>>,
}

/// Where rules without keywords look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Run {
    /// Thirteen or more digits, spaces and hyphens.
    Digits,
    /// Fifteen or more capitals, digits and spaces.
    Capitals,
}

/// What is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It is no TOML of a pack's shape.
    #[error("line {line}: {what}")]
    Toml {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A pattern that is no regular expression, or a too large one.
    #[error("line {line}: the pattern of rule `{rule}` cannot be used: {what}")]
    Pattern {
        /// From 1.
        line: usize,
        /// The rule.
        rule: String,
        /// What is wrong.
        what: String,
    },
    /// A rule that has neither keywords nor a run would have to be tried at each byte.
    #[error("line {line}: rule `{rule}` needs `keywords` of at least 2 bytes or a `run`")]
    Nowhere {
        /// From 1.
        line: usize,
        /// The rule.
        rule: String,
    },
    /// Two rules of one name.
    #[error("line {line}: there is another rule `{rule}`")]
    Twice {
        /// From 1.
        line: usize,
        /// The rule.
        rule: String,
    },
    /// More keywords than an automaton can hold.
    #[error("the keywords cannot be searched together: {what}")]
    Keywords {
        /// What is wrong.
        what: String,
    },
}

impl Pack {
    /// Reads a pack and tries each of its patterns.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        let document = document(text)?;
        for rule in &document.rules {
            let pattern = fold::pattern(rule.pattern.get_ref());
            compile(&pattern).map_err(|error| PackError::Pattern {
                line: line(text, rule.pattern.span()),
                rule: rule.id.get_ref().clone(),
                what: error.to_string(),
            })?;
        }
        Self::read(text, document)
    }

    /// Reads a pack that comes with the program: its patterns are compiled when they are first needed, since most never
    /// are. The tests try them all.
    pub(crate) fn trusted(text: &str) -> Result<Self, PackError> {
        Self::read(text, document(text)?)
    }

    /// The rules, in the order in which they are written.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(Arc::as_ref)
    }

    fn read(text: &str, document: Document) -> Result<Self, PackError> {
        let Document { version, class, rules } = document;
        let mut pack = Self { rules: Vec::with_capacity(rules.len()) };
        for written in rules {
            let line = line(text, written.id.span());
            let rule = Rule::new(version, class, written);
            let keyed = !rule.keywords.is_empty() && rule.keywords.iter().all(|keyword| keyword.len() > 1);
            if !keyed && rule.run.is_none() {
                return Err(PackError::Nowhere { line, rule: rule.id });
            }
            if pack.rules().any(|other| other.id == rule.id) {
                return Err(PackError::Twice { line, rule: rule.id });
            }
            pack.rules.push(Arc::new(rule));
        }
        Ok(pack)
    }
}

impl Rule {
    fn new(version: u32, class: Class, written: WrittenRule) -> Self {
        let WrittenRule { id, about, severity, pattern, keywords, run, check, back, reach, matches, passes } =
            written;
        Self {
            id: id.into_inner(),
            version,
            class,
            severity,
            about,
            pattern: fold::pattern(pattern.get_ref()),
            keywords: keywords.iter().map(|keyword| fold::phrase(keyword)).collect(),
            run,
            check,
            back: back.unwrap_or(if class.is_worded() { reach.min(BACK_WORDED) } else { BACK_EXACT }),
            reach,
            matches: matches.into_iter().map(Text::joined).collect(),
            passes: passes.into_iter().map(Text::joined).collect(),
            regex: OnceLock::new(),
            loose: OnceLock::new(),
        }
    }

    /// The rule's name, unique among all packs of a scanner.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version of the rule's pack.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the rule looks for.
    pub fn class(&self) -> Class {
        self.class
    }

    /// How sure the rule is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// A sentence for people: what a match means.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Texts that match.
    pub fn matches(&self) -> &[String] {
        &self.matches
    }

    /// Texts that look like it and do not match.
    pub fn passes(&self) -> &[String] {
        &self.passes
    }

    /// The pattern; `None` if it cannot be compiled, which the tests rule out.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile(&self.pattern).ok()).as_ref()
    }

    /// The pattern for texts with marks; `None` if it cannot be compiled, which the tests rule out.
    pub(crate) fn loose(&self) -> Option<&Regex> {
        self.loose.get_or_init(|| compile_loose(&self.pattern).ok()).as_ref()
    }
}

/// Patterns are matched byte by byte: classes of characters would make automata many times as large, and word boundaries
/// of Unicode make the quick automaton give up.
fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).size_limit(MOST_COMPILED).build()
}

/// The pattern for texts with marks.
fn compile_loose(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&loose::loosened(pattern)?).size_limit(MOST_LOOSE).build()
}

fn document(text: &str) -> Result<Document, PackError> {
    toml::from_str(text).map_err(|error| PackError::Toml {
        line: line(text, error.span().unwrap_or_default()),
        what: error.message().to_owned(),
    })
}

fn line(text: &str, span: Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    class: Class,
    #[serde(rename = "rule")]
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: Spanned<String>,
    about: String,
    #[serde(default)]
    severity: Severity,
    pattern: Spanned<String>,
    #[serde(default)]
    keywords: Vec<String>,
    run: Option<Run>,
    check: Option<Check>,
    back: Option<usize>,
    #[serde(default = "reach")]
    reach: usize,
    matches: Vec<Text>,
    passes: Vec<Text>,
}

fn reach() -> usize {
    REACH
}

/// An example; in parts where it would alarm those who look for secrets in repositories.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Parts(Vec<String>),
}

impl Text {
    fn joined(self) -> String {
        match self {
            Self::Whole(text) => text,
            Self::Parts(parts) => parts.concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pack, PackError};

    fn pack(rule: &str) -> Result<Pack, PackError> {
        Pack::parse(&format!(
            "version = 1\nclass = \"secret\"\n\n[[rule]]\nid = \"a\"\nabout = \"A.\"\nmatches = []\npasses = []\n{rule}"
        ))
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        assert!(pack("keywords = ['key']\npattern = 'key[0-9]+'").is_ok());
        let error = pack("keywords = ['key']\npattern = 'key['").expect_err("no pattern");
        assert!(matches!(&error, PackError::Pattern { line: 10, rule, .. } if rule == "a"), "{error}");
        let error = pack("keywords = ['key']\npattern = 'key'\nfoo = 1").expect_err("no such field");
        assert!(matches!(&error, PackError::Toml { line: 11, .. }), "{error}");
        let error = pack("pattern = 'key'").expect_err("no keywords");
        assert_eq!(error, PackError::Nowhere { line: 5, rule: "a".into() });
        let twice = "keywords = ['key']\npattern = 'key'\n[[rule]]\nid = \"a\"\nabout = \"A.\"\nmatches = []\npasses = []\nkeywords = ['key']\npattern = 'key'";
        assert_eq!(
            pack(twice).expect_err("two of one name"),
            PackError::Twice { line: 12, rule: "a".into() }
        );
        let error = pack("keywords = ['key']\npattern = 'a{1000}{1000}'").expect_err("a large pattern");
        assert!(matches!(error, PackError::Pattern { .. }), "{error}");
    }
}
