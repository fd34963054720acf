//! Opening: what the file says is read back, what a crash left is repaired and told of.

use std::path::Path;
use std::sync::Arc;

use audit::{Body, Digest, Recovered, Redactor, Repaired, Rotated, RotationReason, SessionId};
use jiff::Timestamp;

use super::append::Batch;
use super::file::LogFile;
use super::replay::{self, Replayed, Rest};
use super::standing::Standings;
use super::{HostLog, HostLogConfig, HostLogError};
use crate::metrics::Metrics;
use crate::sinks::Sinks;

impl HostLog {
    /// Opens or makes the file, locks it, and reads back where the chain and the sessions stand. A last line that is not
    /// whole is cut off and told of by a `repaired` record.
    ///
    /// # Errors
    /// The file cannot be opened or read, is not a log, may be written or read by others, or is locked.
    pub fn open(config: HostLogConfig, sinks: Sinks, metrics: Arc<Metrics>) -> Result<Self, HostLogError> {
        let path = config.path.clone();
        let failed = |source| HostLogError::Open { path: path.clone(), source };
        let file = LogFile::open(&path)?;
        let mut standings = Standings::default();
        let mut before = None;
        if !replay::begins_complete(file.reader()).map_err(failed)? {
            before = replay::before(&path, &mut standings).map_err(failed)?;
        }
        let replayed = replay::read(&mut file.reader(), &mut standings).map_err(failed)?;
        fit(&path, &replayed)?;
        let last = if replayed.end == 0 { before.unwrap_or(Digest::GENESIS) } else { replayed.last };
        let mut log = Self {
            config,
            file,
            last,
            began: replayed.began.unwrap_or_else(Timestamp::now),
            carried: 0,
            standings,
            host: SessionId::host(),
            batch: Batch::default(),
            redactor: Redactor::none(),
            lost: 0,
            why_lost: None,
            unsynced: None,
            sinks,
            sinks_told: None,
            metrics,
        };
        log.repair(replayed).map_err(|source| HostLogError::Write { path, source })?;
        Ok(log)
    }

    /// Before each write: is the file still where and what it was?
    pub(super) fn look(&mut self) -> Result<(), HostLogError> {
        let path = self.config.path.clone();
        let failed = |source| HostLogError::Open { path: path.clone(), source };
        if !self.file.is_at(&path) {
            return self.follow(&path);
        }
        if !self.file.was_touched().map_err(failed)? {
            return Ok(());
        }
        // Somebody cut it or wrote to it. Where it grew by records, they are followed; where it shrank, the chain goes on
        // from the last record that was there, so that `verify` finds the hole.
        let known = self.file.size();
        let mut standings = Standings::default();
        let replayed = replay::read(&mut self.file.reader(), &mut standings).map_err(failed)?;
        fit(&path, &replayed)?;
        if replayed.end > known {
            (self.last, self.standings) = (replayed.last, standings);
        }
        self.file.catch_up().map_err(failed)?;
        self.repair(replayed).map_err(|source| HostLogError::Write { path, source })
    }

    /// The path means another file now: a new one carries the chain on.
    fn follow(&mut self, path: &Path) -> Result<(), HostLogError> {
        self.sync()?;
        let file = LogFile::open(path)?;
        if file.size() > 0 {
            let why = "another file was put in its place while the daemon ran; move it away";
            return Err(HostLogError::Unfit { path: path.to_owned(), why });
        }
        (self.file, self.began) = (file, Timestamp::now());
        let failed = |source| HostLogError::Write { path: path.to_owned(), source };
        self.carry_on().map_err(failed)
    }

    /// An empty file carries on a chain that has begun elsewhere.
    fn carry_on(&mut self) -> std::io::Result<()> {
        let mut lines = Vec::new();
        self.standings.age();
        let carried = self.standings.carried(&self.host);
        let body = Rotated { from: None, reason: RotationReason::Moved, removed: Vec::new() };
        self.write_line(&mut lines, &Body::Rotated(body))?;
        for part in carried {
            self.write_line(&mut lines, &Body::Carried(part))?;
        }
        self.file.append(&lines)?;
        self.carried = self.file.size();
        self.file.sync()
    }

    /// Takes care of what stands behind the last record.
    fn repair(&mut self, replayed: Replayed) -> std::io::Result<()> {
        if matches!(replayed.rest, Rest::Torn(_)) {
            self.file.cut(replayed.end)?;
        }
        if self.file.size() == 0 && self.last != Digest::GENESIS {
            self.carry_on()?;
        }
        let (before, body) = match replayed.rest {
            Rest::Nothing => return Ok(()),
            Rest::Torn(bytes) => {
                let (bytes, sha256) = (bytes.len() as u64, Digest::of(&bytes));
                (&b""[..], Body::Repaired(Repaired { bytes, sha256 }))
            }
            Rest::Unended => (&b"\n"[..], Body::Recovered(named(b""))),
            Rest::Foreign(bytes) => (&b"\n"[..], Body::Recovered(named(&bytes))),
        };
        // One write for the newline and the record, so that a second crash cannot come between them.
        let mut lines = before.to_vec();
        self.write_line(&mut lines, &body)?;
        self.file.append(&lines)?;
        self.file.sync()
    }
}

/// Bytes that stay where they are.
fn named(bytes: &[u8]) -> Recovered {
    Recovered {
        bytes: bytes.len() as u64,
        newlines: memchr::memchr_iter(b'\n', bytes).count() as u64,
        sha256: Digest::of(bytes),
    }
}

fn fit(path: &Path, replayed: &Replayed) -> Result<(), HostLogError> {
    if replayed.foreign {
        let why = "it holds something that is not an audit log; move it away";
        return Err(HostLogError::Unfit { path: path.to_owned(), why });
    }
    Ok(())
}
