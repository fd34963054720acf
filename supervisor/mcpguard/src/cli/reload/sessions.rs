//! Running sessions read their policies again.

use std::io::Write;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::session::{Question, Reply};
use crate::sessions::Running;

/// How long a session may take: the host daemon compiles its policy as well.
const PATIENCE: Duration = Duration::from_secs(90);

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
    Ok(serde_json::from_slice(&crate::cli::approvals::ask(session, &Question::Reload, PATIENCE)?)?)
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
