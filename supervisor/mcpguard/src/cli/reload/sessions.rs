//! Running sessions read their policies again.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde_json::json;

use crate::session::{ASK, Reply};
use crate::sessions::Running;

/// How long a session may take: the host daemon compiles its policy as well.
const PATIENCE: Duration = Duration::from_secs(90);
/// The longest answer.
const MOST: u64 = 4 << 20;

/// Asks all of them at once, and tells what each says; whether the policies as they are written now hold for all.
pub(super) fn reload(sessions: &[Running], json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let replies: Vec<anyhow::Result<Reply>> = thread::scope(|all| {
        let asking: Vec<_> = sessions.iter().map(|session| all.spawn(|| ask(session))).collect();
        let answered = asking
            .into_iter()
            .map(|asked| asked.join().unwrap_or_else(|_| Err(anyhow::anyhow!("its answer cannot be read"))));
        answered.collect()
    });
    let mut all = true;
    for (session, reply) in sessions.iter().zip(replies) {
        let reply = reply.unwrap_or_else(|error| Reply {
            before: session.revision.clone(),
            revision: session.revision.clone(),
            refused: vec![format!("{error:#}")],
            ..Reply::default()
        });
        all &= reply.refused.is_empty();
        match json {
            true => writeln!(out, "{}", object(session, &reply))?,
            false => tell(session, &reply, out)?,
        }
    }
    Ok(all)
}

fn ask(session: &Running) -> anyhow::Result<Reply> {
    let door = session.door().with_context(|| {
        format!("where to ask it is found by user {} only; run this command as that user", session.uid)
    })?;
    ask_at(door, session).with_context(
        || "it does not answer; one that runs without an MCP client, or of another build, cannot be asked",
    )
}

fn ask_at(door: &Path, session: &Running) -> anyhow::Result<Reply> {
    let mut stream = UnixStream::connect(door)?;
    // In another user's directory anything may lie under that name.
    let listens = getsockopt(&stream, PeerCredentials)?;
    ensure!(
        (listens.pid(), listens.uid()) == (session.pid.as_raw(), session.uid),
        "another process listens there"
    );
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(ASK)?;
    let mut line = Vec::new();
    BufReader::new(std::io::Read::take(stream, MOST)).read_until(b'\n', &mut line)?;
    ensure!(line.ends_with(b"\n"), "it ended before it had answered");
    Ok(serde_json::from_slice(&line)?)
}

fn object(session: &Running, Reply { before, revision, later, refused }: &Reply) -> serde_json::Value {
    json!({
        "session": session.session,
        "policy": session.policy,
        "before": before,
        "revision": revision,
        "later": later,
        "refused": refused,
    })
}

fn tell(session: &Running, reply: &Reply, out: &mut dyn Write) -> std::io::Result<()> {
    let Reply { before, revision, later, refused } = reply;
    let clean = audit::for_people;
    let (name, policy) = (clean(&session.session), clean(&session.policy));
    let short = |revision: &str| revision.chars().take(12).collect::<String>();
    match (refused.is_empty(), before == revision) {
        (false, _) => writeln!(out, "{name} ({policy}): as before")?,
        (true, true) => writeln!(out, "{name} ({policy}): the policy is what it was")?,
        (true, false) => {
            writeln!(
                out,
                "{name} ({policy}): follows revision {}, before {}",
                short(revision),
                short(before)
            )?;
        }
    }
    refused.iter().try_for_each(|why| writeln!(out, "  {}", indented(&clean(why))))?;
    later.iter().try_for_each(|what| writeln!(out, "  with the next start: {}", indented(&clean(what))))
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}
