//! The page `docs/conformance.md`: prose by hand, and between two marks what a test has seen.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use super::{Revision, Side, Verdict};
use crate::servers::checkout;

/// Where a test writes what it has seen instead of comparing.
const WRITE: &str = "MCPGUARD_WRITE_DOCS";

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// The heading that it stands under.
    pub section: String,
    /// What happens.
    pub name: String,
    /// Who says it.
    pub speaker: Side,
    /// What came of it in each revision; `None` where there is no such thing.
    pub verdicts: Vec<Option<Verdict>>,
    /// What comes of it without the guard.
    pub bare: String,
}

/// One marked part of the page.
pub struct Page<'a>(pub &'a str);

impl Page<'_> {
    /// The part must be this text; with `MCPGUARD_WRITE_DOCS` it is made so.
    pub fn must_be(&self, text: &str) -> Result<()> {
        // Tests of one program write at the same time.
        static PLACE: Mutex<()> = Mutex::new(());
        let _held = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, found, after) = self.parts()?;
        if std::env::var_os(WRITE).is_some() {
            return Ok(std::fs::write(place(), [before.as_str(), text, &after].concat())?);
        }
        ensure!(
            found == text,
            "docs/conformance.md does not say what was seen; {WRITE}=1 writes it:\n{text}"
        );
        Ok(())
    }

    fn parts(&self) -> Result<(String, String, String)> {
        let page = std::fs::read_to_string(place())?;
        let [begin, end] = ["begin", "end"].map(|word| format!("<!-- {}: {word} -->\n", self.0));
        let (before, rest) = page.split_once(&begin).context("the page has no such part")?;
        let (found, after) = rest.split_once(&end).context("the part has no end")?;
        Ok((before.to_owned() + &begin, found.to_owned(), end + after))
    }
}

fn place() -> PathBuf {
    checkout().join("docs/conformance.md")
}

/// The table as it stands on the page.
pub fn table(rows: &[Row]) -> String {
    let mut page = String::new();
    let mut section = "";
    for row in rows {
        if row.section != section {
            section = &row.section;
            let names: Vec<_> = Revision::ALL.iter().map(|revision| revision.0).collect();
            let _ =
                write!(page, "\n### {section}\n| from | what | {} | log | no guard |\n", names.join(" | "));
            let _ = writeln!(page, "|{}", "---|".repeat(names.len() + 4));
        }
        let cells = row.verdicts.iter().map(|seen| seen.as_ref().map_or("—", |seen| &seen.fate));
        let cells: Vec<_> = cells.collect();
        let from = if row.speaker == Side::Client { "client" } else { "server" };
        let _ =
            writeln!(page, "| {from} | {} | {} | {} | {} |", row.name, cells.join(" | "), log(row), row.bare);
    }
    page + "\n"
}

/// What the log tells, each thing once.
fn log(row: &Row) -> String {
    let mut all: Vec<&str> = Vec::new();
    for seen in row.verdicts.iter().flatten().map(|seen| seen.log.as_str()).filter(|log| !log.is_empty()) {
        if !all.contains(&seen) {
            all.push(seen);
        }
    }
    all.join("; ")
}
