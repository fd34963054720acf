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
//! `host-rules` tells whether the host has rules of its own in `/etc/mcpguard`; rules that are not in order count as absent,
//! because nothing starts then.
//!
//! Exit status: 0 everything works; 1 something is absent.

use std::io::Write;

use enforce::{Finding, Outcome};
use serde_json::json;

use crate::host_rules;
use crate::hosted::{Choice, Found};
use crate::terminal::{colours, paint};

/// Arguments of `mcpguard doctor`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    daemon: Choice,
}

/// Tries every mechanism.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let found = args.daemon.find();
    let offered = found.as_ref().ok().and_then(Option::as_ref).map(Found::support);
    let mut findings = enforce::examine(offered.as_ref());
    findings.extend(daemon(&found));
    findings.push(host_rules());
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

/// The host daemon, which does root's part for everybody; nothing where it is not asked.
fn daemon(found: &anyhow::Result<Option<Found>>) -> Option<Finding> {
    let (outcome, detail) = match found {
        Ok(None) => return None,
        Ok(Some(found)) => {
            (Outcome::Works, format!("build {}: eBPF and control groups are its part", found.build))
        }
        Err(error) => (Outcome::Missing, format!("{error:#}").replace('\n', "; ")),
    };
    Some(Finding {
        name: "host-daemon",
        outcome,
        detail,
        cost: "nothing is started by users, unless with --no-daemon and without its layers",
        remedy: "have the administrator look at it: `systemctl status mcpguard`",
    })
}

/// Whether the host has rules of its own, and whether they are in order.
fn host_rules() -> Finding {
    let (outcome, detail) = match host_rules::of_this_host() {
        Ok(None) => (Outcome::Works, "none: no file names any".to_owned()),
        Ok(Some(rules)) => {
            let (count, files) = (rules.rules().len(), rules.sources().join(", "));
            (Outcome::Works, format!("{count} rules in {files}, revision {}", short(rules.revision())))
        }
        Err(error) => (Outcome::Missing, format!("{error:#}").replace('\n', "; ")),
    };
    Finding {
        name: "host-rules",
        outcome,
        detail,
        cost: "nothing is started on this host: rules that cannot be read are not taken for none",
        remedy: "have the administrator mend the files in /etc/mcpguard",
    }
}

fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
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
