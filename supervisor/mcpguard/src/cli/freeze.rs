//! `mcpguard freeze` and `mcpguard thaw`: sessions stand still, and go on.
//!
//! ```text
//! # mcpguard freeze 5f3c
//! frozen: 5f3c0a91 (github)
//! ```
//! Every process of the session stands still at once, what is being started among them; mcpguard itself goes on, so that
//! calls wait and time out as the policy says. Only sessions with a control group can be frozen: those that root started.
//!
//! Exit status: 0; 1 some could not be; 125 nothing could be chosen.

use std::io::Write;

use anyhow::ensure;

use super::told::told;
use crate::sessions::{Choice, Found, found};

/// Arguments of `mcpguard freeze` and `mcpguard thaw`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Print JSON, one object a session
    #[arg(long)]
    json: bool,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// They stand still.
    Freeze,
    /// They go on.
    Thaw,
}

impl Deed {
    /// What a session is afterwards.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Freeze => "frozen",
            Self::Thaw => "thawed",
        }
    }

    /// Does it to one session.
    pub(super) fn on(self, session: &Found) -> Result<(), String> {
        let done = match self {
            Self::Freeze => session.standing.freeze(),
            Self::Thaw => session.standing.thaw(),
        };
        done.map_err(|error| error.to_string())
    }
}

/// Does it; the number is the exit status.
pub(crate) fn run(deed: Deed, args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let sessions = args.choice.of(found()?)?;
    ensure!(!sessions.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
    let mut failed = 0;
    for session in &sessions {
        let outcome = deed.on(session);
        failed += u8::from(outcome.is_err());
        told(deed.word(), session, &outcome, args.json, out)?;
    }
    Ok(failed.min(1))
}
