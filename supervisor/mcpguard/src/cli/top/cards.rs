//! Samples of the sessions that run (`sessions`), with what `/proc`, their audit logs and the host daemon say of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, User};

use super::logs::Logs;
use super::machine::machine;
use super::sample::{Key, Sample, Session, Source, State, Tally};
use crate::sessions::{Counts, Daemon, Processes, Running, look};

/// A daemon that did not answer is left alone for so long: each time it is waited for.
const PAUSE: Duration = Duration::from_secs(10);

/// Sessions by their cards, and by the daemon.
pub(super) struct Cards {
    daemon: Daemon,
    /// The daemon did not answer, at that time.
    mute: Option<Instant>,
    logs: Logs,
    /// How long reading logs may take in one sample; `None`: as long as it takes.
    patience: Option<Duration>,
    /// Users' names, looked up once.
    users: BTreeMap<u32, String>,
}

impl Cards {
    /// Raises this process's limit of descriptors as far as it may: each session needs one while it is looked at, and each
    /// log one.
    pub(super) fn new(daemon: Daemon, patience: Option<Duration>) -> Self {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
        let limit = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard);
        let logs = Logs::new(usize::try_from(limit / 4).unwrap_or(usize::MAX));
        Self { daemon, mute: None, logs, patience, users: BTreeMap::new() }
    }

    fn look(&mut self) -> anyhow::Result<Vec<Running>> {
        let daemon = self.mute.is_none_or(|since| since.elapsed() > PAUSE).then_some(&self.daemon);
        let (sessions, host) = look(daemon)?;
        if daemon.is_some() {
            self.mute = host.is_err().then(Instant::now);
        }
        Ok(sessions)
    }

    fn session(&mut self, it: &Running, processes: &Processes, at: Timestamp) -> Session {
        let usage = processes.used_by(it);
        let tally = it.log().and_then(|path| self.logs.tally(path, &it.session));
        // Only once it is clear that the log tells nothing: the two count differently.
        let told = it.hosted.as_ref().filter(|_| it.log().is_none()).map(Counts::told);
        Session {
            key: Key(it.key.clone()),
            name: it.session.clone(),
            pid: it.pid.as_raw(),
            uid: it.uid,
            user: self.user(it.uid),
            policy: it.policy.clone(),
            revision: it.revision.clone(),
            command: it.command.clone(),
            audit: it.audit.clone().unwrap_or_default(),
            began: it.began,
            age: at.duration_since(it.began).try_into().unwrap_or_default(),
            state: if it.is_frozen() { State::Frozen } else { State::Running },
            processes: usage.processes,
            memory: usage.memory,
            cpu: Duration::from_millis(usage.cpu_ms),
            tally: tally.or_else(|| told.map(Tally::counted)),
        }
    }

    fn user(&mut self, uid: u32) -> String {
        let name = || User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        self.users.entry(uid).or_insert_with(|| name().unwrap_or_else(|| uid.to_string())).clone()
    }
}

impl Source for Cards {
    fn sample(&mut self) -> anyhow::Result<Sample> {
        let running = self.look()?;
        let paths: BTreeSet<PathBuf> = running.iter().filter_map(Running::log).map(Path::to_owned).collect();
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        self.logs.read(&paths, self.patience.map(|patience| Instant::now() + patience));
        // The moment is that of the figures that change fastest.
        let (processes, moment, at) = (Processes::now()?, Instant::now(), Timestamp::now());
        let sessions = running.iter().map(|it| self.session(it, &processes, at)).collect();
        Ok(Sample { at, moment, machine: machine(), sessions })
    }
}
