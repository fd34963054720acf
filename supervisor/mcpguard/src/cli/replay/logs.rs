//! Logs that are proved first and read then, record by record, with a look at those that come next.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::{Filter, Reader, Record};

/// Records that are looked at ahead: answers are written down a moment after they were sent.
const AHEAD: usize = 64;

/// A log, and how far it is as it was written.
pub(super) struct Log {
    path: PathBuf,
    /// Records that are as they were written.
    sound: u64,
    /// What is wrong with the rest.
    broken: Option<String>,
    /// Bytes of a last line that is not whole: a crash, or a write in progress.
    cut: Option<u64>,
}

impl Log {
    /// Proves the log.
    ///
    /// # Errors
    /// There is none, or nothing of it is as it was written.
    pub(super) fn proved(path: &Path) -> anyhow::Result<Self> {
        if audit::log_files(path)?.iter().all(|file| !file.exists()) {
            bail!("there is no log at {}", path.display());
        }
        let path = path.to_owned();
        match audit::verify(&path) {
            Ok(proved) => Ok(Self { path, sound: proved.records, broken: None, cut: proved.truncated_tail }),
            Err(error) if error.records == 0 => {
                bail!("{} cannot be judged: {error}", path.display())
            }
            Err(error) => Ok(Self { path, sound: error.records, broken: Some(error.to_string()), cut: None }),
        }
    }

    /// As the user named it.
    pub(super) fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Records that are as they were written.
    pub(super) fn sound(&self) -> u64 {
        self.sound
    }

    /// Where and why the log is not as it was written, if it is not.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Bytes of a last line that is not whole.
    pub(super) fn cut(&self) -> Option<u64> {
        self.cut
    }

    /// Its sound records, oldest first.
    pub(super) fn records(&self) -> anyhow::Result<Records> {
        let reader = audit::read(&self.path, Filter::default());
        let reader = reader.with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(Records { reader, left: self.sound, ahead: VecDeque::new() })
    }
}

/// See [`Log::records`].
pub(super) struct Records {
    reader: Reader,
    left: u64,
    ahead: VecDeque<Record>,
}

impl Records {
    /// The records that come next, as far as they are looked at.
    pub(super) fn ahead(&self) -> &VecDeque<Record> {
        &self.ahead
    }

    fn fill(&mut self) {
        while self.ahead.len() < AHEAD && self.left > 0 {
            match self.reader.next() {
                Some(Ok(record)) => {
                    self.left -= 1;
                    self.ahead.push_back(record);
                }
                // Damage that a later record accounts for.
                Some(Err(_)) => {}
                None => self.left = 0,
            }
        }
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.fill();
        let next = self.ahead.pop_front();
        self.fill();
        next
    }
}
