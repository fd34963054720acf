//! Problems: everything that is wrong with a policy, with its place, a sentence, and the nearest valid spelling.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::plan::Origin;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy is not used.
    Error,
    /// The policy is used; the author probably meant something else.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong with a policy.
///
/// It is displayed as ``github.yaml:12:5: error: `allow_domains` is not a key of `network`; did you mean `allowed_domains`?``
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub origin: Origin,
    /// How bad it is.
    pub severity: Severity,
    /// A sentence without its full stop.
    pub message: String,
    /// What to write instead, as it would stand in the file.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, severity, message, suggestion } = self;
        write!(f, "{origin}: {severity}: {message}")?;
        match suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { origin: Origin { source, line, column }, severity, message, suggestion } = self;
        let mut out = serializer.serialize_struct("Problem", 6)?;
        out.serialize_field("source", source)?;
        out.serialize_field("line", line)?;
        out.serialize_field("column", column)?;
        out.serialize_field("severity", &severity.to_string())?;
        out.serialize_field("message", message)?;
        out.serialize_field("suggestion", suggestion)?;
        out.end()
    }
}

/// All problems of a policy at once, sorted by source, line and column. Displayed one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, sorted and without repetition (a file that is extended twice says it once).
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self(problems)
    }

    /// The problems in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them stops the policy from being used.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Serialize for Problems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Where problems are gathered while work goes on.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// Notes an error.
    pub(crate) fn error(&mut self, origin: &Origin, message: impl Into<String>) {
        self.note(origin, Severity::Error, message.into(), None);
    }

    /// Notes an error for which the right spelling is known.
    pub(crate) fn suggest(
        &mut self,
        origin: &Origin,
        message: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.note(origin, Severity::Error, message.into(), Some(instead.into()));
    }

    /// Notes something that the author probably did not mean.
    pub(crate) fn warn(&mut self, origin: &Origin, message: impl Into<String>) {
        self.note(origin, Severity::Warning, message.into(), None);
    }

    /// Notes a complaint about a value.
    pub(crate) fn complain(&mut self, origin: &Origin, Complaint { message, suggestion }: Complaint) {
        self.note(origin, Severity::Error, message, suggestion);
    }

    fn note(&mut self, origin: &Origin, severity: Severity, message: String, suggestion: Option<String>) {
        self.problems.push(Problem { origin: origin.clone(), severity, message, suggestion });
    }

    /// Whether an error was noted.
    pub(crate) fn has_error(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// What was noted.
    pub(crate) fn into_problems(self) -> Problems {
        Problems::new(self.problems)
    }
}

/// What is wrong with a value, before its place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// A sentence without its full stop.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) suggestion: Option<String>,
}

impl Complaint {
    /// A complaint without a better spelling.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }

    /// The same complaint with a better spelling.
    #[must_use]
    pub(crate) fn instead(self, suggestion: impl Into<String>) -> Self {
        Self { suggestion: Some(suggestion.into()), ..self }
    }
}
