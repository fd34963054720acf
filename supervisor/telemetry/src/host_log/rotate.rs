//! Rotation: `NAME` becomes `NAME.<number>`, and a new `NAME` carries the chain on and tells where the sessions stand.
//!
//! As in the logs of single sessions the new file is written and locked under a name of its own; then the old file gets
//! its second name (`link`) and the new one takes its first (`rename`). So the path always means a file of the chain.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use audit::{Body, Rotated, RotationReason, free_name, rotated};
use jiff::Timestamp;

use super::file::LogFile;
use super::{HostLog, HostLogError};

impl HostLog {
    /// Begins a new file. Everything that was prepared must have been written.
    pub(super) fn rotate(&mut self, reason: RotationReason) -> Result<(), HostLogError> {
        let path = self.config.path.clone();
        self.rotated(&path, reason).map_err(|source| HostLogError::Rotate { path, source })?;
        self.metrics.log_rotated();
        Ok(())
    }

    fn rotated(&mut self, path: &Path, reason: RotationReason) -> io::Result<()> {
        let removed = remove_excess(path, self.config.keep)?;
        self.file.sync()?;
        let next = temporary(path);
        let fresh = LogFile::make(&next)?;
        let old = (std::mem::replace(&mut self.file, fresh), self.last, self.standings.clone());
        let moved = self.carry_over(path, &next, reason, removed);
        if moved.is_err() {
            // Nothing has changed for anyone else: stay with the old file.
            (self.file, self.last, self.standings) = old;
            let _ = fs::remove_file(&next);
        }
        moved
    }

    /// Writes the new file's first records and gives both files their names.
    fn carry_over(
        &mut self,
        path: &Path,
        next: &Path,
        reason: RotationReason,
        removed: Vec<String>,
    ) -> io::Result<()> {
        let moved = reason == RotationReason::Moved;
        let kept = if self.config.keep == 0 || moved { None } else { Some(free_name(path)?) };
        let from = kept.as_deref().and_then(name_of);
        self.standings.age();
        let carried = self.standings.carried(&self.host);
        let mut lines = Vec::new();
        self.write_line(&mut lines, &Body::Rotated(Rotated { from, reason, removed }))?;
        for part in carried {
            self.write_line(&mut lines, &Body::Carried(part))?;
        }
        self.file.append(&lines)?;
        self.file.sync()?;
        if let Some(kept) = kept.filter(|kept| fs::symlink_metadata(kept).is_err()) {
            fs::hard_link(path, kept)?;
        }
        fs::rename(next, path)?;
        (self.began, self.carried) = (Timestamp::now(), self.file.size());
        // Names are on the disk when their directory is. If that fails, a loss of power may leave the old name, and the
        // chain is whole all the same.
        let _ = File::open(directory(path)).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

/// Removes the oldest rotated files, so that `keep` are left when the present one has joined them.
fn remove_excess(path: &Path, keep: u32) -> io::Result<Vec<String>> {
    let rotated = rotated(path)?;
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let excess = (rotated.len() + 1).saturating_sub(keep).min(rotated.len());
    let remove =
        |(_, file): &(u64, PathBuf)| fs::remove_file(file).map(|()| name_of(file).unwrap_or_default());
    rotated[..excess].iter().map(remove).collect()
}

/// A hidden name beside the log.
fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".next");
    path.with_file_name(name)
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}
