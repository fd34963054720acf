//! `mcpguard reload`: running sessions read their policies again, or the host daemon the host's rules.
//!
//! ```text
//! $ mcpguard reload github
//! 5f3c0a91 (github): follows revision 8b01f3c2aa10, before 19ce0d77b2f4
//!   with the next start: /srv/data: opened by the policy; Landlock keeps it closed to the server as long as it runs
//! # mcpguard reload
//! the host's rules were read: 3 sessions follow them
//! 1 session does not:
//!   00000000000000a1: it was opened under other host rules, which hold for it until it ends; start it again
//! ```
//! With sessions: each composes its policy as it is written now, within the host's rules of now, and puts it in force between
//! two messages, in all layers at once. A policy that is not in order, or that takes something from the server which nothing
//! can take any more, changes nothing. Without: the host's rules hold for sessions that are opened from now on; rules that are
//! not in order change nothing. That takes an operator.
//!
//! Exit status: 0; 1 some session follows its old policy; 125 the daemon does not answer, or the rules are not in order.

mod sessions;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use control::message::{NotReloaded, Reloaded};
use control::{Answer, Request};
use serde_json::json;

use crate::sessions::{Choice, Daemon, running};

/// Arguments of `mcpguard reload`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Sessions that read their policies again, as for `mcpguard kill`; none: the host daemon reads the host's rules again
    #[arg(value_name = "SESSION")]
    sessions: Vec<String>,
    /// All sessions of this user, by name or number
    #[arg(long, value_name = "USER", conflicts_with = "sessions")]
    user: Option<String>,
    /// All sessions that can be seen
    #[arg(long, conflicts_with_all = ["sessions", "user"])]
    all: bool,
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
    let Args { sessions: named, user, all, daemon, json } = args;
    if !named.is_empty() || user.is_some() || all {
        let (running, _) = running(&daemon)?;
        let meant = Choice::new(named, user, all).of(running)?;
        ensure!(!meant.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
        return Ok(u8::from(!sessions::reload(&meant, json, out)?));
    }
    let mut host = daemon.connect(PATIENCE)?;
    match host.ask(Request::Reload, PATIENCE).context("the host daemon does not answer")? {
        Answer::Reloaded(reloaded) if json => {
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
