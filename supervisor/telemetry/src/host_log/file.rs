//! The file: what may be opened at all, and its lock, which lasts as long as the daemon.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, FileExt as _, MetadataExt, OpenOptionsExt, PermissionsExt as _};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use super::error::HostLogError;

/// Operators read it by their group; nobody else does.
const MODE: u32 = 0o640;

/// How long the lock of another process is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open, locked file and where its records end.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    identity: (u64, u64),
    size: u64,
}

impl LogFile {
    /// Opens or makes the file and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, HostLogError> {
        let failed = |source| HostLogError::Open { path: path.to_owned(), source };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o750).create(parent).map_err(failed)?;
        }
        // Not blocked by a FIFO, not led elsewhere by a planted link.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(MODE).custom_flags(flags.bits());
        let file = options.open(path).map_err(failed)?;
        fit(path, &file)?;
        lock(path, &file)?;
        Self::of(file).map_err(failed)
    }

    /// Makes and locks a file that must be new; one that a crash left at the same name is replaced.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create_new(true).mode(MODE).open(path)?;
        // The mask of the process may have taken rights away. Where it has not, nothing is asked for: a process that has
        // sealed itself may change no modes.
        if file.metadata()?.mode() & 0o777 != MODE {
            file.set_permissions(fs::Permissions::from_mode(MODE))?;
        }
        file.try_lock().map_err(io::Error::from)?;
        Self::of(file)
    }

    fn of(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { file, identity: (metadata.dev(), metadata.ino()), size: metadata.len() })
    }

    /// Bytes up to the end of what is known.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether the path still means this file.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }

    /// Whether somebody else made the file longer or shorter.
    pub(super) fn was_touched(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() != self.size)
    }

    /// A second hand on the file, to read it from its start. Its position is its own.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { file: &self.file, at: 0 }
    }

    /// Appends the bytes as a whole or not at all.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Takes back what was written. If even that fails, the next append finds the file longer than it should be.
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Cuts the file off behind so many bytes.
    pub(super) fn cut(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)?;
        self.size = size;
        Ok(())
    }

    /// Takes the file's real length for the end of what is known.
    pub(super) fn catch_up(&mut self) -> io::Result<()> {
        self.size = self.file.metadata()?.len();
        Ok(())
    }

    /// Brings what was written to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Waits for a daemon that is just ending, and for what it has forked and not yet executed: that holds the lock as well.
fn lock(path: &Path, file: &File) -> Result<(), HostLogError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(Duration::from_millis(5)),
            Err(TryLockError::WouldBlock) => return Err(HostLogError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => {
                return Err(HostLogError::Open { path: path.to_owned(), source });
            }
        }
    }
}

fn fit(path: &Path, file: &File) -> Result<(), HostLogError> {
    let metadata = file.metadata().map_err(|source| HostLogError::Open { path: path.to_owned(), source })?;
    let unfit = |why| Err(HostLogError::Unfit { path: path.to_owned(), why });
    if !metadata.is_file() {
        return unfit("it is not a regular file; remove it or name another path");
    }
    if metadata.uid() != geteuid().as_raw() {
        return unfit("it belongs to another user than the daemon; change its owner or name another path");
    }
    if metadata.mode() & 0o022 != 0 {
        return unfit("others may write to it (chmod 0640)");
    }
    if metadata.mode() & 0o007 != 0 {
        return unfit("everybody may read it (chmod 0640)");
    }
    Ok(())
}

/// Reads by position, so that the file's own stays where it is.
pub(super) struct Reader<'f> {
    file: &'f File,
    at: u64,
}

impl io::Read for Reader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(bytes, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
