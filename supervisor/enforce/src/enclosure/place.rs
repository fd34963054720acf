//! Where the canary's bait lies: a directory of mcpguard's own that no policy opens.

use std::ffi::CString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where run-time files of the system's services are (Filesystem Hierarchy Standard 3.0, section 3.15).
const RUN: &str = "/run/mcpguard";

/// The bait cannot be laid.
#[derive(Debug, thiserror::Error)]
#[error("the canary's file cannot be made beneath {RUN}: {0}")]
pub struct PlaceError(#[from] io::Error);

/// A directory with one file that may be neither read nor executed by the session. Gone with its drop.
#[derive(Debug)]
pub(super) struct Place {
    directory: PathBuf,
}

impl Place {
    pub(super) fn make(session: &str) -> Result<Self, PlaceError> {
        let mut builder = DirBuilder::new();
        builder.mode(0o755).recursive(true).create(RUN)?;
        let place = Self { directory: Path::new(RUN).join(session) };
        let _ = fs::remove_dir_all(&place.directory);
        DirBuilder::new().mode(0o755).create(&place.directory)?;
        // A program without an effect: if nobody denies it, the canary ends without its last word.
        fs::write(place.bait(), "#!/bin/sh\nexit 99\n")?;
        fs::set_permissions(place.bait(), Permissions::from_mode(0o755))?;
        Ok(place)
    }

    /// The file.
    pub(super) fn bait(&self) -> PathBuf {
        self.directory.join("canary")
    }

    /// The file, for system calls.
    pub(super) fn bait_name(&self) -> Option<CString> {
        CString::new(self.bait().as_os_str().as_bytes()).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
        // Only the last session's removal succeeds.
        let _ = fs::remove_dir(RUN);
    }
}
