//! What is known of this machine's sessions at one moment: plain data, whoever it comes from.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::sessions::Counts;

/// Where samples come from.
pub(super) trait Source: Send {
    /// Looks at all sessions once.
    ///
    /// # Errors
    /// The sessions cannot be listed at all. What cannot be told of one of them is `None` there.
    fn sample(&mut self) -> anyhow::Result<Sample>;
}

/// All sessions that can be seen, oldest first, and the machine that they run on.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// When, for people.
    pub(super) at: Timestamp,
    /// When, for differences.
    pub(super) moment: Instant,
    /// The machine.
    pub(super) machine: Machine,
    /// The sessions.
    pub(super) sessions: Vec<Session>,
}

/// The machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// Its name.
    pub(super) name: String,
    /// Processors that may be used.
    pub(super) processors: usize,
    /// Bytes of memory: in use, and all of it.
    pub(super) memory: Option<(u64, u64)>,
    /// Processes that want to run, as the mean of one, five and fifteen minutes (proc_loadavg(5)).
    pub(super) load: Option<[f64; 3]>,
}

/// What stays the same for as long as a session runs, and means no other one: its supervisor's number and start time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) String);

/// One session. Texts are as its user wrote them: whoever shows them cleans them.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) key: Key,
    /// Its name in the audit log.
    pub(super) name: String,
    /// Its supervisor's process number.
    pub(super) pid: i32,
    /// Whose it is.
    pub(super) uid: u32,
    /// Their name, or the number again.
    pub(super) user: String,
    pub(super) policy: String,
    pub(super) revision: String,
    pub(super) command: Vec<String>,
    /// Its audit log; empty where nobody tells.
    pub(super) audit: String,
    pub(super) began: Timestamp,
    pub(super) age: Duration,
    pub(super) state: State,
    pub(super) processes: u64,
    /// Bytes (RSS).
    pub(super) memory: u64,
    /// Processor time so far.
    pub(super) cpu: Duration,
    /// What its audit log says; `None` if that cannot be read, is another user's, or is not read to its end yet.
    pub(super) tally: Option<Tally>,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Running,
    Frozen,
}

impl State {
    /// The word that `ps` uses as well.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Frozen => "frozen",
        }
    }
}

/// What a session's audit log says so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Calls that came to the doorman.
    pub(super) calls: u64,
    /// Refusals of all layers.
    pub(super) denials: u64,
    /// Calls at the server: number, tool, and since when.
    pub(super) running: Vec<(u64, Arc<str>, Timestamp)>,
    /// The last refusals, oldest first, each a line.
    pub(super) last: VecDeque<Arc<str>>,
}

impl Tally {
    /// Only the counts are known: the daemon's.
    pub(super) fn counted(counts: Counts) -> Self {
        Self { calls: counts.calls, denials: counts.denials, ..Self::default() }
    }
}
