//! `mcpguard quarantine` and `mcpguard release`: sessions stand still, are kept as they are, and nobody starts another one of the
//! same policy.
//!
//! ```text
//! # mcpguard quarantine github
//! quarantined: 5f3c0a91 (github)
//! no session of it is opened until `mcpguard release 3b0c44…`
//! # mcpguard release 3b0c44…
//! released: 3b0c44…
//! ```
//! It is for sessions of the host daemon, and takes an operator. The processes, the log and the workspace stay as they are for whoever
//! looks at them; `kill` ends the sessions when that is done, `thaw` lets them go on. What holds is the revision: the same text
//! under another name is closed as well, a changed one is not.
//!
//! Exit status: 0; 1 some could not be; 125 nothing could be chosen, or the daemon does not answer or refuses.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use control::message::{Acted, Release};
use control::{Answer, Request, Selector};

use super::deed::one;
use super::told::told;
use crate::sessions::{Choice, Daemon, Host, Running, running};

/// Arguments of `mcpguard quarantine`.
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

/// Arguments of `mcpguard release`.
#[derive(clap::Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    daemon: Daemon,
    /// The policy's revision, as `quarantine` and `ps --json` tell it: 64 digits, 0 to 9 and a to f
    #[arg(value_name = "REVISION")]
    revision: String,
}

/// How long the daemon may take: it writes to the disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does it; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (all, host) = running(&args.daemon)?;
    let mut host = host.context("quarantine takes the host daemon; `mcpguard kill` needs none")?;
    let sessions = args.choice.of(all)?;
    ensure!(!sessions.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
    let selectors = match args.choice.lot()? {
        Some(lot) => vec![lot],
        None => sessions.iter().filter_map(|session| one(session.id()?)).collect(),
    };
    let acted = ask(&mut host, selectors)?;
    let outcomes: Vec<_> = sessions.iter().map(|session| outcome(session, &acted)).collect();
    for (session, outcome) in sessions.iter().zip(&outcomes) {
        told("quarantined", session, outcome, args.json, out)?;
    }
    let apart = sessions.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    let revisions: BTreeSet<&str> = apart.map(|(session, _)| revision(session)).collect();
    if !args.json {
        for revision in revisions {
            writeln!(out, "no session of it is opened until `mcpguard release {revision}`")?;
        }
    }
    Ok(u8::from(outcomes.iter().any(Result::is_err)))
}

/// As the daemon has compiled it.
fn revision(session: &Running) -> &str {
    session.hosted.as_ref().map_or(&session.revision, |summary| &summary.revision)
}

fn ask(host: &mut Host, selectors: Vec<Selector>) -> anyhow::Result<Acted> {
    let mut all = Acted::default();
    for selector in selectors {
        match host.ask(Request::Quarantine(selector), PATIENCE).context("the host daemon does not answer")? {
            Answer::Acted(Acted { done, failed }) => {
                all.done.extend(done);
                all.failed.extend(failed);
            }
            other => return refused(other),
        }
    }
    Ok(all)
}

fn refused<T>(answer: Answer) -> anyhow::Result<T> {
    match answer {
        Answer::Refused(refusal) => bail!("the host daemon refuses: {}", refusal.sentence),
        other => bail!("the host daemon answers with {other:?}"),
    }
}

fn outcome(session: &Running, acted: &Acted) -> Result<(), String> {
    let id = session.id().ok_or_else(|| "it is not the host daemon's; `mcpguard kill` ends it".to_owned())?;
    let failed = acted.failed.iter().find(|it| it.session == *id);
    match failed {
        Some(failed) => Err(failed.refusal.sentence.clone()),
        None if acted.done.contains(id) => Ok(()),
        None => Err("it has ended meanwhile".to_owned()),
    }
}

/// Releases; the number is the exit status.
pub(crate) fn release(args: ReleaseArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut host = args.daemon.connect(PATIENCE)?;
    let request = Request::Release(Release { revision: args.revision.clone() });
    match host.ask(request, PATIENCE).context("the host daemon does not answer")? {
        Answer::Done => writeln!(out, "released: {}", audit::for_people(&args.revision))?,
        other => return refused(other),
    }
    Ok(0)
}
