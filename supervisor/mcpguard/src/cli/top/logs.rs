//! Audit logs read on from sample to sample, so that each record is read once.
//!
//! Logs that are long when they are first seen are read a piece a sample: nobody waits for one, and until its end is reached
//! nothing is told of it rather than a part.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use audit::{Body, Follower, Record, Start, Verdict, follow};
use jiff::Timestamp;

use super::refusal::refusal;
use super::sample::Tally;
use crate::sessions::Counts;

/// Refusals that are kept of a session.
const KEPT: usize = 24;
/// Records that are read between two looks at the clock.
const AT_ONCE: usize = 64;

/// The logs that are open.
pub(super) struct Logs {
    open: BTreeMap<PathBuf, Log>,
    /// How many may be; each has a descriptor.
    most: usize,
    /// Where reading stopped because the time was over: it goes on there.
    resume: Option<PathBuf>,
}

impl Logs {
    pub(super) fn new(most: usize) -> Self {
        Self { open: BTreeMap::new(), most, resume: None }
    }

    /// Reads on in these logs until their ends or `until`; closes the others.
    pub(super) fn read(&mut self, wanted: &[PathBuf], until: Option<Instant>) {
        self.open.retain(|path, _| wanted.contains(path));
        for path in wanted {
            if !self.open.contains_key(path)
                && self.open.len() < self.most
                && let Ok(log) = Log::open(path)
            {
                self.open.insert(path.clone(), log);
            }
        }
        let mut order: Vec<PathBuf> = self.open.keys().cloned().collect();
        let first = self.resume.take().and_then(|path| order.iter().position(|other| *other == path));
        order.rotate_left(first.unwrap_or(0));
        self.resume = order.into_iter().find(|path| !self.read_one(path, until));
    }

    /// Reads on in one log; whether there was time for all of it.
    fn read_one(&mut self, path: &Path, until: Option<Instant>) -> bool {
        match self.open.get_mut(path).map(|log| log.read(until)) {
            Some(Ok(whole)) => whole,
            // It is opened again for the next sample.
            Some(Err(Unreadable)) => self.open.remove(path).is_some(),
            None => true,
        }
    }

    /// What is known of a session in this log.
    pub(super) fn tally(&self, path: &Path, session: &str) -> Option<Tally> {
        let log = self.open.get(path).filter(|log| log.whole)?;
        Some(log.sessions.get(session).map(Entry::tally).unwrap_or_default())
    }
}

/// A log that is open. Sessions may share one.
struct Log {
    follower: Follower,
    sessions: HashMap<String, Entry>,
    /// Its end was reached at the last reading.
    whole: bool,
}

/// A file of the log cannot be read any more.
struct Unreadable;

impl Log {
    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { follower: follow(path, Start::Oldest)?, sessions: HashMap::new(), whole: false })
    }

    fn read(&mut self, until: Option<Instant>) -> Result<bool, Unreadable> {
        self.whole = false;
        // Of a log that many sessions have shared, those that run are kept, and those that have just ended.
        self.sessions.retain(|_, entry| !entry.ended);
        while until.is_none_or(|until| Instant::now() < until) {
            for _ in 0..AT_ONCE {
                match self.follower.poll() {
                    Some(Ok(record)) => self.add(&record),
                    // Line 0 is the file itself; a line that is no record is for `log verify`.
                    Some(Err(error)) if error.line == 0 => return Err(Unreadable),
                    Some(Err(_)) => {}
                    None => {
                        self.whole = true;
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn add(&mut self, record: &Record) {
        let session = record.session.as_str();
        if !self.sessions.contains_key(session) {
            self.sessions.insert(session.to_owned(), Entry::default());
        }
        if let Some(entry) = self.sessions.get_mut(session) {
            entry.add(record);
        }
    }
}

/// One session in a log.
#[derive(Default)]
struct Entry {
    counts: Counts,
    running: BTreeMap<u64, (Arc<str>, Timestamp)>,
    last: VecDeque<Arc<str>>,
    ended: bool,
}

impl Entry {
    fn add(&mut self, record: &Record) {
        self.counts.add(&record.body);
        match &record.body {
            Body::ToolCall(call) if call.verdict == Verdict::Allowed => {
                self.running.insert(call.call, (call.tool.as_str().into(), record.time));
            }
            Body::ToolResult(result) => drop(self.running.remove(&result.call)),
            Body::SessionEnd(_) => self.ended = true,
            _ => {}
        }
        if record.body.is_denial() {
            if self.last.len() == KEPT {
                self.last.pop_front();
            }
            self.last.push_back(refusal(record).into());
        }
    }

    fn tally(&self) -> Tally {
        Tally {
            calls: self.counts.calls,
            denials: self.counts.denials,
            running: self.running.iter().map(|(call, (tool, since))| (*call, tool.clone(), *since)).collect(),
            last: self.last.clone(),
        }
    }
}
