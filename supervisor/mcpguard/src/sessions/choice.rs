//! Which sessions are meant.

use anyhow::{bail, ensure};
use nix::unistd::User;

use super::Found;

/// So much of a session's name is needed at least, so that nobody means one by mistake.
const SHORTEST: usize = 4;

/// Which sessions a command is about.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = true)]
pub(crate) struct Choice {
    /// Sessions: the beginning of a session's name (4 characters at least), mcpguard's process number, or a policy's name,
    /// which means all of its sessions
    #[arg(value_name = "SESSION")]
    sessions: Vec<String>,
    /// All sessions of this user, by name or number
    #[arg(long, value_name = "USER", conflicts_with = "sessions")]
    user: Option<String>,
    /// All sessions that can be seen
    #[arg(long, conflicts_with_all = ["sessions", "user"])]
    all: bool,
}

impl Choice {
    /// Those of the sessions that are meant, each once.
    ///
    /// # Errors
    /// Nothing has such a name, or several sessions begin with it: then nothing is chosen at all.
    pub(crate) fn of(&self, found: Vec<Found>) -> anyhow::Result<Vec<Found>> {
        if self.all {
            return Ok(found);
        }
        if let Some(user) = &self.user {
            let uid = uid(user)?;
            return Ok(found.into_iter().filter(|session| session.uid == uid).collect());
        }
        let mut meant = vec![false; found.len()];
        for word in &self.sessions {
            for index in named(word, &found)? {
                meant[index] = true;
            }
        }
        Ok(found.into_iter().zip(meant).filter(|(_, meant)| *meant).map(|(session, _)| session).collect())
    }
}

fn named(word: &str, found: &[Found]) -> anyhow::Result<Vec<usize>> {
    let all = |is: &dyn Fn(&Found) -> bool| -> Vec<usize> {
        found.iter().enumerate().filter(|(_, session)| is(session)).map(|(index, _)| index).collect()
    };
    let by_policy = all(&|session| session.card.policy == word);
    let by_process = all(&|session| session.standing.supervisor().to_string() == word);
    let by_name = all(&|session| word.len() >= SHORTEST && session.card.session.starts_with(word));
    if by_policy.is_empty() && by_process.is_empty() && by_name.len() > 1 {
        bail!("{} sessions begin with `{word}`; write more of the name", by_name.len());
    }
    match [by_policy, by_process, by_name].into_iter().find(|found| !found.is_empty()) {
        None => bail!("no session is named `{word}`; `mcpguard ps` lists those that run"),
        Some(found) => Ok(found),
    }
}

fn uid(user: &str) -> anyhow::Result<u32> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    let known = User::from_name(user)?;
    ensure!(known.is_some(), "there is no user `{user}` on this machine");
    Ok(known.map_or(0, |user| user.uid.as_raw()))
}
