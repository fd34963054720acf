//! `mcpguard freeze` and `mcpguard thaw`: sessions stand still, and go on.
//!
//! ```text
//! # mcpguard freeze 5f3c
//! frozen: 5f3c0a91 (github)
//! ```
//! Every process of the session stands still at once, what is being started among them; mcpguard itself goes on, so that
//! calls wait and time out as the policy says. Only sessions with a control group can be frozen: those of the host daemon, and
//! those that root started. What an operator has frozen, its user cannot thaw.
//!
//! Exit status: 0; 1 some could not be; 125 nothing could be chosen.

use std::io::Write;

use anyhow::ensure;

pub(crate) use super::deed::Deed;
use super::told::told;
use crate::sessions::{Choice, Daemon, running};

/// Arguments of `mcpguard freeze` and `mcpguard thaw`.
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

/// Does it; the number is the exit status.
pub(crate) fn run(deed: Deed, args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (all, host) = running(&args.daemon)?;
    let sessions = args.choice.of(all)?;
    ensure!(!sessions.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
    let outcomes = deed.on(&sessions, host, args.choice.lot()?);
    for (session, outcome) in sessions.iter().zip(&outcomes) {
        told(deed.word(), session, outcome, args.json, out)?;
    }
    Ok(u8::from(outcomes.iter().any(Result::is_err)))
}
