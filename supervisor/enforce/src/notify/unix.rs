//! Unix sockets: which path a caller means, whether the policy names it, and the way to that very file.
//!
//! A path is opened as the caller would (its directory, its `/proc/self`), and what was opened is looked at and used:
//! `/proc/self/fd/N` means that inode, whatever becomes of the path meanwhile. Who connects or listens so is known to the
//! peer as the supervisor: `SO_PEERCRED` has the right user and group, and the supervisor's process.
//!
//! Open are the sockets of the policy and those that the session has made itself. Abstract names are closed: nobody can
//! tell whether a name that the session gave up is an outsider's by now. They may be bound, as Landlock lets them be.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat};
use verdict::network::AF_UNIX;

use super::address;
use super::caller::Caller;
use super::denial::{Attempt, Refusal};
use super::step::Stop;
use crate::ruleset::real_path;
use crate::seccomp::open_as;

/// Sockets that the session has made and not removed; each costs the supervisor two descriptors.
const MOST_OWN: usize = 64;

/// The unix sockets that the session may reach.
#[derive(Debug, Default)]
pub(super) struct UnixSockets {
    /// Where the policy's really are: sockets, or directories of such.
    granted: Vec<PathBuf>,
    own: Vec<Own>,
}

/// A socket that the session has made. As long as it is held, neither its inode nor the number of its directory's
/// descriptor means anything else.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) _directory: OwnedFd,
    pub(super) file: OwnedFd,
    /// Its address, as the kernel knows it.
    pub(super) known: Vec<u8>,
    /// Its address, as the session gave it.
    pub(super) given: Vec<u8>,
}

/// A peer that may be reached.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its address for the kernel.
    pub(super) address: Vec<u8>,
    /// What the address names, held.
    pub(super) named: Option<OwnedFd>,
}

/// What a unix address says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Nothing: the kernel chooses, or refuses.
    None,
    /// A name that is no file's.
    Abstract(Vec<u8>),
    Path(PathBuf),
}

impl UnixSockets {
    pub(super) fn new(granted: Vec<PathBuf>) -> Self {
        Self { granted, own: Vec::new() }
    }

    /// Judges whom the address names.
    pub(super) fn peer(&self, caller: &Caller<'_>, bytes: &[u8]) -> Result<Peer, Stop> {
        match name(bytes) {
            // The kernel says what is wrong with it, or disconnects.
            Name::None => Ok(Peer { address: bytes.to_vec(), named: None }),
            Name::Abstract(name) => Err(Refusal::with_path(Attempt::Unix, shown(&name)).into()),
            Name::Path(path) => {
                let file = open_as(caller.thread, &path)?;
                caller.waits()?;
                let real = real_path(file.as_fd())?;
                match self.may_reach(&real, &file)? {
                    true => Ok(Peer { address: through(&file, None)?, named: Some(file) }),
                    false => Err(Refusal::with_path(Attempt::Unix, real).into()),
                }
            }
        }
    }

    fn may_reach(&self, real: &Path, file: &OwnedFd) -> Result<bool, Errno> {
        if self.granted.iter().any(|granted| real.starts_with(granted)) {
            return Ok(true);
        }
        let identity = |status: FileStat| (status.st_dev, status.st_ino);
        let wanted = identity(fstat(file)?);
        Ok(self.own.iter().any(|own| fstat(&own.file).is_ok_and(|status| identity(status) == wanted)))
    }

    /// Makes room for one more; `ENOBUFS` if there is none.
    pub(super) fn make_room(&mut self) -> Result<(), Errno> {
        if self.own.len() >= MOST_OWN {
            self.own.retain(|own| fstat(&own.file).is_ok_and(|status| status.st_nlink > 0));
        }
        if self.own.len() < MOST_OWN { Ok(()) } else { Err(Errno::ENOBUFS) }
    }

    pub(super) fn add(&mut self, own: Own) {
        self.own.push(own);
    }

    /// The address that the session gave, for one that the kernel knows.
    pub(super) fn told(&self, known: Vec<u8>) -> Vec<u8> {
        let own = self.own.iter().rfind(|own| own.known == known);
        own.map_or(known, |own| own.given.clone())
    }
}

/// Reads a unix address as the kernel does: a path ends at its first zero byte (`unix(7)`).
pub(super) fn name(bytes: &[u8]) -> Name {
    let family = address::family(bytes).ok();
    match bytes.get(2..).filter(|_| family == Some(AF_UNIX)) {
        None | Some([]) => Name::None,
        Some([0, name @ ..]) => Name::Abstract(name.to_vec()),
        Some(path) => {
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            Name::Path(PathBuf::from(OsStr::from_bytes(path)))
        }
    }
}

/// An abstract name, for records.
fn shown(name: &[u8]) -> PathBuf {
    PathBuf::from(format!("@{}", String::from_utf8_lossy(name)))
}

/// The address of the very file behind the descriptor, or of a name in the directory behind it. `ENAMETOOLONG` if that
/// does not fit.
pub(super) fn through(descriptor: &OwnedFd, name: Option<&OsStr>) -> Result<Vec<u8>, Errno> {
    /// The size of `sun_path`, its end included.
    const LONGEST: usize = 108;
    let mut path = format!("/proc/self/fd/{}", descriptor.as_raw_fd()).into_bytes();
    if let Some(name) = name {
        path.push(b'/');
        path.extend(name.as_bytes());
    }
    if path.len() >= LONGEST {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut bytes = AF_UNIX.to_ne_bytes().to_vec();
    bytes.extend(path);
    bytes.push(0);
    Ok(bytes)
}

/// Opens a name in a directory, whatever it is, without following it.
pub(super) fn open_in(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    openat(directory, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(path: &[u8]) -> Vec<u8> {
        [&AF_UNIX.to_ne_bytes(), path].concat()
    }

    #[test]
    fn addresses_are_read_as_the_kernel_reads_them() {
        assert_eq!(name(&address(b"")), Name::None);
        assert_eq!(name(&address(b"\0bus")), Name::Abstract(b"bus".to_vec()));
        assert_eq!(name(&address(b"/run/bus")), Name::Path("/run/bus".into()));
        assert_eq!(name(&address(b"/run/bus\0/../x")), Name::Path("/run/bus".into()));
        assert_eq!(name(&[2, 0, b'/', b'x']), Name::None, "another family");
        assert_eq!(name(&[1]), Name::None);
    }

    #[test]
    fn what_lies_beneath_a_granted_directory_is_granted_and_its_namesakes_are_not() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = directory.path().canonicalize().expect("it exists");
        let sockets = UnixSockets::new(vec![root.join("run")]);
        let open = |path: &Path| {
            std::fs::write(path, "").expect("writable");
            nix::fcntl::open(path, OFlag::O_PATH, Mode::empty()).expect("it exists")
        };
        std::fs::create_dir(root.join("run")).expect("writable");
        std::fs::create_dir(root.join("run-evil")).expect("writable");
        for (name, expected) in [("run/bus", true), ("run-evil/bus", false)] {
            let path = root.join(name);
            assert_eq!(sockets.may_reach(&path, &open(&path)), Ok(expected), "{name}");
        }
    }
}
