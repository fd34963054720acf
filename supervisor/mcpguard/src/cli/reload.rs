//! `mcpguard reload`: the host daemon reads the host's rules again.
//!
//! ```text
//! # mcpguard reload
//! the host's rules were read: 3 sessions follow them
//! 1 session does not:
//!   00000000000000a1: it was opened under other host rules, which hold for it until it ends; start it again
//! ```
//! Rules that are not in order change nothing: those that held before go on holding, and why is said. It takes an operator.
//!
//! Exit status: 0; 125 the daemon does not answer, or the rules are not in order.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use control::message::{NotReloaded, Reloaded};
use control::{Answer, Request};
use serde_json::json;

use crate::sessions::Daemon;

/// Arguments of `mcpguard reload`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How long the daemon may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks for it; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut host = args.daemon.connect(PATIENCE)?;
    match host.ask(Request::Reload, PATIENCE).context("the host daemon does not answer")? {
        Answer::Reloaded(reloaded) if args.json => {
            let Reloaded { sessions, kept } = reloaded;
            writeln!(out, "{}", json!({ "sessions": sessions, "kept": kept }))?;
        }
        Answer::Reloaded(reloaded) => tell(&reloaded, out)?,
        Answer::Refused(refusal) => {
            let details: String = refusal.details.iter().map(|it| format!("\n  {it}")).collect();
            bail!("the host daemon refuses: {}{details}", refusal.sentence)
        }
        other => bail!("the host daemon answers with {other:?}"),
    }
    Ok(0)
}

fn tell(Reloaded { sessions, kept }: &Reloaded, out: &mut dyn Write) -> std::io::Result<()> {
    let plural =
        |count: u64, one: &str, more: &str| format!("{count} session{}", if count == 1 { one } else { more });
    writeln!(out, "the host's rules were read: {}", plural(*sessions, " follows them", "s follow them"))?;
    if kept.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}:", plural(kept.len() as u64, " does not", "s do not"))?;
    kept.iter().try_for_each(|NotReloaded { session, reason }| {
        writeln!(out, "  {session}: {}", audit::for_people(reason))
    })
}
