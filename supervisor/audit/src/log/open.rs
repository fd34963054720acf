//! The opened file: what may be opened at all, its lock, and its last line.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use super::LogError;
use super::tail::Tail;
use crate::body::Recovered;
use crate::chain::Digest;
use crate::files;

/// How long another process may hold the lock. A write takes microseconds; whoever holds it longer is stopped or stuck.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open log file and what is known of its end.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    identity: (u64, u64),
    /// Bytes up to the end of the last line that is known.
    pub(super) size: u64,
    /// The hash of that line.
    pub(super) last: Digest,
    /// Bytes behind the last whole record that are none.
    pub(super) damage: Option<Recovered>,
}

impl Opened {
    /// Opens or makes the file and looks at its end.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let mut opened = Self::at(path)?;
        opened.lock(path)?;
        opened.file.unlock().map_err(|source| LogError::Write { path: path.to_owned(), source })?;
        Ok(opened)
    }

    /// A file that was just made, locked, and holds nothing yet.
    pub(super) fn fresh(file: File, prev: Digest) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { file, identity: (metadata.dev(), metadata.ino()), size: 0, last: prev, damage: None })
    }

    fn at(path: &Path) -> Result<Self, LogError> {
        let failed = |source| LogError::Open { path: path.to_owned(), source };
        if let Some(parent) = files::parent(path) {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        // Not blocked by a FIFO, not led elsewhere by a planted link.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600).custom_flags(flags.bits());
        let file = options.open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let unfit = |why| Err(LogError::Unfit { path: path.to_owned(), why });
        if !metadata.is_file() {
            return unfit("it is not a regular file");
        }
        if metadata.uid() != geteuid().as_raw() {
            return unfit("it belongs to another user");
        }
        if metadata.mode() & 0o022 != 0 {
            return unfit("others may write to it (chmod go-w)");
        }
        Self::fresh(file, Digest::GENESIS).map_err(failed)
    }

    /// Locks the file that the path means now and catches up with its end. If that is another file than before, gives
    /// the hash of the last record of the one before.
    pub(super) fn lock(&mut self, path: &Path) -> Result<Option<Digest>, LogError> {
        let deadline = Instant::now() + PATIENCE;
        let mut moved_from = None;
        loop {
            self.acquire(path, deadline)?;
            let still_there = files::identity(path) == Some(self.identity);
            if let Err(error) = self.catch_up(path) {
                // The error is the news; a lock that stays until the session's end would hold up others.
                let _ = self.file.unlock();
                return Err(error);
            }
            if still_there {
                return Ok(moved_from);
            }
            moved_from = Some(moved_from.filter(|_| self.size == 0).unwrap_or(self.last));
            // Dropping the old file unlocks it.
            *self = Self::at(path)?;
        }
    }

    fn acquire(&self, path: &Path, deadline: Instant) -> Result<(), LogError> {
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    sleep(Duration::from_micros(200))
                }
                Err(TryLockError::WouldBlock) => return Err(LogError::Locked { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => {
                    return Err(LogError::Open { path: path.to_owned(), source });
                }
            }
        }
    }

    /// Looks at what others appended since, or what a failed write left.
    fn catch_up(&mut self, path: &Path) -> Result<(), LogError> {
        let failed = |source| LogError::Open { path: path.to_owned(), source };
        let size = self.file.metadata().map_err(failed)?.len();
        if size == self.size {
            return Ok(());
        }
        let Some(tail) = Tail::read(&self.file, size).map_err(failed)? else {
            return Err(LogError::Unfit {
                path: path.to_owned(),
                why: "it holds something that is not an audit log",
            });
        };
        // A file that shrank has lost records. The chain goes on from the last one that was there, so that `verify`
        // finds the hole.
        if size > self.size {
            self.last = tail.last;
        }
        (self.size, self.damage) = (size, tail.damage);
        Ok(())
    }

    /// Appends the bytes as a whole or not at all, and remembers the last line's hash.
    pub(super) fn append(&mut self, bytes: &[u8], hash: Digest) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Takes back what was written of the line. If even that fails, the next write finds a damaged end and
            // names it.
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += bytes.len() as u64;
        (self.last, self.damage) = (hash, None);
        Ok(())
    }
}
