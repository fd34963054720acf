//! `mcpguard doctor`: try each mechanism on this host, by really using it in a throw-away process.
//!
//! ```text
//! $ mcpguard doctor
//! works    landlock            ABI 7
//! ABSENT   ebpf                …
//!          without it: …
//!          how to get it: …
//! ```
//!
//! Exit status: 0 everything works; 1 something is absent.

use std::io::Write;

use enforce::{Finding, Outcome};
use serde_json::json;

use crate::terminal::{colours, paint};

/// Arguments of `mcpguard doctor`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Tries every mechanism.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let findings = enforce::examine();
    if args.json {
        let rows: Vec<_> = findings.iter().map(row).collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
    } else {
        let colour = colours(&std::io::stdout());
        findings.iter().try_for_each(|finding| people(finding, colour, out))?;
    }
    Ok(u8::from(findings.iter().any(|finding| finding.outcome == Outcome::Missing)))
}

fn row(finding: &Finding) -> serde_json::Value {
    json!({
        "mechanism": finding.name, "works": finding.outcome == Outcome::Works, "detail": finding.detail,
        "cost_of_absence": finding.cost, "remedy": finding.remedy,
    })
}

fn people(finding: &Finding, colour: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let works = finding.outcome == Outcome::Works;
    let state = if works { paint("works ", "32", colour) } else { paint("ABSENT", "31", colour) };
    writeln!(out, "{state}  {:24} {}", finding.name, finding.detail)?;
    if !works {
        writeln!(out, "        without it: {}\n        how to get it: {}", finding.cost, finding.remedy)?;
    }
    Ok(())
}
