//! A directory of a control group file system, held open: what stands at its path may change, the group does not.

use std::ffi::CString;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, fstatfs};
use nix::unistd::{AccessFlags, Pid, UnlinkatFlags, faccessat, unlinkat};

use super::GroupError;

/// One group in one hierarchy.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    file: File,
}

impl Directory {
    /// Opens a group; an error if it is none.
    pub(super) fn open(path: &Path) -> Result<Self, GroupError> {
        let refuse = |errno| GroupError::file("opened", path, errno);
        let file = open_at(nix::fcntl::AT_FDCWD, path).map_err(refuse)?;
        let kind = fstatfs(&file).map_err(refuse)?.filesystem_type();
        // Something else could be mounted over the hierarchy.
        if kind != CGROUP_SUPER_MAGIC && kind != CGROUP2_SUPER_MAGIC {
            return Err(refuse(Errno::ENODEV));
        }
        Ok(Self { path: path.to_owned(), file: file.into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A group beneath; `None` if it is not there.
    pub(super) fn child(&self, name: &str) -> Result<Option<Self>, GroupError> {
        let path = self.path.join(name);
        match open_at(self.file.as_fd(), Path::new(name)) {
            Ok(file) => Ok(Some(Self { path, file: file.into() })),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(GroupError::file("opened", path, errno)),
        }
    }

    /// Makes a group beneath.
    pub(super) fn make(&self, name: &str, mode: Mode) -> Result<Self, GroupError> {
        let path = self.path.join(name);
        match mkdirat(self.file.as_fd(), name, mode) {
            Ok(()) => {}
            Err(Errno::EEXIST) => return Err(GroupError::Exists(path)),
            Err(errno) => return Err(GroupError::file("made", path, errno)),
        }
        let made = self.child(name)?.ok_or_else(|| GroupError::file("opened", &path, Errno::ENOENT))?;
        // The umask must neither widen nor narrow it.
        fchmod(made.as_fd(), mode).map_err(|errno| GroupError::file("given its mode", path, errno))?;
        Ok(made)
    }

    /// Removes a group beneath. One that is not there is removed.
    pub(super) fn remove(&self, name: &str) -> Result<(), GroupError> {
        match unlinkat(self.file.as_fd(), name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(GroupError::file("removed", self.path.join(name), errno)),
        }
    }

    /// The names of the groups beneath.
    pub(super) fn children(&self) -> Result<Vec<String>, GroupError> {
        let refuse = |error: std::io::Error| GroupError::file("listed", &self.path, errno_of(&error));
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn has(&self, file: &str) -> bool {
        faccessat(self.file.as_fd(), file, AccessFlags::F_OK, AtFlags::empty()).is_ok()
    }

    /// Whether the file may be written by this process's effective user.
    pub(super) fn may_write(&self, file: &str) -> bool {
        faccessat(self.file.as_fd(), file, AccessFlags::W_OK, AtFlags::AT_EACCESS).is_ok()
    }

    pub(super) fn read(&self, file: &str) -> Result<String, GroupError> {
        let refuse = |errno| GroupError::file("read", self.path.join(file), errno);
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let opened = openat(self.file.as_fd(), file, flags, Mode::empty()).map_err(refuse)?;
        let mut text = String::new();
        File::from(opened).read_to_string(&mut text).map_err(|error| refuse(errno_of(&error)))?;
        Ok(text)
    }

    /// Writes the whole text by one call, as these files demand.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<(), GroupError> {
        let refuse = |errno| GroupError::file("written", self.path.join(file), errno);
        let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let opened = openat(self.file.as_fd(), file, flags, Mode::empty()).map_err(refuse)?;
        File::from(opened).write_all(text.as_bytes()).map_err(|error| refuse(errno_of(&error)))
    }

    /// Who is in it, as this pid namespace numbers them. Who has no number here (0) is left out: see [`Self::is_empty`].
    pub(super) fn members(&self) -> Result<Vec<Pid>, GroupError> {
        let text = self.read("cgroup.procs")?;
        let numbers = text.lines().filter_map(|line| line.parse().ok()).filter(|number| *number > 0);
        Ok(numbers.map(Pid::from_raw).collect())
    }

    /// Whether no living process is in it.
    pub(super) fn is_empty(&self) -> Result<bool, GroupError> {
        if self.has("cgroup.events") {
            return Ok(self.read("cgroup.events")?.lines().any(|line| line == "populated 0"));
        }
        Ok(self.read("cgroup.procs")?.is_empty())
    }

    /// Who owns it.
    pub(super) fn owner(&self) -> Result<u32, GroupError> {
        let metadata = self.file.metadata();
        metadata.map(|it| it.uid()).map_err(|error| GroupError::file("read", &self.path, errno_of(&error)))
    }

    /// In version 2 this is the group's id, as `bpf_get_current_cgroup_id` gives it.
    pub(super) fn inode(&self) -> Result<u64, GroupError> {
        let metadata = self.file.metadata();
        metadata.map(|it| it.ino()).map_err(|error| GroupError::file("read", &self.path, errno_of(&error)))
    }

    /// Marks the group as in use for as long as this descriptor is open: the kernel takes the mark away when its holder
    /// dies, in whatever pid namespace that was. `false` if somebody else holds it.
    pub(super) fn lock(&self) -> Result<bool, GroupError> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(GroupError::file("locked", &self.path, errno_of(&error))),
        }
    }

    /// Whether systemd says that this group is its owner's to divide (`Delegate=`, `user.delegate` since systemd 251).
    pub(super) fn is_delegated(&self) -> bool {
        ["user.delegate", "trusted.delegate"].into_iter().any(|name| {
            CString::new(name).is_ok_and(|name| crate::sys::attribute_is(self.as_fd(), &name, b"1"))
        })
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn open_at(from: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(from, path, flags, Mode::empty())
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
