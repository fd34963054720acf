//! The cases, as data: `tests/conformance/*.txt`.
//!
//! ```text
//! ## Ids                              a section of the table
//! case an id that is still open       its row
//! in 2025-03-26 2025-06-18            the revisions that have it; without the line: all
//! client {"jsonrpc":"2.0","id":@1,…}  the client says this, and it arrives as it is
//! server …                            so does the server
//! wait                                the client hears something that nobody said: a time-out
//! client! …                           what the row is about: what becomes of this line?
//! is refused -32600                   that, in every revision
//! is dropped in 2026-07-28            but in this one
//! log denial protocol                 what the audit log must tell of it (without the line: nothing)
//! log noise in 2026-07-28             but in this one
//! ```
//!
//! `@1`…`@9` are numbers of the case's own, `@meta` is a request's `_meta`, `@done` what a result begins with;
//! `<0d>` is a byte, `<x*500>` are so many letters, `<[*300>` so many brackets.

use anyhow::{Context, Result, bail};

use super::{Revision, Side};
use crate::servers::checkout;

/// The sections, in the order of the page.
const FILES: [&str; 7] = ["ids", "answers", "shapes", "methods", "framing", "batches", "rounds"];

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The heading that it stands under.
    pub section: String,
    /// What happens.
    pub name: String,
    revisions: Option<Vec<String>>,
    pub(super) steps: Vec<Step>,
    fates: Vec<Told>,
    log: Vec<Told>,
}

/// What is said in a case.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Arrives unchanged.
    Say(Side, String),
    /// The line that the row is about.
    Probe(Side, String),
    /// The client hears something of the guard's own.
    Wait,
}

/// A sentence that holds everywhere, or in one revision.
#[derive(Clone, Debug)]
struct Told {
    what: String,
    only: Option<String>,
}

impl Told {
    fn read(text: &str) -> Self {
        match text.rsplit_once(" in ") {
            Some((what, only)) => Self { what: what.to_owned(), only: Some(only.to_owned()) },
            None => Self { what: text.to_owned(), only: None },
        }
    }
}

impl Case {
    /// Whether the revision has it.
    pub fn is_in(&self, revision: Revision) -> bool {
        self.revisions.as_ref().is_none_or(|some| some.iter().any(|one| one == revision.0))
    }

    /// What must become of it.
    pub fn fate(&self, revision: Revision) -> &str {
        told(&self.fates, revision)
    }

    /// What must be in the log.
    pub fn log(&self, revision: Revision) -> &str {
        told(&self.log, revision)
    }

    /// Who says the line that the row is about.
    pub fn speaker(&self) -> Option<Side> {
        self.steps.iter().find_map(|step| match step {
            Step::Probe(side, _) => Some(*side),
            Step::Say(..) | Step::Wait => None,
        })
    }

    fn line(&mut self, word: &str, rest: &str) -> Result<()> {
        match word {
            "in" => self.revisions = Some(rest.split(' ').map(str::to_owned).collect()),
            "client" => self.steps.push(Step::Say(Side::Client, rest.to_owned())),
            "server" => self.steps.push(Step::Say(Side::Server, rest.to_owned())),
            "client!" => self.steps.push(Step::Probe(Side::Client, rest.to_owned())),
            "server!" => self.steps.push(Step::Probe(Side::Server, rest.to_owned())),
            "wait" => self.steps.push(Step::Wait),
            "is" => self.fates.push(Told::read(rest)),
            "log" => self.log.push(Told::read(rest)),
            _ => bail!("no such line"),
        }
        Ok(())
    }
}

fn told(all: &[Told], revision: Revision) -> &str {
    let own = all.iter().find(|told| told.only.as_deref() == Some(revision.0));
    own.or_else(|| all.iter().find(|told| told.only.is_none())).map_or("", |told| &told.what)
}

/// Every case.
pub fn cases() -> Result<Vec<Case>> {
    let mut all = Vec::new();
    for file in FILES {
        let path = checkout().join("tests/conformance").join(file).with_extension("txt");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        read(&text, &mut all).with_context(|| path.display().to_string())?;
    }
    Ok(all)
}

fn read(text: &str, all: &mut Vec<Case>) -> Result<()> {
    let mut section = String::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" => {}
            "##" => rest.clone_into(&mut section),
            "case" => all.push(Case { section: section.clone(), name: rest.to_owned(), ..Case::default() }),
            _ => all
                .last_mut()
                .context("no case")
                .and_then(|case| case.line(word, rest))
                .with_context(|| format!("line {}: {line}", number + 1))?,
        }
    }
    Ok(())
}

/// The bytes of a line for the case with this number.
pub(super) fn bytes(text: &str, number: usize, revision: Revision) -> Result<Vec<u8>> {
    let mut text = text.replace("@meta", &revision.meta()).replace("@done", revision.done());
    for digit in 1..=9 {
        text = text.replace(&format!("@{digit}"), &(number * 10 + digit).to_string());
    }
    let mut out = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        out.extend_from_slice(before.as_bytes());
        let (code, after) = after.split_once('>').context("a `<` without its `>`")?;
        match code.split_once('*') {
            Some((what, count)) => out.extend(what.repeat(count.parse()?).into_bytes()),
            None => out.push(u8::from_str_radix(code, 16)?),
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}
