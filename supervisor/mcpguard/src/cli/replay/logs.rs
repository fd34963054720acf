//! Logs that are proved first and read then.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::Filter;

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
        if audit::log_files(path)?.iter().all(|file| !file.exists()) {
            bail!("there is no log at {}", path.display());
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
        let open = || {
            let reader = audit::read(&self.path, Filter::default());
            reader.with_context(|| format!("cannot read {}", self.path.display()))
        };
        let (here, ahead) = (Sound::new(open()?, self.sound), Sound::new(open()?, self.sound));
        Ok(Records::of(here, ahead))
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
