//! Opening a granted path so that nobody but the user decides where it leads.
//!
//! A symlink that the user placed is followed: `/lib` leads to `/usr/lib`. A symlink in a directory that the policy
//! lets the server write may have been planted by an earlier session (`workspace/downloads` → `/`), and would widen
//! this one. So the walk follows a symlink only while it is outside of everything writable.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};
use serde::{Deserialize, Serialize};

/// A granted path that stays closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The path as the policy has it.
    pub path: PathBuf,
    /// Why: `No such file or directory`, for example.
    pub reason: String,
}

/// Why a grant could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// It is not there, or cannot be reached: nothing is granted.
    #[error("{0}")]
    Absent(Errno),
    /// The server could have planted it.
    #[error(
        "{link} is a symbolic link inside a directory that the policy lets the server write ({root}); \
             a server could have planted it, so it is not followed: name its target, or remove the link"
    )]
    Planted { link: String, root: String },
}

/// As many symlinks as the kernel itself follows in one path.
const MAX_LINKS: usize = 40;

/// Opens the path for naming it in a rule (`O_PATH`), and says where it really is.
pub(crate) fn open(path: &Path, writable: &[PathBuf]) -> Result<OwnedFd, OpenError> {
    match without_links(path) {
        Err(Errno::ELOOP | Errno::ENOSYS) => walk(path, writable),
        other => other.map_err(OpenError::Absent),
    }
}

/// Where the descriptor really is.
pub(crate) fn real_path(descriptor: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    use std::os::fd::AsRawFd;
    nix::fcntl::readlink(format!("/proc/self/fd/{}", descriptor.as_raw_fd()).as_str()).map(PathBuf::from)
}

fn without_links(path: &Path) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(nix::fcntl::AT_FDCWD, path, how)
}

fn walk(path: &Path, writable: &[PathBuf]) -> Result<OwnedFd, OpenError> {
    let mut walk =
        Walk { here: root()?, trail: PathBuf::from("/"), left: VecDeque::new(), links: 0, writable };
    walk.prepend(path);
    while let Some(name) = walk.left.pop_front() {
        walk.step(&name)?;
    }
    Ok(walk.here)
}

struct Walk<'a> {
    here: OwnedFd,
    /// Where `here` is, without symlinks.
    trail: PathBuf,
    left: VecDeque<OsString>,
    links: usize,
    writable: &'a [PathBuf],
}

impl Walk<'_> {
    fn prepend(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.left.push_front(name.to_owned()),
                Component::ParentDir => self.left.push_front(OsString::from("..")),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }

    fn step(&mut self, name: &OsStr) -> Result<(), OpenError> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let next = openat(&self.here, name, flags, Mode::empty()).map_err(OpenError::Absent)?;
        if is_link(&next)? {
            return self.follow(name);
        }
        if name == ".." {
            self.trail.pop();
        } else {
            self.trail.push(name);
        }
        self.here = next;
        Ok(())
    }

    fn follow(&mut self, name: &OsStr) -> Result<(), OpenError> {
        if let Some(root) = self.writable.iter().find(|root| self.trail.starts_with(root)) {
            let link = self.trail.join(name).display().to_string();
            return Err(OpenError::Planted { link, root: root.display().to_string() });
        }
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(OpenError::Absent(Errno::ELOOP));
        }
        let target = PathBuf::from(readlinkat(self.here.as_fd(), name).map_err(OpenError::Absent)?);
        if target.is_absolute() {
            self.here = root()?;
            self.trail = PathBuf::from("/");
        }
        self.prepend(&target);
        Ok(())
    }
}

fn root() -> Result<OwnedFd, OpenError> {
    nix::fcntl::open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(OpenError::Absent)
}

fn is_link(descriptor: &OwnedFd) -> Result<bool, OpenError> {
    let mode = fstat(descriptor).map_err(OpenError::Absent)?.st_mode;
    Ok(SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFLNK)
}
