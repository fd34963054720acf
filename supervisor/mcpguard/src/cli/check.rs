//! `mcpguard check`: lint a policy and tell what each rule means on this host.
//!
//! ```text
//! $ mcpguard check github.yaml
//! github: GitHub's MCP server. …
//!   enforced  network.allowed_domains: api.github.com  ebpf + resolver (port 443: checked by name)
//!   OPEN      network.max_sent_bytes_per_minute: …     github.yaml:12:3
//!             why: …; what would enforce it: …
//! network, as the policy means it
//!   api.github.com  always; port 443, checked by name
//!   closed: …
//! ```
//!
//! On a host with rules of its own, they are listed with what they changed. A policy that asks for more than they allow has
//! errors, as it has for `exec`.
//!
//! Exit status: 0 every rule is enforced here; 1 some are not; 125 the policy has errors.

mod host_rules;
mod network;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use policy::coverage::{Entry, State};
use policy::plan::Rule;
use serde_json::{Value, json};

use crate::cli::EXIT_REFUSED;
use crate::compose::{Composed, compose, diagnose};
use crate::hosted::Choice;
use crate::terminal::{colours, paint};

/// Arguments of `mcpguard check`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy: a file or a shipped preset
    #[arg(value_name = "FILE|PRESET")]
    policy: String,
    /// The workspace that `${workspace}` stands for
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    daemon: Choice,
    /// The server's command line, so that `${server}` and the PATH are known
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Checks; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let problems = match compose(Some(&args.policy), args.workspace.as_deref(), &args.command, &args.daemon) {
        Ok(composed) => return report(&composed, args.json, out),
        Err(error) => diagnose(error)?,
    };
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &json!({ "valid": false, "problems": problems }))?;
        writeln!(out)?;
    } else {
        writeln!(std::io::stderr(), "{problems}")?;
    }
    Ok(EXIT_REFUSED)
}

fn report(composed: &Composed, as_json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let open = composed.uncovered().count();
    if as_json {
        serde_json::to_writer_pretty(&mut *out, &document(composed))?;
        writeln!(out)?;
    } else {
        people(composed, open, out)?;
    }
    Ok(u8::from(open > 0))
}

/// For machines.
fn document(composed: &Composed) -> Value {
    let rules: Vec<Value> = rows(composed).map(|(rule, entry)| row(rule, &entry.state)).collect();
    json!({
        "valid": true,
        "policy": composed.plan.name,
        "description": composed.plan.description,
        "source": composed.source,
        "problems": composed.warnings,
        "revision": composed.plan.revision,
        "kernel": composed.support.kernel,
        "landlock_abi": composed.support.landlock_abi,
        "rules": rules,
        "host_rules": composed.under.as_ref().map(host_rules::document),
        "network": network::document(&composed.plan),
    })
}

fn row(rule: &Rule, state: &State) -> Value {
    let origin =
        json!({ "source": rule.origin.source, "line": rule.origin.line, "column": rule.origin.column });
    match state {
        State::Enforced { by, note } => json!({
            "rule": rule.text, "origin": origin, "author_reason": rule.reason, "enforced": true,
            "by": by.iter().map(ToString::to_string).collect::<Vec<_>>(), "note": note,
        }),
        State::Uncovered { floor, reason, remedy } => json!({
            "rule": rule.text, "origin": origin, "author_reason": rule.reason, "enforced": false,
            "floor": floor, "reason": reason, "remedy": remedy,
        }),
    }
}

fn rows(composed: &Composed) -> impl Iterator<Item = (&Rule, &Entry)> {
    composed.coverage.entries.iter().filter_map(|entry| Some((composed.plan.rule(entry.rule)?, entry)))
}

/// For people: one line a rule, the open ones with their reasons.
fn people(composed: &Composed, open: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let colour = colours(&std::io::stdout()) && std::io::stdout().is_terminal();
    let plan = &composed.plan;
    writeln!(out, "{}: {}", plan.name, plan.description.as_deref().unwrap_or("(no description)"))?;
    writeln!(out, "kernel {}, Landlock ABI {}", composed.support.kernel, composed.support.landlock_abi)?;
    let width = plan.rules.iter().map(|rule| rule.text.chars().count()).max().unwrap_or(0).min(64);
    for (rule, entry) in rows(composed) {
        line(rule, &entry.state, width, colour, out)?;
    }
    network::people(plan, colour, out)?;
    composed.under.iter().try_for_each(|under| host_rules::people(under, colour, out))?;
    match open {
        0 => writeln!(out, "every rule is enforced on this host")?,
        _ => writeln!(
            out,
            "{open} rule(s) are not enforced on this host: `exec` refuses {}",
            unless(composed)
        )?,
    }
    Ok(())
}

/// What would start it all the same.
fn unless(composed: &Composed) -> &'static str {
    let forbidden = composed.under.as_ref().is_some_and(|under| under.forbids_degraded().is_some());
    match forbidden || composed.uncovered().any(|rule| rule.firm) {
        true => "even with --allow-degraded, because of this host's rules",
        false => "without --allow-degraded",
    }
}

fn line(rule: &Rule, state: &State, width: usize, colour: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    match state {
        State::Enforced { by, note } => {
            let by = by.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
            let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            writeln!(out, "  {}  {:width$}  {by}{note}", paint("enforced", "32", colour), rule.text)?;
        }
        State::Uncovered { floor, reason, remedy } => {
            let place = format!("{}:{}:{}", rule.origin.source, rule.origin.line, rule.origin.column);
            writeln!(out, "  {}  {:width$}  {place}", paint("OPEN    ", "31", colour), rule.text)?;
            writeln!(out, "            why: {reason}; what would enforce it: {remedy}")?;
            if let Some(floor) = floor {
                writeln!(out, "            what still holds: {floor}")?;
            }
        }
    }
    if let Some(reason) = &rule.reason {
        writeln!(out, "            because: {reason}")?;
    }
    Ok(())
}
