//! Rotation: `NAME` becomes `NAME.<number>`, and a new `NAME` carries the chain on.
//!
//! Numbers only grow, so that a file keeps its name once it has been rotated. The new file is written and locked under a
//! name of its own; then the old file gets its second name (`link`) and the new one takes its first (`rename`). So the
//! path always means a file of the chain, whenever another session looks and wherever a crash comes.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::open::Opened;
use super::{Log, LogError};
use crate::body::{Body, Rotated, RotationReason};
use crate::files;

impl Log {
    /// Begins a new file. The old one's lock is held, and the new one's is at the end.
    pub(super) fn rotate(&mut self) -> Result<(), LogError> {
        let path = self.config.path.clone();
        let failed = |source| LogError::Rotate { path: path.clone(), source };
        let removed = self.remove_excess().map_err(failed)?;
        self.opened.file.sync_data().map_err(failed)?;
        let next = temporary(&path, self.config.session.as_str());
        let file = make(&next).map_err(failed)?;
        let fresh = Opened::fresh(file, self.opened.last).map_err(failed)?;
        let old = (std::mem::replace(&mut self.opened, fresh), self.seq);
        let moved = self.carry_over(&path, &next, removed);
        if moved.is_err() {
            // Nothing has changed for anyone else: stay with the old file.
            (self.opened, self.seq) = old;
            let _ = fs::remove_file(&next);
        }
        moved
    }

    /// Writes the new file's first record and gives both files their names.
    fn carry_over(&mut self, path: &Path, next: &Path, removed: Vec<String>) -> Result<(), LogError> {
        let failed = |source| LogError::Rotate { path: path.to_owned(), source };
        let kept = if self.config.keep == 0 { None } else { Some(files::free_name(path).map_err(failed)?) };
        let from = kept.as_deref().and_then(name_of);
        let hash =
            self.prepare(&Body::Rotated(Rotated { from, reason: RotationReason::Size, removed }), b"")?;
        self.put(hash)?;
        if let Some(kept) = kept.as_deref().filter(|kept| files::identity(kept).is_none()) {
            fs::hard_link(path, kept).map_err(failed)?;
        }
        fs::rename(next, path).map_err(failed)
    }

    /// Removes the oldest rotated files, so that `keep` are left when the present one has joined them.
    fn remove_excess(&self) -> io::Result<Vec<String>> {
        let rotated = files::rotated(&self.config.path)?;
        let keep = usize::try_from(self.config.keep).unwrap_or(usize::MAX);
        let excess = (rotated.len() + 1).saturating_sub(keep).min(rotated.len());
        rotated[..excess]
            .iter()
            .map(|(_, file)| fs::remove_file(file).map(|()| name_of(file).unwrap_or_default()))
            .collect()
    }
}

/// A hidden name beside the log, of this session alone.
fn temporary(path: &Path, session: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{session}"));
    path.with_file_name(name)
}

/// Makes and locks the new file; one that a crash of this very session left is replaced.
fn make(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}
