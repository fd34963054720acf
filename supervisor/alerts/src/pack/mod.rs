//! Packs of rules, written in TOML, each rule with examples.
//!
//! ```toml
//! version = 1
//!
//! [[rule]]
//! name = "denial-burst"
//! reason = "Something tries one door after another."
//! severity = "critical"                             # info, warning, critical
//! filter = { verdicts = ["denied"] }                # kinds, verdicts, layers, causes, operations, tools, hosts, paths, scopes
//! when = { more_than = { count = 10, window = "60s" } }   # or "any", or { first_seen = "host" }
//! group_by = "session"                              # none, session, server, tool, caller
//! quiet = "5m"                                      # ms, s, m, h, d
//! fires = [[{ kind = "denial", verdict = "denied", times = 11 }]]
//! passes = [[{ kind = "denial", verdict = "denied", times = 10 }]]
//! ```

mod document;
mod error;
mod example;
mod span;

pub use error::{ExampleError, PackError};
pub use example::Example;
pub(crate) use span::Span;

use std::ops::Range;

use document::{Document, WrittenRule};

use crate::rule::Rule;

/// The version of packs that this reads.
const VERSION: u32 = 1;

const BASELINE: &str = include_str!("../../packs/baseline.toml");

/// Rules with examples.
#[derive(Clone, Debug)]
pub struct Pack {
    rules: Vec<PackRule>,
}

/// A rule with its examples.
#[derive(Clone, Debug)]
pub struct PackRule {
    /// The rule.
    pub rule: Rule,
    /// What it alerts about; at least one.
    pub fires: Vec<Example>,
    /// What it does not alert about; at least one.
    pub passes: Vec<Example>,
}

impl Pack {
    /// Reads a pack. Its examples are read, not tried: see [`Self::prove`].
    ///
    /// # Errors
    /// The first mistake, with its line and column.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        let document: Document = toml::from_str(text).map_err(|error| {
            let (line, column) = place(text, &error.span().unwrap_or_default());
            PackError::Toml { line, column, what: error.message().to_owned() }
        })?;
        let Document { version, rules: written } = document;
        if *version.get_ref() != VERSION {
            let (line, column) = place(text, &version.span());
            return Err(PackError::Version { line, column, found: version.into_inner() });
        }
        let mut pack = Self { rules: Vec::with_capacity(written.len()) };
        for rule in written {
            pack.add(text, rule)?;
        }
        Ok(pack)
    }

    /// The rules that come with the program.
    ///
    /// # Errors
    /// None: the tests read it.
    pub fn baseline() -> Result<Self, PackError> {
        Self::parse(BASELINE)
    }

    /// The rules with their examples, in the order in which they are written.
    pub fn rules(&self) -> &[PackRule] {
        &self.rules
    }

    /// The rules alone.
    pub fn into_rules(self) -> Vec<Rule> {
        self.rules.into_iter().map(|PackRule { rule, fires: _, passes: _ }| rule).collect()
    }

    /// Tries every example.
    ///
    /// # Errors
    /// The first example that does not do what it should.
    pub fn prove(&self) -> Result<(), ExampleError> {
        self.rules.iter().try_for_each(PackRule::prove)
    }

    fn add(&mut self, text: &str, written: WrittenRule) -> Result<(), PackError> {
        let (line, column) = place(text, &written.name.span());
        let rule = written.into_rule();
        let name = || rule.rule.name.clone();
        if rule.fires.is_empty() || rule.passes.is_empty() {
            return Err(PackError::NoExample { line, column, rule: name() });
        }
        if self.rules.iter().any(|other| other.rule.name == rule.rule.name) {
            return Err(PackError::Twice { line, column, rule: name() });
        }
        self.rules.push(rule);
        Ok(())
    }
}

impl PackRule {
    fn prove(&self) -> Result<(), ExampleError> {
        let Self { rule, fires, passes } = self;
        let wrong = |examples: &[Example], fires: bool| {
            examples.iter().position(|example| example.alerts(rule).is_empty() == fires)
        };
        if let Some(index) = wrong(fires, true) {
            return Err(ExampleError::Silent { rule: rule.name.clone(), number: index + 1 });
        }
        match wrong(passes, false) {
            Some(index) => Err(ExampleError::Alerted { rule: rule.name.clone(), number: index + 1 }),
            None => Ok(()),
        }
    }
}

/// Line and column of where a span starts, both from 1, the column in characters.
fn place(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(span.start)];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (1 + before.matches('\n').count(), 1 + line.chars().count())
}
