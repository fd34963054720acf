//! The file sink: one line a record, one `write(2)` a line, chained, rotated.
//!
//! Several sessions may write one file (a policy with `audit.path`, two windows of an editor). So each write takes an
//! exclusive `flock` on the file, looks whether the path still means this file and whether others have appended, and
//! carries on from the last line that is there. That costs four small system calls; in return no session ever waits for
//! another one's end, and what a killed session left half-written is named by the next.
//!
//! No `fsync` a record: a line survives the death of mcpguard and of the server, but not necessarily the loss of power.
//! The file is synced when it is rotated and when the session ends.

mod open;
mod rotate;
mod tail;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::body::{Body, Lost, LostKind, Rotated, RotationReason};
use crate::chain::Digest;
use crate::lines::MAX_LINE_BYTES;
use crate::record::{Place, SessionId, write_line};
use crate::redact::{Redact, Redactor};
use crate::revision::Revision;

use open::Opened;

/// Where and how a session writes.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The file. Its directory is made with mode 0700 if it is absent, the file with mode 0600.
    pub path: PathBuf,
    /// Bytes after which a new file is begun. A single record may exceed it.
    pub max_bytes: u64,
    /// Rotated files that are kept; older ones are removed.
    pub keep: u32,
    /// The session's name.
    pub session: SessionId,
    /// The session's policy, which every record names; see [`Log::set_revision`].
    pub revision: Option<Revision>,
    /// What must not be written.
    pub redactor: Arc<Redactor>,
}

/// Why a record was not written. The caller decides whether the session goes on; if it does, the next record that can
/// be written is preceded by one that tells how many were lost.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file or its directory cannot be opened or made.
    #[error("cannot open the audit log {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What stands at the path must not be written to.
    #[error("{path} cannot be the audit log: {why}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// Another process has held the file's lock for two seconds.
    #[error("the audit log {path} is locked by another process")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The record could not be written; nothing of it is in the file.
    #[error("cannot write to the audit log {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A new file could not be begun; the old one is as it was.
    #[error("cannot rotate the audit log {path}: {source}")]
    Rotate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record is longer than any line may be (8 MiB).
    #[error("the record has {0} bytes, more than a line of the audit log may have")]
    TooLong(usize),
    /// The record has no JSON form.
    #[error("the record cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A session's hand on its log.
#[derive(Debug)]
pub struct Log {
    config: LogConfig,
    opened: Opened,
    /// The session's last sequence number that is in the file.
    seq: u64,
    /// Records that could not be written since the last one that could.
    lost: u64,
    why_lost: Option<String>,
    buffer: Vec<u8>,
}

impl Log {
    /// Opens or makes the file. Nothing is written yet.
    ///
    /// # Errors
    /// The file cannot be opened, is not a log, or is open to others' writing.
    pub fn open(config: LogConfig) -> Result<Self, LogError> {
        let opened = Opened::open(&config.path)?;
        Ok(Self { config, opened, seq: 0, lost: 0, why_lost: None, buffer: Vec::with_capacity(4096) })
    }

    /// The file that is written.
    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// The session's policy is another one: every record that follows names it.
    pub fn set_revision(&mut self, revision: Option<Revision>) {
        self.config.revision = revision;
    }

    /// Records that could not be written since the last one that could.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Writes one record: cleans it, numbers it, chains it, appends it with one `write(2)`. Blocks for two seconds at
    /// most, and only while another process holds the file's lock.
    ///
    /// # Errors
    /// The record is not in the file, and counted as lost.
    pub fn write(&mut self, mut body: Body) -> Result<(), LogError> {
        self.write_cleaned(&mut body).map(drop)
    }

    /// The same for who needs the record afterwards: the body is left without secrets, written or not, and the record's
    /// number given.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_cleaned(&mut self, body: &mut Body) -> Result<u64, LogError> {
        body.redact(&self.config.redactor);
        let written = self.write_locked(body);
        if let Err(error) = &written {
            self.lost += 1;
            self.why_lost = Some(error.to_string());
        }
        written.map(|()| self.seq)
    }

    /// Syncs the file. Call it after the session's last record.
    ///
    /// # Errors
    /// Records are lost that could not be told of in the log, or the file cannot be synced.
    pub fn close(mut self) -> Result<(), LogError> {
        if self.lost > 0 {
            self.locked(|log| log.tell_losses())?;
        }
        self.opened.file.sync_data().map_err(|source| self.failed(source))
    }

    fn write_locked(&mut self, body: &Body) -> Result<(), LogError> {
        self.locked(|log| {
            log.tell_losses()?;
            log.append(body)
        })
    }

    /// Runs `work` with the lock held, on the file that the path means now, after the last line that it has now.
    fn locked(&mut self, work: impl FnOnce(&mut Self) -> Result<(), LogError>) -> Result<(), LogError> {
        let moved_from = self.opened.lock(&self.config.path)?;
        let worked = self.caught_up(moved_from).and_then(|()| work(self));
        // An unlock of a lock that is held cannot fail (flock(2)); the next lock would notice.
        let unlocked = self.opened.file.unlock().map_err(|source| self.failed(source));
        worked.and(unlocked)
    }

    /// Carries the chain into a file that someone else's moving made necessary; names damage at the file's end.
    fn caught_up(&mut self, moved_from: Option<Digest>) -> Result<(), LogError> {
        // Only a chain that has begun is worth a word, and only if no other session has carried it over already.
        if let Some(prev) = moved_from.filter(|prev| self.opened.size == 0 && *prev != Digest::GENESIS) {
            self.opened.last = prev;
            let body = Rotated { from: None, reason: RotationReason::Moved, removed: Vec::new() };
            let hash = self.prepare(&Body::Rotated(body), b"")?;
            self.put(hash)?;
        }
        if let Some(damage) = self.opened.damage.clone() {
            // One write for the newline and the record, so that a second crash cannot come between them.
            let hash = self.prepare(&Body::Recovered(damage), b"\n")?;
            self.put(hash)?;
        }
        Ok(())
    }

    fn tell_losses(&mut self) -> Result<(), LogError> {
        if self.lost == 0 {
            return Ok(());
        }
        let reason = self.why_lost.clone();
        self.append(&Body::Lost(Lost { count: self.lost, kind: LostKind::Records, reason }))?;
        (self.lost, self.why_lost) = (0, None);
        Ok(())
    }

    fn append(&mut self, body: &Body) -> Result<(), LogError> {
        let mut hash = self.prepare(body, b"")?;
        if self.opened.size > 0 && self.opened.size + self.buffer.len() as u64 > self.config.max_bytes {
            self.rotate()?;
            hash = self.prepare(body, b"")?;
        }
        self.put(hash)
    }

    /// Fills the buffer with the next record's line and gives its hash.
    fn prepare(&mut self, body: &Body, before: &[u8]) -> Result<Digest, LogError> {
        self.buffer.clear();
        let place = Place {
            time: Timestamp::now(),
            session: &self.config.session,
            seq: self.seq + 1,
            revision: self.config.revision,
            prev: self.opened.last,
        };
        let hash = write_line(&mut self.buffer, &place, body)?;
        self.buffer.push(b'\n');
        if self.buffer.len() > MAX_LINE_BYTES {
            return Err(LogError::TooLong(self.buffer.len()));
        }
        self.buffer.splice(..0, before.iter().copied());
        Ok(hash)
    }

    /// Appends the buffer, as a whole or not at all.
    fn put(&mut self, hash: Digest) -> Result<(), LogError> {
        if let Err(source) = self.opened.append(&self.buffer, hash) {
            return Err(self.failed(source));
        }
        self.seq += 1;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> LogError {
        LogError::Write { path: self.config.path.clone(), source }
    }
}
