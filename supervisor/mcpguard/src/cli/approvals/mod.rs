//! `mcpguard approvals`, `approve` and `deny`: calls that the policy holds until somebody has looked at them.
//!
//! ```text
//! $ mcpguard approvals
//! 5f3c0a91-7  create_issue  (github, waits since 12 s, 288 s left)
//!   tools.create_*.require_approval: true at github.yaml:31:22
//!   {"owner": "me", "title": "x"}
//! $ mcpguard approve 5f3c0a91-7
//! …
//! Carry it out? [y/N] y
//! 5f3c0a91-7: approved, it is carried out
//! ```
//! What is approved is exactly what was shown: the answer names its digest. Only the session's user and root are asked, and no
//! guarded process. Who runs other programs of that user's, a client with a shell among them, can approve as well: where that
//! matters, `sensitive: true` wants a second approver, such as root or the policy's program.
//!
//! Exit status: 0; 1 it could not be decided, or was not; 125 nothing could be asked.

mod ask;
mod shown;

pub(crate) use ask::ask;

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, bail, ensure};

use crate::session::{Decided, Held, Question};
use crate::sessions::{Daemon, Running, running};
use crate::terminal::confirmed;

/// Arguments of `mcpguard approvals`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Print JSON, one object a call
    #[arg(long)]
    json: bool,
}

/// Arguments of `mcpguard approve` and `mcpguard deny`.
#[derive(clap::Args)]
pub(crate) struct DecideArgs {
    /// The call, as `mcpguard approvals` names it; none: the only one that waits
    #[arg(value_name = "SESSION-CALL")]
    call: Option<String>,
    /// Decide without asking once more
    #[arg(long, short)]
    yes: bool,
    /// Decide only if the call's digest begins like this (8 digits at least)
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    #[command(flatten)]
    daemon: Daemon,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A held call and the session that holds it.
struct Waiting {
    session: Rc<Running>,
    held: Held,
}

/// A held call as `--json` lists it.
#[derive(serde::Serialize)]
struct Listed<'h> {
    /// What `approve` and `deny` take.
    id: String,
    #[serde(flatten)]
    held: &'h Held,
}

/// Lists them; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let all = waiting(&args.daemon)?;
    if all.is_empty() && !args.json {
        writeln!(out, "no call waits for an approval")?;
    }
    for Waiting { held, .. } in &all {
        match args.json {
            true => writeln!(out, "{}", serde_json::to_string(&Listed { id: shown::name(held), held })?)?,
            false => shown::call(held, out)?,
        }
    }
    Ok(0)
}

/// Decides about one; the number is the exit status.
pub(crate) fn decide(approve: bool, args: DecideArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let DecideArgs { call, yes, digest, daemon, json } = args;
    let Waiting { session, held } = chosen(waiting(&daemon)?, call.as_deref())?;
    if let Some(digest) = digest {
        ensure!(digest.len() >= 8, "a digest of 8 digits at least is wanted");
        ensure!(
            held.digest.starts_with(&digest.to_ascii_lowercase()),
            "the call's digest is {}",
            held.digest
        );
    }
    if !json {
        shown::call(&held, out)?;
    }
    let question = if approve { "Carry it out?" } else { "Refuse it?" };
    if !yes && !confirmed(question, "decided", out)? {
        writeln!(out, "nothing was decided")?;
        return Ok(1);
    }
    let question = Question::Decide { call: held.call, digest: held.digest.clone(), approve };
    let decided: Decided = ask::session(&session, &question)?;
    match json {
        true => writeln!(out, "{}", serde_json::to_string(&decided)?)?,
        false => writeln!(out, "{}: {}", shown::name(&held), outcome(approve, &decided))?,
    }
    Ok(u8::from(decided.refused.is_some()))
}

fn outcome(approve: bool, Decided { refused, missing, waits_for_client }: &Decided) -> String {
    match (refused, approve, missing) {
        (Some(why), ..) => format!("nothing was decided: {}", audit::for_people(why)),
        (None, false, _) => "denied, it is not carried out".to_owned(),
        (None, true, 0) if *waits_for_client => {
            "approved, it is carried out when the person at the client has answered, too".to_owned()
        }
        (None, true, 0) => "approved, it is carried out".to_owned(),
        (None, true, missing) => format!("approved; {missing} more must approve it"),
    }
}

fn waiting(daemon: &Daemon) -> anyhow::Result<Vec<Waiting>> {
    let (sessions, _) = running(daemon)?;
    let mut all = Vec::new();
    for session in sessions.into_iter().filter(|session| session.door().is_some()) {
        // A session that ends while it is asked holds nothing any more.
        let Ok(held) = ask::session::<Vec<Held>>(&session, &Question::Approvals) else { continue };
        let session = Rc::new(session);
        all.extend(held.into_iter().map(|held| Waiting { session: Rc::clone(&session), held }));
    }
    Ok(all)
}

/// The call that is named, or the only one.
fn chosen(all: Vec<Waiting>, named: Option<&str>) -> anyhow::Result<Waiting> {
    let Some(named) = named else {
        ensure!(all.len() < 2, "{} calls wait; `mcpguard approvals` lists them", all.len());
        return all.into_iter().next().context("no call waits for an approval");
    };
    let (session, call) = named.rsplit_once('-').context("a call is named like 5f3c0a91-7")?;
    ensure!(session.len() >= 4, "write 4 characters at least of the session's name");
    let call: u64 = call.parse().context("a call is named like 5f3c0a91-7")?;
    let mut meant: Vec<_> = all
        .into_iter()
        .filter(|waiting| waiting.held.call == call && waiting.held.session.starts_with(session))
        .collect();
    if meant.len() > 1 {
        bail!("several sessions begin with `{session}`; write more of the name");
    }
    meant.pop().with_context(|| format!("no call `{named}` waits; `mcpguard approvals` lists those that do"))
}
