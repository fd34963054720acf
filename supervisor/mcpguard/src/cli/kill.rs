//! `mcpguard kill`: ends sessions, now.
//!
//! ```text
//! $ mcpguard kill github
//! ended: 5f3c0a91 (github)
//! 1 session ended in 12 ms
//! ```
//! The sessions of the host daemon end with one request to it; where it does not answer within 40 ms, and for all others, each
//! supervisor is told to end its session, which it does at once and writes down. Where that takes longer than 25 ms (the
//! machine is busy) the session's processes are killed from here, and a supervisor that does not end even then is killed as
//! well. For root this command goes before every process without a real-time priority. Needs no daemon.
//!
//! Exit status: 0 all have ended; 1 some have not; 125 nothing could be chosen.

use std::io::Write;
use std::time::Instant;

use anyhow::ensure;
use nix::unistd::geteuid;

use super::deed::{Deed, HASTE};
use super::told::told;
use crate::sessions::{Choice, Daemon, PATIENCE, running_within};

/// Arguments of `mcpguard kill`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    daemon: Daemon,
    /// Print JSON, one object a session
    #[arg(long)]
    json: bool,
}

/// Ends; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let begun = Instant::now();
    enforce::hurry();
    // Root sees every session without the daemon as well.
    let patience = if geteuid().is_root() { HASTE } else { PATIENCE };
    let (all, host) = running_within(&args.daemon, patience)?;
    let sessions = args.choice.of(all)?;
    ensure!(!sessions.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
    let outcomes = Deed::Kill.on(&sessions, host, args.choice.lot()?);
    let took = begun.elapsed();
    for (session, outcome) in sessions.iter().zip(&outcomes) {
        told(Deed::Kill.word(), session, outcome, args.json, out)?;
    }
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let ended = outcomes.len() - failed;
    if !args.json {
        let plural = if ended == 1 { "" } else { "s" };
        writeln!(out, "{ended} session{plural} ended in {} ms", took.as_millis())?;
    }
    Ok(u8::from(failed > 0))
}
