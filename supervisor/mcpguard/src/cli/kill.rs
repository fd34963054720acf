//! `mcpguard kill`: ends sessions, now.
//!
//! ```text
//! $ mcpguard kill github
//! ended: 5f3c0a91 (github)
//! 1 session ended in 12 ms
//! ```
//! Each supervisor is told to end its session, which it does at once and writes down. Where that takes longer than a tenth of
//! a second (the machine is busy) the session's processes are killed from here, and a supervisor that does not end even then
//! is killed as well. Needs no daemon.
//!
//! Exit status: 0 all have ended; 1 some have not; 125 nothing could be chosen.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::told::told;
use crate::sessions::{Choice, Found, Processes, found};

/// Arguments of `mcpguard kill`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Print JSON, one object a session
    #[arg(long)]
    json: bool,
}

/// How long supervisors may take to end their sessions by themselves, all of them together.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long supervisors without processes may take to write that down.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Ends; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let begun = Instant::now();
    let sessions = args.choice.of(found()?)?;
    ensure!(!sessions.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
    let outcomes = end(&sessions);
    let took = begun.elapsed();
    for (session, outcome) in sessions.iter().zip(&outcomes) {
        told("ended", session, outcome, args.json, out)?;
    }
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let ended = outcomes.len() - failed;
    if !args.json {
        let plural = if ended == 1 { "" } else { "s" };
        writeln!(out, "{ended} session{plural} ended in {} ms", took.as_millis())?;
    }
    Ok(u8::from(failed > 0))
}

/// Ends these sessions; each one's outcome. Every step is taken for all of them before anybody is waited for.
pub(super) fn end(sessions: &[Found]) -> Vec<Result<(), String>> {
    let mut outcomes: Vec<Result<(), String>> = sessions
        .iter()
        .map(|session| session.standing.end().map_err(|errno| errno.desc().to_owned()))
        .collect();
    for session in late(sessions, PATIENCE) {
        // Whoever cannot be struck is killed with their supervisor.
        let _ = sessions[session].standing.strike(|| tree(&sessions[session]));
    }
    for session in late(sessions, LAST_PATIENCE) {
        let forced = sessions[session].standing.kill().map_err(|error| error.to_string());
        outcomes[session] = outcomes[session].clone().and(forced);
    }
    for session in late(sessions, LAST_PATIENCE) {
        let still = Err("its supervisor does not end".to_owned());
        outcomes[session] = outcomes[session].clone().and(still);
    }
    outcomes
}

/// Those whose supervisors have not ended after this time.
fn late(sessions: &[Found], patience: Duration) -> Vec<usize> {
    let until = Instant::now() + patience;
    let left = || until.saturating_duration_since(Instant::now());
    let late = sessions.iter().enumerate().filter(|(_, session)| !session.standing.ends_within(left()));
    late.map(|(index, _)| index).collect()
}

fn tree(session: &Found) -> Vec<enforce::Pid> {
    Processes::now().map(|processes| processes.of(session)).unwrap_or_default()
}
