//! `mcpguard pin`: what servers were when somebody looked at them, and what has changed since.
//!
//! ```text
//! $ mcpguard pin diff github
//! 1 meaningful
//! ~ meaningful  search_issues  description: Search "issues" → "all private issues".  (now says all)
//! $ mcpguard pin accept github --tool search_issues
//! Accept this? [y/N] y
//! github: search_issues is accepted; 1 session follows
//! ```
//! A policy with `pins:` compares its server with `mcpguard.lock`. What a session saw that differs lies in mcpguard's state
//! directory until it is accepted.
//!
//! Exit status: 0; `diff`: 1 something differs; 1 it was not accepted; 125 the lock file cannot be read or written.

mod show;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use pins::{Paint, Pinned, Report, Surface, compare_server};

use crate::cli::approvals::ask;
use crate::pinned::{self, Seen};
use crate::session::Question;
use crate::sessions::{Daemon, running};
use crate::terminal::{colours, confirmed};

/// Arguments of `mcpguard pin`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Subcommand)]
enum Deed {
    /// List what is pinned of all servers, or show everything of one
    Show {
        /// The policy's name
        policy: Option<String>,
        #[command(flatten)]
        lock: LockFile,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how a server differs from what is pinned
    Diff {
        /// The policy's name; none: every server of which something else was seen
        policy: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Accept what a session has seen of a server
    Accept {
        /// The policy's name
        policy: String,
        /// Only this tool
        #[arg(long, value_name = "NAME")]
        tool: Option<String>,
        /// Accept without asking once more
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Forget a server: it is met for the first time again
    Forget {
        /// The policy's name
        policy: String,
        #[command(flatten)]
        lock: LockFile,
    },
}

/// Which lock file.
#[derive(clap::Args)]
struct LockFile {
    /// The lock file, if it is not that of mcpguard's state directory
    #[arg(long = "lock", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl LockFile {
    fn path(self) -> anyhow::Result<PathBuf> {
        self.file.map_or_else(pinned::default_lock, Ok)
    }
}

/// Does it; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    match args.deed {
        Deed::Show { policy, lock, json } => {
            let lock = pinned::read(&lock.path()?)?;
            show::run(&lock, policy.as_deref(), json, out)
        }
        Deed::Diff { policy, json } => diff(policy, json, out),
        Deed::Accept { policy, tool, yes, daemon } => accept(&policy, tool.as_deref(), yes, &daemon, out),
        Deed::Forget { policy, lock } => forget(&policy, lock, out),
    }
}

fn diff(policy: Option<String>, json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let policies = match policy {
        Some(policy) => vec![policy],
        None => Seen::policies()?,
    };
    let mut differs = false;
    for policy in policies {
        let Some(seen) = Seen::read(&policy)? else {
            writeln!(out, "{policy}: no session has seen anything that differs")?;
            continue;
        };
        let report = report(&policy, &seen)?;
        differs |= !report.is_empty();
        match json {
            true => {
                let told = serde_json::json!({ "policy": policy, "session": seen.session, "report": report });
                writeln!(out, "{}", ascii(&told.to_string()))?;
            }
            false => shown(&policy, &report, out)?,
        }
    }
    Ok(u8::from(differs))
}

fn shown(policy: &str, report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    if report.is_empty() {
        writeln!(out, "{policy}: what was seen is what is pinned")?;
        return Ok(());
    }
    let paint = if colours(&std::io::stdout()) { Paint::Colours } else { Paint::Plain };
    write!(out, "{policy}: {}", report.render(width(), paint))?;
    Ok(())
}

/// JSON in which every character beyond ASCII is escaped: texts of a server neither hide nor move anything on a terminal.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{20}'..='\u{7e}' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.unwrap_or(120)
}

fn report(policy: &str, seen: &Seen) -> anyhow::Result<Report> {
    let lock = pinned::read(&seen.lock)?;
    let pinned = lock.server(policy).cloned().unwrap_or_default();
    Ok(compared(&pinned, &seen.surface()?))
}

fn compared(pinned: &Pinned, surface: &Surface) -> Report {
    compare_server(pinned, surface, &content::suspicion)
}

fn accept(
    policy: &str,
    tool: Option<&str>,
    yes: bool,
    daemon: &Daemon,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let seen = Seen::read(policy)?
        .with_context(|| format!("no session has seen anything of `{policy}` that differs"))?;
    let (surface, report) = (seen.surface()?, report(policy, &seen)?);
    if let Some(tool) = tool {
        let known = surface.tools().contains_key(tool);
        ensure!(known, "the server was not seen to have a tool `{}`", audit::for_people(tool));
    }
    shown(policy, &report, out)?;
    if !yes && !confirmed("Accept this?", "accepted", out)? {
        writeln!(out, "nothing was accepted")?;
        return Ok(1);
    }
    pinned::change(&seen.lock, |lock| match tool.and_then(|tool| surface.tools().get(tool)) {
        Some(tool) => Ok(lock.accept_tool(policy, tool)?),
        None => Ok(lock.accept(policy, &surface)?),
    })?;
    if tool.is_none() {
        let _ = std::fs::remove_file(Seen::place(policy)?);
    }
    let what = tool.map_or("all of it".into(), audit::for_people);
    writeln!(out, "{policy}: {what} is accepted; {}", followers(policy, daemon)?)?;
    Ok(0)
}

/// Running sessions of the policy read the lock file again.
fn followers(policy: &str, daemon: &Daemon) -> anyhow::Result<String> {
    let (sessions, _) = running(daemon)?;
    let (mut followed, mut failed) = (0, 0);
    for session in sessions.iter().filter(|session| session.policy == policy && session.door().is_some()) {
        match ask(session, &Question::Pins, Duration::from_secs(10)) {
            Ok(line) if line.trim_ascii() == b"true" => followed += 1,
            _ => failed += 1,
        }
    }
    let plural = |count: u32| {
        if count == 1 { "1 session follows".to_owned() } else { format!("{count} sessions follow") }
    };
    Ok(match failed {
        0 => plural(followed),
        failed => format!("{}, {failed} could not be told and must be started again", plural(followed)),
    })
}

fn forget(policy: &str, lock: LockFile, out: &mut dyn Write) -> anyhow::Result<u8> {
    let known = pinned::change(&lock.path()?, |lock| Ok(lock.forget(policy)))?;
    if !known {
        bail!("the lock file knows no server `{}`", audit::for_people(policy));
    }
    writeln!(out, "{policy}: forgotten; its next session meets it for the first time")?;
    Ok(0)
}
