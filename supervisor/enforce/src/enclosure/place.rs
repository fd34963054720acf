//! Where the canary's bait lies: a directory of mcpguard's own that no policy opens.

use std::ffi::CString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where run-time files of the system's services are (Filesystem Hierarchy Standard 3.0, section 3.15).
const RUN: &str = "/run/mcpguard";

/// A program without an effect: if nobody denies it, the canary ends without its last word.
const BAIT: &str = "#!/bin/sh\nexit 99\n";

/// The bait cannot be laid.
#[derive(Debug, thiserror::Error)]
#[error("the canary's file cannot be made beneath {RUN}: {0}")]
pub struct PlaceError(#[from] io::Error);

/// A directory with one file that may be neither read nor executed by the session. Gone with its drop.
#[derive(Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    stays: bool,
}

impl Place {
    /// For all sessions of a daemon: it is the same for the next one, and stays.
    pub(crate) fn lasting(name: &str) -> Result<Self, PlaceError> {
        let place = Self { directory: Path::new(RUN).join(name), stays: true };
        if fs::read_to_string(place.bait()).is_ok_and(|text| text == BAIT) {
            return Ok(place);
        }
        let mut made = Self::make(name)?;
        made.stays = true;
        Ok(made)
    }

    pub(super) fn make(session: &str) -> Result<Self, PlaceError> {
        let mut builder = DirBuilder::new();
        builder.mode(0o755).recursive(true).create(RUN)?;
        let place = Self { directory: Path::new(RUN).join(session), stays: false };
        let _ = fs::remove_dir_all(&place.directory);
        DirBuilder::new().mode(0o755).create(&place.directory)?;
        fs::write(place.bait(), BAIT)?;
        fs::set_permissions(place.bait(), Permissions::from_mode(0o755))?;
        Ok(place)
    }

    /// The file.
    pub(crate) fn bait(&self) -> PathBuf {
        self.directory.join("canary")
    }

    /// The file, for system calls.
    pub(crate) fn bait_name(&self) -> Option<CString> {
        CString::new(self.bait().as_os_str().as_bytes()).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        let _ = fs::remove_dir_all(&self.directory);
        // Only the last session's removal succeeds.
        let _ = fs::remove_dir(RUN);
    }
}
