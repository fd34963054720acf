//! Pins: names in the bpf file system, by which programs and maps outlive the process that loaded them.
//!
//! `/sys/fs/bpf/mcpguard/v1-<pid>-<start time>/` has one file for each link and for the maps that tell whom it is about.
//! If the supervisor is killed, its links stay there and go on denying; a later start finds the directory of a process
//! that is no more, ends what is left of its session, and only then removes it.

mod leftovers;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::DirBuilder;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

pub(super) use leftovers::end_marked;
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

/// What the names of pinned maps begin with.
pub(super) const MAP: &str = "map_";
/// What the names of pinned links begin with.
pub(super) const LINK: &str = "link_";
/// What the names of pinned programs begin with.
pub(super) const PROGRAM: &str = "program_";

/// The pins of one layer. Dropping it removes them.
#[derive(Debug)]
pub(super) struct Pins {
    directory: PathBuf,
    pinned: BTreeSet<String>,
}

impl Pins {
    /// Makes the directory of this process.
    pub(super) fn create() -> Result<Self, PinError> {
        let id = GroupId::own().ok_or(PinError::Nameless)?;
        Self::create_as(&format!("v{}-{id}", abi::VERSION))
    }

    /// Makes a directory of this name.
    pub(super) fn create_as(name: &str) -> Result<Self, PinError> {
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
        Ok(Self { directory, pinned: BTreeSet::new() })
    }

    /// Takes over the pins of a directory of this name; `None` if it is not there.
    pub(super) fn found(name: &str) -> Option<Self> {
        let directory = Path::new(FILE_SYSTEM).join("mcpguard").join(name);
        let pinned = names(&directory, "").into_iter().collect();
        (is_mounted() && directory.is_dir()).then_some(Self { directory, pinned })
    }

    /// Where they are.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Gives the whole directory another name, at once.
    pub(super) fn rename(&mut self, name: &str) -> Result<(), PinError> {
        let to = self.directory.with_file_name(name);
        std::fs::rename(&self.directory, &to).map_err(|error| PinError::Directory(to.clone(), error))?;
        self.directory = to;
        Ok(())
    }

    /// Pins a link: what it attaches stays attached.
    pub(super) fn link(&mut self, name: &str, link: BorrowedFd<'_>) -> Result<(), PinError> {
        self.pin(&format!("{LINK}{name}"), link)
    }

    /// Takes the name of a link away: what it attaches is detached, unless somebody has a descriptor of it.
    pub(super) fn unlink(&mut self, name: &str) {
        let name = format!("{LINK}{name}");
        // What is not there need not be taken away.
        let _ = std::fs::remove_file(self.directory.join(&name));
        self.pinned.remove(&name);
    }

    /// Pins a program, for whoever attaches it later.
    pub(super) fn program(&mut self, name: &str, program: BorrowedFd<'_>) -> Result<(), PinError> {
        self.pin(&format!("{PROGRAM}{name}"), program)
    }

    /// Pins a map, so that others can look into it.
    pub(super) fn map(&mut self, name: &str, map: BorrowedFd<'_>) -> Result<(), PinError> {
        self.pin(&format!("{MAP}{name}"), map)
    }

    fn pin(&mut self, name: &str, object: BorrowedFd<'_>) -> Result<(), PinError> {
        let path = self.directory.join(name);
        let refused = |errno| PinError::Refused(path.clone(), errno);
        let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| refused(Errno::EINVAL))?;
        sys::object_pin(object, &text).map_err(refused)?;
        self.pinned.insert(name.to_owned());
        Ok(())
    }

    /// Lets the pins be, for a later start to find.
    pub(super) fn leave(mut self) {
        self.pinned.clear();
        self.directory = PathBuf::new();
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // What cannot be removed is found by the next start; a directory with something in it stays.
        for name in &self.pinned {
            let _ = std::fs::remove_file(self.directory.join(name));
        }
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// The names of the layers that daemons have pinned.
pub(crate) fn layers() -> Vec<String> {
    let all = names(&Path::new(FILE_SYSTEM).join("mcpguard"), "");
    all.into_iter().filter(|name| name.starts_with("host-")).collect()
}

/// The pinned object of this path.
pub(super) fn get(path: &Path) -> Result<OwnedFd, Errno> {
    let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    sys::object_get(&text)
}

/// What is pinned in a directory under names that begin so, without that beginning, in order.
pub(super) fn names(directory: &Path, beginning: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
    let mut names: Vec<String> =
        entries.filter_map(name).filter_map(|name| Some(name.strip_prefix(beginning)?.to_owned())).collect();
    names.sort();
    names
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
