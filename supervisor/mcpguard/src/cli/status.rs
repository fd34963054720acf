//! `mcpguard status`: how the host daemon is.
//!
//! ```text
//! # mcpguard status
//! build        0.1.0
//! process      4711, for 2h14m
//! sessions     38
//! connections  41
//! dropped      0 denials that nobody could be told of
//! eBPF         hooks: security module; network: yes
//! ```
//! It takes an operator. Exit status: 0; 125 the daemon does not answer, or refuses.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use control::message::{Hooks, Status};
use control::{Answer, Request};

use super::ps::age;
use crate::sessions::Daemon;

/// Arguments of `mcpguard status`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How long the daemon may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut host = args.daemon.connect(PATIENCE)?;
    match host.ask(Request::Status, PATIENCE).context("the host daemon does not answer")? {
        Answer::Status(status) if args.json => writeln!(out, "{}", serde_json::to_value(&status)?)?,
        Answer::Status(status) => tell(&status, out)?,
        Answer::Refused(refusal) => bail!("the host daemon refuses: {}", refusal.sentence),
        other => bail!("the host daemon answers with {other:?}"),
    }
    Ok(0)
}

fn tell(status: &Status, out: &mut dyn Write) -> std::io::Result<()> {
    let Status { build, process, age_ms, sessions, connections, dropped, hooks, network } = status;
    let hooks = match hooks {
        Hooks::Lsm => "security module",
        Hooks::FmodRet => "before the security modules",
        Hooks::Absent => "none",
        Hooks::Unknown => "unknown to this mcpguard",
    };
    let network = if *network { "yes" } else { "no" };
    writeln!(out, "build        {build}")?;
    writeln!(out, "process      {process}, for {}", age(Duration::from_millis(*age_ms)))?;
    writeln!(out, "sessions     {sessions}")?;
    writeln!(out, "connections  {connections}")?;
    writeln!(out, "dropped      {dropped} denials that nobody could be told of")?;
    writeln!(out, "eBPF         hooks: {hooks}; network: {network}")
}
