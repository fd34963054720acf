//! The audit log as a user reads it: lines of JSON, and `mcpguard log verify`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::binaries::mcpguard;
use crate::run::{Finished, run};

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Record(pub Value);

impl Record {
    /// What happened: `session_start`, `tool_call`, `denial` …
    pub fn event(&self) -> &str {
        self.0["event"].as_str().unwrap_or("")
    }

    /// Whether the text stands anywhere in the record.
    pub fn mentions(&self, text: &str) -> bool {
        self.0.to_string().contains(text)
    }
}

/// All whole lines of a log.
pub fn records(path: &Path) -> Result<Vec<Record>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("no audit log at {}", path.display()))?;
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole
        .map(|line| Ok(Record(serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?)))
        .collect()
}

/// `mcpguard log verify PATH`.
pub fn verify(path: &Path) -> Result<Finished> {
    run(Command::new(mcpguard()?).args(["log", "verify"]).arg(path))
}
