//! `mcpguard why`: from a denial's record to the rule, its place, its reason, and the policy line that would allow it.
//!
//! ```text
//! $ mcpguard why 9
//! 2026-11-21T02:19:07.120933Z #9 refused  delete_repo[0] {"name":"x"}: tool_disabled by `tools.delete_*.enabled: false` …
//! rule     tools.delete_*.enabled: false
//! written  github.yaml:31:16
//! because  nothing is deleted by a model
//! to allow exactly this, add to github.yaml:
//!
//!     tools:
//!       delete_repo: { enabled: true }
//! ```
//!
//! It never suggests more than what was refused; where no line is that narrow, or none exists, it says so.
//! Exit status: 0; 1 the record is no denial; 125 there is no such record.

mod advice;
mod domain;
mod evidence;
mod lines;
mod network;
mod target;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use audit::{Body, Filter, Record, RuleRef};
use serde_json::json;

use super::log::Choice;
use advice::Advice;
use evidence::Evidence;
pub(super) use target::Target;

/// Arguments of `mcpguard why`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The record's number (`#9`, `9`), or `last` for the last denial
    #[arg(value_name = "RECORD", default_value = "last", value_parser = wanted)]
    record: Wanted,
    /// The log file; by default the newest session's
    #[arg(long, value_name = "PATH")]
    log: Option<PathBuf>,
    /// The session, by the beginning of its name; by default the last one in the log
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Last,
    Number(u64),
}

fn wanted(text: &str) -> Result<Wanted, String> {
    match text {
        "last" => Ok(Wanted::Last),
        _ => text
            .trim_start_matches('#')
            .parse()
            .map(Wanted::Number)
            .map_err(|_| "a record's number or `last`".to_owned()),
    }
}

/// Explains; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let choice = Choice::new(args.log, args.session);
    let records = session(&choice)?;
    let at = find(&records, args.record)?;
    let evidence = Evidence::new(&records, at);
    let advice = Advice::of(&evidence);
    match args.json {
        true => writeln!(out, "{:#}", document(&evidence, advice.as_ref()))?,
        false => people(&evidence, advice.as_ref(), out)?,
    }
    Ok(u8::from(advice.is_none()))
}

/// Where to write what would allow the last of these records, and the lines; `None`: no line does.
pub(super) fn remedy(records: &[Record]) -> Option<(String, String)> {
    let advice = Advice::of(&Evidence::new(records, records.len().checked_sub(1)?))?;
    advice.change.map(|change| (change.where_to, change.yaml))
}

/// All records of the session that is meant.
fn session(choice: &Choice) -> anyhow::Result<Vec<Record>> {
    let path = choice.resolve()?;
    let filter = Filter { session: choice.session().map(str::to_owned), ..Filter::default() };
    // A damaged line does not make the others unreadable; `log verify` is for telling of it.
    let mut records: Vec<Record> = audit::read(&path, filter)?.filter_map(Result::ok).collect();
    let last = records.iter().rfind(|record| matches!(record.body, Body::SessionStart(_))).or(records.last());
    let session =
        last.with_context(|| format!("{} has no records of that session", path.display()))?.session.clone();
    records.retain(|record| record.session == session);
    Ok(records)
}

fn find(records: &[Record], wanted: Wanted) -> anyhow::Result<usize> {
    match wanted {
        Wanted::Last => records
            .iter()
            .rposition(|record| record.body.is_denial())
            .context("nothing was refused in this session; another one is named with --session or --log"),
        Wanted::Number(number) => match records.iter().position(|record| record.seq == number) {
            Some(at) => Ok(at),
            None => bail!("this session has no record #{number}; `mcpguard log show` lists them"),
        },
    }
}

fn people(evidence: &Evidence<'_>, advice: Option<&Advice>, out: &mut dyn Write) -> anyhow::Result<()> {
    let shown = |text: &str| audit::for_people(text).into_owned();
    writeln!(out, "{}", audit::render(evidence.record))?;
    let Some(advice) = advice else {
        writeln!(out, "nothing was refused here; `mcpguard log show --denied` lists what was")?;
        return Ok(());
    };
    if let Some(rule) = &advice.rule {
        writeln!(out, "rule     {}\nwritten  {}", shown(&rule.text), shown(&place(rule)))?;
        if let Some(reason) = &rule.reason {
            writeln!(out, "because  {}", shown(reason))?;
        }
    }
    for note in &advice.notes {
        writeln!(out, "note     {}", shown(note))?;
    }
    match &advice.change {
        None => writeln!(out, "no line of a policy allows it")?,
        Some(change) => {
            writeln!(out, "to allow exactly this, {}:\n", shown(&change.where_to))?;
            for line in change.yaml.lines() {
                writeln!(out, "    {}", shown(line))?;
            }
        }
    }
    Ok(())
}

fn document(evidence: &Evidence<'_>, advice: Option<&Advice>) -> serde_json::Value {
    json!({
        "session": evidence.record.session,
        "seq": evidence.record.seq,
        "revision": evidence.record.revision,
        "time": format!("{:.6}", evidence.record.time),
        "denied": advice.is_some(),
        "record": evidence.record.body,
        "rule": advice.and_then(|advice| advice.rule.as_ref()),
        "notes": advice.map(|advice| &advice.notes),
        "where": advice.and_then(|advice| advice.change.as_ref()).map(|change| &change.where_to),
        "yaml": advice.and_then(|advice| advice.change.as_ref()).map(|change| &change.yaml),
    })
}

/// `file:line:column`.
fn place(rule: &RuleRef) -> String {
    match rule.line {
        0 => format!("{} (mcpguard's own default)", rule.source),
        _ => format!("{}:{}:{}", rule.source, rule.line, rule.column),
    }
}
