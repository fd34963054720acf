//! Samples of the sessions that have left cards (`sessions`), with what `/proc` and their audit logs say of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, User, geteuid};

use super::logs::Logs;
use super::machine::machine;
use super::sample::{Key, Sample, Session, Source, State};
use crate::sessions::{Found, Processes, found};

/// Sessions by their cards.
pub(super) struct Cards {
    logs: Logs,
    /// How long reading logs may take in one sample; `None`: as long as it takes.
    patience: Option<Duration>,
    /// Users' names, looked up once.
    users: BTreeMap<u32, String>,
}

impl Cards {
    /// Raises this process's limit of descriptors as far as it may: each session needs one while it is looked at, and each
    /// log one.
    pub(super) fn new(patience: Option<Duration>) -> Self {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
        let limit = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard);
        let logs = Logs::new(usize::try_from(limit / 4).unwrap_or(usize::MAX));
        Self { logs, patience, users: BTreeMap::new() }
    }

    fn session(&mut self, found: &Found, processes: &Processes, at: Timestamp) -> Session {
        let (Found { card, standing, uid }, usage) = (found, processes.usage(&processes.of(found)));
        let tally = log(found).and_then(|path| self.logs.tally(path, &card.session));
        Session {
            key: Key(card.supervisor.clone()),
            name: card.session.clone(),
            pid: standing.supervisor().as_raw(),
            uid: *uid,
            user: self.user(*uid),
            policy: card.policy.clone(),
            revision: card.revision.clone(),
            command: card.command.clone(),
            audit: card.audit.clone(),
            began: card.began,
            age: at.duration_since(card.began).try_into().unwrap_or_default(),
            state: if standing.is_frozen() { State::Frozen } else { State::Running },
            processes: usage.processes,
            memory: usage.memory,
            cpu: Duration::from_millis(usage.cpu_ms),
            tally,
        }
    }

    fn user(&mut self, uid: u32) -> String {
        let name = || User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        self.users.entry(uid).or_insert_with(|| name().unwrap_or_else(|| uid.to_string())).clone()
    }
}

impl Source for Cards {
    fn sample(&mut self) -> anyhow::Result<Sample> {
        let found = found()?;
        let paths: BTreeSet<PathBuf> = found.iter().filter_map(log).map(Path::to_owned).collect();
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        self.logs.read(&paths, self.patience.map(|patience| Instant::now() + patience));
        // The moment is that of the figures that change fastest.
        let (processes, moment, at) = (Processes::now()?, Instant::now(), Timestamp::now());
        let sessions = found.iter().map(|found| self.session(found, &processes, at)).collect();
        Ok(Sample { at, moment, machine: machine(), sessions })
    }
}

/// A session's log, if it is this user's. Another user's card may name anything: a pipe on which root would wait for ever, a
/// device.
fn log(found: &Found) -> Option<&Path> {
    (found.uid == geteuid().as_raw()).then(|| Path::new(&found.card.audit))
}
