//! The file system of a case: what is made, and what is replaced by another inode of the same name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Something in the file system.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", content = "path", rename_all = "snake_case")]
pub(super) enum Made {
    /// A directory.
    Directory(PathBuf),
    /// An executable file of one byte, which no kernel takes for a program.
    File(PathBuf),
}

/// A change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// It was not there.
    Make(Made),
    /// It was; what lies in a directory stays what it is.
    Replace(Made),
}

impl Made {
    pub(super) fn make(&self) -> Result<()> {
        match self {
            // The one directory that all cases have in common.
            Self::Directory(path) if path == Path::new(super::ROOT) && path.is_dir() => Ok(()),
            Self::Directory(path) => {
                fs::create_dir(path).with_context(|| format!("cannot make {}", path.display()))
            }
            Self::File(path) => {
                let made = fs::write(path, "x")
                    .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)));
                made.with_context(|| format!("cannot make {}", path.display()))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Directory(path) | Self::File(path) => path,
        }
    }

    /// The same at another place.
    fn at(&self, path: PathBuf) -> Self {
        match self {
            Self::Directory(_) => Self::Directory(path),
            Self::File(_) => Self::File(path),
        }
    }

    /// Another inode takes the name, and what lay beneath it.
    fn replace(&self) -> Result<()> {
        let old = self.path();
        let mut beside = old.as_os_str().to_owned();
        beside.push(".beside");
        let beside = PathBuf::from(beside);
        self.at(beside.clone()).make()?;
        if let Self::Directory(_) = self {
            for entry in fs::read_dir(old)? {
                let entry = entry?;
                fs::rename(entry.path(), beside.join(entry.file_name()))?;
            }
            fs::remove_dir(old)?;
        }
        Ok(fs::rename(beside, old)?)
    }
}

impl Change {
    pub(super) fn make(&self) -> Result<()> {
        match self {
            Self::Make(made) => made.make(),
            Self::Replace(made) => {
                made.replace().with_context(|| format!("cannot replace {}", made.path().display()))
            }
        }
    }
}
