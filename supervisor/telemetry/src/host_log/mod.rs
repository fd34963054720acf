//! The host's log: one file, one chain, all sessions of the host, each with numbers of its own.
//!
//! ```text
//! open ─► lock, replay (where each session stands), repair what a crash left
//! append ─► skip kernel events that are there ─► number, seal ─► one write a batch ─► fdatasync ─► sinks
//! tick ───► rotate by age, sync once a second, tell of what was lost and of what sinks missed
//! ```
//!
//! One process writes it, and holds its lock for as long as it lives. A batch is in the file as a whole or not at all,
//! but for a loss of power in the middle of it: then its first lines may be there, and the torn one is cut off.

mod append;
mod error;
mod file;
mod open;
mod replay;
mod rotate;
mod standing;

pub use append::Appended;
pub use error::{AppendError, HostLogError};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Body, Digest, Lost, LostKind, Redactor, Revision, RotationReason, SessionId};
use jiff::{SignedDuration, Timestamp};

use crate::config::{LogSection, Sync};
use crate::metrics::Metrics;
use crate::sinks::Sinks;

use append::Batch;
use file::LogFile;
use standing::Standings;

/// How often at most a sink's losses are written down.
const SINK_TOLD: Duration = Duration::from_secs(60);
/// How long written records may wait for the disk with [`Sync::Second`].
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Where and how the log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLogConfig {
    /// The file. Its directory is made with mode 0750 if it is absent, the file with mode 0640.
    pub path: PathBuf,
    /// Bytes after which a new file is begun. A single record may exceed it.
    pub max_bytes: u64,
    /// Time after which a new file is begun; `None` for never.
    pub max_age: Option<SignedDuration>,
    /// Rotated files that are kept; older ones are removed.
    pub keep: u32,
    /// When written records are brought to the disk.
    pub sync: Sync,
}

impl From<&LogSection> for HostLogConfig {
    fn from(section: &LogSection) -> Self {
        let LogSection { path, max_mebibytes, max_age_hours, keep, sync, sinks: _ } = section;
        let hours = i64::from(*max_age_hours);
        Self {
            path: path.clone(),
            max_bytes: u64::from(*max_mebibytes).max(1) << 20,
            max_age: (hours > 0).then(|| SignedDuration::from_hours(hours)),
            keep: *keep,
            sync: *sync,
        }
    }
}

/// What is to be written about a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The session; [`SessionId::host`] for what concerns the daemon.
    pub session: SessionId,
    /// The session's policy; `None` for what concerns the daemon, and for sessions that are not known any more.
    pub revision: Option<Revision>,
    /// What happened.
    pub body: Body,
}

/// Where a session stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionStanding {
    /// The number of its last record.
    pub seq: u64,
    /// The highest number of a kernel event of it that is in the log; 0 if none is.
    pub kernel: u64,
    /// Whether its `session_end` is there.
    pub ended: bool,
}

/// The host's log, open and locked.
#[derive(Debug)]
pub struct HostLog {
    config: HostLogConfig,
    file: LogFile,
    /// The hash of the last record.
    last: Digest,
    /// When the present file was begun.
    began: Timestamp,
    /// Bytes with which the present file carries on another one: alone they are no reason for the next.
    carried: u64,
    standings: Standings,
    host: SessionId,
    batch: Batch,
    /// Cuts long texts. Secrets are cut out where they are known: in the session.
    redactor: Redactor,
    lost: u64,
    why_lost: Option<String>,
    /// Since when written records wait for the disk.
    unsynced: Option<Instant>,
    sinks: Sinks,
    sinks_told: Option<Instant>,
    metrics: Arc<Metrics>,
}

impl HostLog {
    /// The highest number of a kernel event of this session that is in the log; 0 if none is. An event with a lower one
    /// may still be missing: see [`Self::has_kernel_event`].
    pub fn last_kernel_sequence(&self, session: &SessionId) -> u64 {
        self.standings.get(session).map_or(0, |standing| standing.kernel.last())
    }

    /// Whether this event of the kernel is in the log, or so late that it would not be taken any more. Such an event is
    /// passed over by [`Self::append`], so that after a crash the daemon may append all that it still has.
    pub fn has_kernel_event(&self, session: &SessionId, sequence: std::num::NonZeroU64) -> bool {
        self.standings.has(session, sequence)
    }

    /// How many of a session's kernel events are missing below the highest one: they were dropped, or have not come yet.
    pub fn missing_kernel_events(&self, session: &SessionId) -> u64 {
        self.standings.get(session).map_or(0, |standing| standing.kernel.missing())
    }

    /// The sessions that the log knows, in no order: all that have not ended, and those that ended lately. After a crash
    /// the daemon writes the `session_end` of those that are gone meanwhile.
    pub fn sessions(&self) -> impl Iterator<Item = (&SessionId, SessionStanding)> {
        let others = self.standings.sessions().filter(|(session, _)| **session != self.host);
        others.map(|(session, standing)| {
            let (seq, kernel, ended) = (standing.seq, standing.kernel.last(), standing.ended.is_some());
            (session, SessionStanding { seq, kernel, ended })
        })
    }

    /// The hash of the last record. Kept elsewhere, it proves that the log up to here was not rewritten.
    pub fn head(&self) -> Digest {
        self.last
    }

    /// Records that could not be written since the last one that could.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// What is to be done from time to time; call it about once a second. Rotates by age, syncs where that waits for a
    /// second, and writes down what was lost and what sinks missed.
    ///
    /// # Errors
    /// The file cannot be written, synced or rotated.
    pub fn tick(&mut self) -> Result<(), HostLogError> {
        if self.is_old() {
            self.look()?;
            self.rotate(RotationReason::Age)?;
        }
        self.tell_what_sinks_missed();
        if self.lost > 0 || !self.batch.is_empty() {
            self.append_all(Vec::new()).map_err(|error| error.source)?;
        }
        match self.unsynced {
            Some(since) if since.elapsed() >= SYNC_EVERY && self.config.sync == Sync::Second => self.sync(),
            _ => Ok(()),
        }
    }

    /// Writes what is left to tell and syncs the file. Sinks get what they take within five seconds.
    ///
    /// # Errors
    /// Losses could not be told of in the log, or the file cannot be synced.
    pub fn close(mut self) -> Result<(), HostLogError> {
        self.sinks_told = None;
        self.tell_what_sinks_missed();
        self.append_all(Vec::new()).map_err(|error| error.source)?;
        self.sync()?;
        self.sinks.close();
        Ok(())
    }

    /// What the log has to say of itself.
    fn own(&self, body: Body) -> Entry {
        Entry { session: self.host.clone(), revision: None, body }
    }

    fn is_old(&self) -> bool {
        let age = Timestamp::now().duration_since(self.began);
        self.file.size() > 0 && self.config.max_age.is_some_and(|most| age >= most)
    }

    /// Brings everything to the disk.
    pub(super) fn sync(&mut self) -> Result<(), HostLogError> {
        let path = &self.config.path;
        self.file.sync().map_err(|source| HostLogError::Write { path: path.clone(), source })?;
        self.unsynced = None;
        Ok(())
    }

    /// Losses of sinks are records like others; they wait in the batch for the next write.
    fn tell_what_sinks_missed(&mut self) {
        // What cannot be written now is not asked for again: it stays counted where it is.
        let lately = self.sinks_told.is_some_and(|told| told.elapsed() < SINK_TOLD);
        if lately || !self.batch.is_empty() {
            return;
        }
        for (sink, count) in self.sinks.take_dropped() {
            self.sinks_told = Some(Instant::now());
            let reason = Some(format!("{sink} was slow or away; the records are in this log"));
            let body = Body::Lost(Lost { count, kind: LostKind::SinkRecords, reason });
            self.batch.wait(self.own(body));
        }
    }
}
