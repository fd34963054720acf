//! Logs that are proved first and read then, record by record, with a look at those that come next.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::{Filter, Reader, Record};

use super::scout::{self, Arrival, Scout};

/// Records that are looked at beside the one that is judged: answers are written down a moment after they were sent.
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
        let open = || {
            let reader = audit::read(&self.path, Filter::default());
            reader.with_context(|| format!("cannot read {}", self.path.display()))
        };
        let (here, ahead) = (Sound::new(open()?, self.sound), Sound::new(open()?, self.sound));
        Ok(Records { here, next: VecDeque::new(), ahead, lead: 0, scout: Scout::default() })
    }
}

/// The sound records of a log.
struct Sound {
    reader: Reader,
    left: u64,
}

impl Sound {
    fn new(reader: Reader, left: u64) -> Self {
        Self { reader, left }
    }
}

impl Iterator for Sound {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.left > 0 {
            // What is no record here is damage that a later record accounts for.
            if let Ok(record) = self.reader.next()? {
                self.left -= 1;
                return Some(record);
            }
        }
        None
    }
}

/// See [`Log::records`].
pub(super) struct Records {
    here: Sound,
    next: VecDeque<Record>,
    ahead: Sound,
    /// Records that the scout is ahead.
    lead: u64,
    scout: Scout,
}

/// What is judged next.
pub(super) enum Step {
    /// A record in its place.
    Record(Record),
    /// A call that is written down later than it arrived.
    Arrival(Arrival),
    /// The place of a record that was told by its arrival.
    Told(Record),
}

impl Records {
    /// The records that come next, as far as they are looked at.
    pub(super) fn ahead(&self) -> &VecDeque<Record> {
        &self.next
    }

    fn look_ahead(&mut self) {
        while self.next.len() < AHEAD
            && let Some(record) = self.here.next()
        {
            self.next.push_back(record);
        }
        while self.lead < scout::AHEAD
            && let Some(record) = self.ahead.next()
        {
            self.lead += 1;
            self.scout.sees(record);
        }
    }
}

impl Iterator for Records {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.look_ahead();
        if let Some(arrival) = self.scout.arrived(&self.next) {
            return Some(Step::Arrival(arrival));
        }
        let record = self.next.pop_front()?;
        self.lead = self.lead.saturating_sub(1);
        self.look_ahead();
        Some(if self.scout.was_told(&record) { Step::Told(record) } else { Step::Record(record) })
    }
}
