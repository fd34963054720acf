//! The table: for people, for programs, for the documentation.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::judge::Verdict;
use super::raise::Wire;
use super::run::Backend;
use super::trick::Trick;

/// One trick and what it has come to.
#[derive(Clone, Debug)]
pub struct Row {
    /// The trick.
    pub trick: Trick,
    /// For each backend that was tried.
    pub verdicts: Vec<(Backend, Verdict)>,
}

/// The whole table.
#[derive(Clone, Debug)]
pub struct Report {
    /// By class; what is allowed stands at the end.
    pub rows: Vec<Row>,
    /// How the internet was connected.
    pub wire: Wire,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Works => f.write_str("works"),
            Self::WorksForRoot => f.write_str("works for root"),
            Self::Denied => f.write_str("denied"),
            Self::Open => f.write_str("open, as said"),
            Self::Lacking(what) => write!(f, "not here: {what}"),
            Self::Wrong(_) => f.write_str("WRONG"),
        }
    }
}

impl Row {
    pub(super) fn new(trick: Trick) -> Self {
        Self { trick, verdicts: Vec::new() }
    }

    fn verdict(&self, backend: Backend) -> Option<&Verdict> {
        self.verdicts.iter().find(|(its, _)| *its == backend).map(|(_, verdict)| verdict)
    }

    fn class(&self) -> String {
        if self.trick.is_benign() { "allowed".to_owned() } else { self.trick.class.to_string() }
    }
}

impl Report {
    /// What is not as it must be: trick, client, backend, what was seen.
    pub fn wrong(&self) -> Vec<String> {
        let each = self.rows.iter().flat_map(|row| row.verdicts.iter().map(move |verdict| (row, verdict)));
        each.filter_map(|(row, (backend, verdict))| match verdict {
            Verdict::Wrong(seen) => Some(format!(
                "{} ({}) with {}: {seen}",
                row.trick.name,
                row.trick.program.name(),
                backend.name()
            )),
            _ => None,
        })
        .collect()
    }

    /// How many tricks were shown to work without a guard, and are no benign uses.
    pub fn proved(&self) -> usize {
        let works = |row: &&Row| {
            matches!(row.verdict(Backend::Bare), Some(Verdict::Works | Verdict::WorksForRoot))
                && !row.trick.is_benign()
        };
        self.rows.iter().filter(works).count()
    }

    /// The classes of the tricks that were shown to work without a guard, ascending.
    pub fn classes(&self) -> Vec<u8> {
        let works =
            |row: &&Row| matches!(row.verdict(Backend::Bare), Some(Verdict::Works | Verdict::WorksForRoot));
        let mut all: Vec<u8> =
            self.rows.iter().filter(works).map(|row| row.trick.class).filter(|class| *class > 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn backends(&self) -> Vec<Backend> {
        let tried = |backend: &Backend| self.rows.iter().any(|row| row.verdict(*backend).is_some());
        Backend::ALL.into_iter().filter(tried).collect()
    }

    /// One line: what was tried, and what is wrong.
    pub fn summary(&self) -> String {
        let (tricks, benign) = self.rows.iter().partition::<Vec<_>, _>(|row| !row.trick.is_benign());
        format!(
            "{} tricks and {} allowed uses × {} backends; {} tricks shown to work without a guard; {} wrong",
            tricks.len(),
            benign.len(),
            self.backends().len(),
            self.proved(),
            self.wrong().len()
        )
    }

    /// Columns in plain text.
    pub fn text(&self) -> String {
        let backends = self.backends();
        let mut out = format!("{:<7} {:<56} {:<13}", "class", "trick", "client");
        backends.iter().for_each(|backend| _ = write!(out, " {:<16}", backend.name()));
        for row in &self.rows {
            let _ =
                write!(out, "\n{:<7} {:<56} {:<13}", row.class(), row.trick.name, row.trick.program.name());
            for backend in &backends {
                let told = row.verdict(*backend).map_or_else(|| "–".to_owned(), ToString::to_string);
                let _ = write!(out, " {told:<16}");
            }
        }
        let _ = write!(out, "\n{}\n", self.summary());
        out
    }

    /// A table in Markdown.
    pub fn markdown(&self) -> String {
        let backends = self.backends();
        let mut out = "| class | trick | client |".to_owned();
        backends.iter().for_each(|backend| _ = write!(out, " {} |", backend.name()));
        let _ = write!(out, "\n|---|---|---|{}", "---|".repeat(backends.len()));
        for row in &self.rows {
            let _ = write!(out, "\n| {} | {} | {} |", row.class(), row.trick.name, row.trick.program.name());
            for backend in &backends {
                let told = row.verdict(*backend).map_or_else(|| "–".to_owned(), ToString::to_string);
                let _ = write!(out, " {told} |");
            }
        }
        let _ = write!(out, "\n\n{}.\n", self.summary());
        for row in self.rows.iter().filter(|row| row.trick.open.is_some()) {
            let _ =
                write!(out, "\n- \"{}\" is open: {}.", row.trick.name, row.trick.open.unwrap_or_default());
        }
        out.push('\n');
        out
    }

    /// An object for each verdict.
    pub fn json(&self) -> Value {
        let each = self.rows.iter().flat_map(|row| row.verdicts.iter().map(move |verdict| (row, verdict)));
        each.map(|(row, (backend, verdict))| {
            let seen = match verdict {
                Verdict::Wrong(seen) => Some(seen),
                _ => None,
            };
            json!({
                "trick": row.trick.name, "class": row.trick.class, "client": row.trick.program.name(),
                "backend": backend.name(), "verdict": verdict.to_string(), "seen": seen,
            })
        })
        .collect()
    }
}
