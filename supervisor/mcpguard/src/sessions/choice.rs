//! Which sessions are meant.

use anyhow::{bail, ensure};
use nix::unistd::User;

use control::Selector;

use super::Running;

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
    /// For a command that may be about none.
    pub(crate) fn new(sessions: Vec<String>, user: Option<String>, all: bool) -> Self {
        Self { sessions, user, all }
    }

    /// What the daemon is asked at once where whole lots of sessions are meant.
    ///
    /// # Errors
    /// There is no such user.
    pub(crate) fn lot(&self) -> anyhow::Result<Option<Selector>> {
        let user = self.user.as_deref().map(|user| Ok(Selector::User(uid(user)?))).transpose();
        if self.all { Ok(Some(Selector::All)) } else { user }
    }

    /// Those of the sessions that are meant, each once.
    ///
    /// # Errors
    /// Nothing has such a name, or several sessions begin with it: then nothing is chosen at all.
    pub(crate) fn of(&self, found: Vec<Running>) -> anyhow::Result<Vec<Running>> {
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

fn named(word: &str, found: &[Running]) -> anyhow::Result<Vec<usize>> {
    let all = |is: &dyn Fn(&Running) -> bool| -> Vec<usize> {
        found.iter().enumerate().filter(|(_, session)| is(session)).map(|(index, _)| index).collect()
    };
    let by_policy = all(&|session| session.policy == word);
    let by_process = all(&|session| session.pid.to_string() == word);
    let by_name = all(&|session| word.len() >= SHORTEST && begins(session, word));
    if by_policy.is_empty() && by_process.is_empty() && by_name.len() > 1 {
        bail!("{} sessions begin with `{word}`; write more of the name", by_name.len());
    }
    match [by_policy, by_process, by_name].into_iter().find(|found| !found.is_empty()) {
        None => bail!("no session is named `{word}`; `mcpguard ps` lists those that run"),
        Some(found) => Ok(found),
    }
}

/// By its name in the log, or by its id at the daemon.
fn begins(session: &Running, word: &str) -> bool {
    session.session.starts_with(word) || session.id().is_some_and(|id| id.as_str().starts_with(word))
}

/// The number of a user, who may be named.
///
/// # Errors
/// There is none of that name.
pub(crate) fn uid(user: &str) -> anyhow::Result<u32> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    let known = User::from_name(user)?;
    ensure!(known.is_some(), "there is no user `{user}` on this machine");
    Ok(known.map_or(0, |user| user.uid.as_raw()))
}
