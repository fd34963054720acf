//! A small file that is always whole: after a crash at any instant it holds what was there before or what was written,
//! never anything else.
//!
//! ```text
//! write tmp ─► fsync tmp ─► rename over the file ─► fsync the directory
//! ```

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// The steps of writing; each may fail, or be the last one that is done.
pub(super) trait Steps {
    /// Makes the file anew, beside the one that holds.
    fn create(&mut self, name: &str) -> Result<File>;
    /// Writes all of it.
    fn write(&mut self, file: &mut File, bytes: &[u8]) -> Result<()>;
    /// It is on the disk.
    fn sync(&mut self, file: &File) -> Result<()>;
    /// It takes the place of the one that held.
    fn rename(&mut self, from: &str, to: &str) -> Result<()>;
    /// That it does is on the disk.
    fn sync_directory(&mut self) -> Result<()>;
}

/// Writes a file in the place of another.
///
/// # Errors
/// A step failed. The old file holds, or, if the last step failed, one of the two.
pub(super) fn replace(steps: &mut impl Steps, name: &str, bytes: &[u8]) -> Result<()> {
    let beside = format!("{name}.new");
    let mut file = steps.create(&beside)?;
    steps.write(&mut file, bytes)?;
    steps.sync(&file)?;
    steps.rename(&beside, name)?;
    steps.sync_directory()
}

/// A directory of the front's own.
#[derive(Debug)]
pub(super) struct Directory(OwnedFd);

impl Directory {
    pub(super) fn new(directory: OwnedFd) -> Self {
        Self(directory)
    }

    /// The whole file, if it is there.
    ///
    /// # Errors
    /// It cannot be read, or is longer than `most` bytes.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = match openat(self.0.as_fd(), name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::ENOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
        }
        Ok(Some(bytes))
    }
}

impl Steps for &Directory {
    fn create(&mut self, name: &str) -> Result<File> {
        // What a crash has left is nobody's.
        match unlinkat(self.0.as_fd(), name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        Ok(openat(self.0.as_fd(), name, flags, Mode::from_bits_truncate(0o600))?.into())
    }

    fn write(&mut self, file: &mut File, bytes: &[u8]) -> Result<()> {
        file.write_all(bytes)
    }

    fn sync(&mut self, file: &File) -> Result<()> {
        file.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        Ok(renameat(self.0.as_fd(), from, self.0.as_fd(), to)?)
    }

    fn sync_directory(&mut self) -> Result<()> {
        Ok(nix::unistd::fsync(self.0.as_fd())?)
    }
}
