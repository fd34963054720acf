//! `mcpguard daemon`: guard the sessions of every user of this host.
//!
//! ```text
//! # systemctl start mcpguard             # or, in the foreground: mcpguard daemon --log-level info
//! $ mcpguard exec --policy github -- npx -y some-server@1.2.3      # any user; every layer
//! ```
//! It owns the eBPF programs and control groups; `exec` asks it for a session. Stopping it changes nothing for sessions that
//! run: they stay guarded, and the next daemon takes them over.
//!
//! Exit status: 0 when it was told to stop; 125 when it cannot run.

use crate::daemon::{self, Arguments};

/// Arguments of `mcpguard daemon`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    arguments: Arguments,
}

/// Runs until it is told to stop; the number is the exit status.
pub(crate) fn run(args: Args) -> anyhow::Result<u8> {
    daemon::run(&args.arguments)
}
