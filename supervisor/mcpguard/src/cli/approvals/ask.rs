//! A question to a session, and its answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::de::DeserializeOwned;

use crate::session::Question;
use crate::sessions::Running;

/// The longest answer: the arguments of all calls that wait.
const MOST: u64 = 256 << 20;

/// Asks a session, which has ten seconds.
///
/// # Errors
/// It cannot be asked, does not answer, or answers something else.
pub(super) fn session<A: DeserializeOwned>(session: &Running, question: &Question) -> anyhow::Result<A> {
    let line = ask(session, question, Duration::from_secs(10))?;
    serde_json::from_slice(&line).with_context(|| {
        let refused = serde_json::from_slice::<crate::session::Reply>(&line).ok();
        refused.map_or("it answers something else".to_owned(), |reply| reply.refused.join("; "))
    })
}

/// The line that a session answers.
///
/// # Errors
/// It cannot be asked, or does not answer in time.
pub(crate) fn ask(session: &Running, question: &Question, patience: Duration) -> anyhow::Result<Vec<u8>> {
    let door = session.door().with_context(|| {
        format!("where to ask it is found by user {} only; run this command as that user", session.uid)
    })?;
    ask_at(door, session, question, patience).with_context(
        || "it does not answer; one that runs without an MCP client, or of another build, cannot be asked",
    )
}

fn ask_at(
    door: &Path,
    session: &Running,
    question: &Question,
    patience: Duration,
) -> anyhow::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(door)?;
    // In another user's directory anything may lie under that name.
    let listens = getsockopt(&stream, PeerCredentials)?;
    ensure!(
        (listens.pid(), listens.uid()) == (session.pid.as_raw(), session.uid),
        "another process listens there"
    );
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut said = serde_json::to_vec(question)?;
    said.push(b'\n');
    stream.write_all(&said)?;
    let mut line = Vec::new();
    BufReader::new(stream.take(MOST)).read_until(b'\n', &mut line)?;
    ensure!(line.ends_with(b"\n"), "it ended before it had answered");
    Ok(line)
}
