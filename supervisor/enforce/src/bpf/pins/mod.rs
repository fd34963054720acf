//! Pins: names in the bpf file system, by which programs and maps outlive the process that loaded them.
//!
//! `/sys/fs/bpf/mcpguard/v1-<pid>-<start time>/` has one file for each link and for the maps that tell whom it is about.
//! If the supervisor is killed, its links stay there and go on denying; a later start finds the directory of a process
//! that is no more, ends what is left of its session, and only then removes it.

mod leftovers;

use std::ffi::CString;
use std::fs::DirBuilder;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

pub use leftovers::{Leftover, Outcome, clean_leftovers};

use crate::cgroup::GroupId;
use crate::sys;

/// Where the bpf file system is mounted, on every distribution.
const FILE_SYSTEM: &str = "/sys/fs/bpf";

/// Why programs cannot be pinned.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// There is no bpf file system and none can be mounted.
    #[error("the bpf file system cannot be mounted at {FILE_SYSTEM}: {} (it needs root in the host's mount namespace, and sysfs)", .0.desc())]
    Unmounted(Errno),
    /// This process cannot be named.
    #[error("this process's own start time cannot be read from /proc")]
    Nameless,
    /// A directory could not be made.
    #[error("{} cannot be made: {}", .0.display(), .1)]
    Directory(PathBuf, std::io::Error),
    /// A link or map could not be pinned.
    #[error("{} cannot be pinned: {}", .0.display(), .1.desc())]
    Refused(PathBuf, Errno),
}

/// The pins of one layer. Dropping it removes them.
#[derive(Debug)]
pub(super) struct Pins {
    directory: PathBuf,
    pinned: Vec<PathBuf>,
}

impl Pins {
    /// Makes the directory of this process.
    pub(super) fn create() -> Result<Self, PinError> {
        let id = GroupId::own().ok_or(PinError::Nameless)?;
        Self::create_as(&format!("v{}-{id}", abi::VERSION))
    }

    fn create_as(name: &str) -> Result<Self, PinError> {
        let all = root()?;
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |error| PinError::Directory(path, error)
        };
        let mut private = DirBuilder::new();
        private.mode(0o700);
        private.recursive(true).create(&all).map_err(refused(&all))?;
        let directory = all.join(name);
        private.recursive(false).create(&directory).map_err(refused(&directory))?;
        Ok(Self { directory, pinned: Vec::new() })
    }

    /// Pins a link: what it attaches stays attached.
    pub(super) fn link(&mut self, name: &str, link: BorrowedFd<'_>) -> Result<(), PinError> {
        self.pin(&format!("link_{name}"), link)
    }

    /// Pins a map, so that others can look into it.
    pub(super) fn map(&mut self, name: &str, map: BorrowedFd<'_>) -> Result<(), PinError> {
        self.pin(&format!("map_{name}"), map)
    }

    fn pin(&mut self, name: &str, object: BorrowedFd<'_>) -> Result<(), PinError> {
        let path = self.directory.join(name);
        let refused = |errno| PinError::Refused(path.clone(), errno);
        let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| refused(Errno::EINVAL))?;
        sys::object_pin(object, &text).map_err(refused)?;
        self.pinned.push(path);
        Ok(())
    }

    /// Lets the pins be, for a later start to find.
    pub(super) fn leave(mut self) {
        self.pinned.clear();
        self.directory.clear();
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // What cannot be removed is found by the next start; a directory with something in it stays.
        for path in &self.pinned {
            let _ = std::fs::remove_file(path);
        }
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// The directory of all pins, in a bpf file system that is there or is mounted now.
fn root() -> Result<PathBuf, PinError> {
    if !is_mounted() {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("bpf"), FILE_SYSTEM, Some("bpf"), flags, Some("mode=700")).map_err(PinError::Unmounted)?;
    }
    Ok(Path::new(FILE_SYSTEM).join("mcpguard"))
}

fn is_mounted() -> bool {
    statfs(FILE_SYSTEM).is_ok_and(|found| found.filesystem_type() == BPF_FS_MAGIC)
}
