//! Logs that are proved first and read then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use audit::{Filter, SessionId};

use super::steps::{Records, Sound};

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
    /// There is none, nothing of it is as it was written, or it holds no record at all: nobody may take that for a success.
    pub(super) fn proved(path: &Path) -> anyhow::Result<Self> {
        let files = audit::log_files(path)?;
        if files.iter().all(|file| !file.exists()) {
            bail!("there is no log at {}", path.display());
        }
        // What is no file at all is told of when it is opened.
        if let Some(other) = files.iter().find(|file| file.exists() && !file.is_file()) {
            bail!(
                "{} cannot be judged: it is no regular file, and a log is read more than once",
                other.display()
            );
        }
        let path = path.to_owned();
        match audit::verify(&path) {
            Ok(proved) if proved.records == 0 => {
                bail!("{} cannot be judged: {}", path.display(), no_records(proved.truncated_tail))
            }
            Ok(proved) => Ok(Self { path, sound: proved.records, broken: None, cut: proved.truncated_tail }),
            Err(error) if error.records == 0 => {
                bail!("{} cannot be judged: {}", path.display(), audit::for_people(&error.to_string()))
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
        Ok(Records::of(self.again()?, self.again()?))
    }

    fn again(&self) -> anyhow::Result<Sound> {
        let reader = audit::read(&self.path, Filter::default());
        Ok(Sound::new(reader.with_context(|| format!("cannot read {}", self.path.display()))?, self.sound))
    }

    /// Looks whether all that was proved was there when it was read again.
    ///
    /// # Errors
    /// It was not: what was not judged may not pass for a success.
    pub(super) fn was_read(&self, records: u64) -> anyhow::Result<()> {
        let (path, sound) = (self.path.display(), self.sound);
        ensure!(
            records == sound,
            "{path} cannot be judged: of its {sound} records {records} were there when it was read again"
        );
        Ok(())
    }

    /// The first and the last number of each session's records in it.
    pub(super) fn spans(&self) -> anyhow::Result<BTreeMap<SessionId, (u64, u64)>> {
        let mut spans = BTreeMap::new();
        for record in self.again()? {
            let (first, last) = spans.entry(record.session).or_insert((record.seq, record.seq));
            (*first, *last) = ((*first).min(record.seq), (*last).max(record.seq));
        }
        Ok(spans)
    }
}

/// Why a log without a sound record has none.
fn no_records(tail: Option<u64>) -> String {
    tail.map_or_else(
        || "it is empty, so that it holds no record".to_owned(),
        |bytes| {
            format!("it holds {bytes} bytes and no whole record: it was cut in its first line, or is no log")
        },
    )
}
