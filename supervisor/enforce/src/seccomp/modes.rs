//! Changing the mode of files for the server, where the policy lets it write.
//!
//! Landlock does not see `chmod` (`Documentation/userspace-api/landlock.rst`, "Current limitations"), so a server
//! could open up or lock any file of its user. The kernel therefore hands these calls to the supervisor, which carries
//! them out itself on the file that it has opened and looked at. The caller's call never continues, so nothing that
//! the caller changes meanwhile matters.
//!
//! ```text
//! chmod(path) ─report─► open it as the caller would (O_PATH) ─► where is it really? ─► may the policy write there?
//!                                                                    chmod of that very file ◄── yes ┴─ no ──► EACCES
//! ```

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat};
use policy::plan::{AbsolutePath, FilesPlan};

use crate::ruleset::real_path;
use crate::sys::{self, Notification};

/// Where modes may be changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modes {
    /// Where the writable grants really are.
    writable: Vec<PathBuf>,
    /// The plan, for what it takes away beneath them.
    files: FilesPlan,
}

/// What came of a request.
pub(super) enum Outcome {
    /// The mode is changed.
    Done,
    /// The kernel would have said so too, or the caller is gone.
    Failed(Errno),
    /// The policy does not let the server write there.
    NotGranted,
}

/// Flags of `fchmodat2`.
const NO_FOLLOW: u64 = 0x100;
const EMPTY_PATH: u64 = 0x1000;
/// The longest path that the kernel takes, its end included (`PATH_MAX`).
const PATH_MAX: usize = 4096;
const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;

/// Which file, as the caller put it.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Descriptor(i32),
    Path { directory: i32, pointer: u64, flags: u64 },
}

impl Modes {
    pub(crate) fn new(writable: Vec<PathBuf>, files: FilesPlan) -> Self {
        Self { writable, files }
    }

    /// Carries out the reported call, or not.
    pub(super) fn change(&self, name: &str, report: &Notification, listener: BorrowedFd<'_>) -> Outcome {
        let Some((target, mode)) = read_arguments(name, &report.arguments) else {
            return Outcome::NotGranted;
        };
        let opened = open(report.thread, &target);
        // Only while the caller waits is its number its own; what was opened before that is sure is thrown away.
        if let Err(error) = sys::check_notification(listener, report.id) {
            return Outcome::Failed(error);
        }
        opened.map_or_else(Outcome::Failed, |file| self.change_opened(&file, mode))
    }

    fn change_opened(&self, file: &OwnedFd, mode: u32) -> Outcome {
        match self.may_change(file, mode) {
            Err(error) => Outcome::Failed(error),
            Ok(false) => Outcome::NotGranted,
            Ok(true) => match set_mode(file, mode) {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Failed(error),
            },
        }
    }

    fn may_change(&self, file: &OwnedFd, mode: u32) -> Result<bool, Errno> {
        let status = fstat(file)?;
        let directory = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
        // A program that runs as its owner or group for whoever starts it would be a way out of the sandbox.
        if mode & SET_USER_ID != 0 || (mode & SET_GROUP_ID != 0 && !directory) {
            return Ok(false);
        }
        if status.st_uid != nix::unistd::geteuid().as_raw() {
            // The supervisor may have privileges that the server has not.
            return Err(Errno::EPERM);
        }
        Ok(self.is_writable(&real_path(file.as_fd())?))
    }

    /// Whether the plan lets the server write at this real path.
    pub(crate) fn is_writable(&self, path: &Path) -> bool {
        let Some(path) = AbsolutePath::new(path) else {
            return false;
        };
        let covered = self.writable.iter().any(|root| path.as_path().starts_with(root));
        let taken_away = self.files.decisive(&path).is_some_and(|rule| rule.write.is_empty());
        covered && !taken_away && self.files.denied_name(&path).is_none()
    }
}

fn read_arguments(name: &str, arguments: &[u64; 6]) -> Option<(Target, u32)> {
    // The kernel reads 32 bits of a descriptor and 16 of a mode.
    let descriptor = |at: usize| (arguments[at] as u32).cast_signed();
    let mode = |at: usize| arguments[at] as u32 & 0o7777;
    let path = |directory, pointer, flags| Target::Path { directory, pointer, flags };
    match name {
        "chmod" => Some((path(libc::AT_FDCWD, arguments[0], 0), mode(1))),
        "fchmod" => Some((Target::Descriptor(descriptor(0)), mode(1))),
        "fchmodat" => Some((path(descriptor(0), arguments[1], 0), mode(2))),
        "fchmodat2" => Some((path(descriptor(0), arguments[1], arguments[3] & u64::from(u32::MAX)), mode(2))),
        _ => None,
    }
}

/// Opens the file that the caller means, without any right but to name it.
fn open(thread: i32, target: &Target) -> Result<OwnedFd, Errno> {
    match *target {
        Target::Descriptor(number) => open_descriptor(thread, number),
        Target::Path { flags, .. } if flags & !(NO_FOLLOW | EMPTY_PATH) != 0 => Err(Errno::EINVAL),
        Target::Path { directory, pointer, flags } => {
            let path = read_path(thread, pointer)?;
            match path.as_os_str().is_empty() {
                true if flags & EMPTY_PATH == 0 => Err(Errno::ENOENT),
                true => open_base(thread, directory),
                false => open_path(thread, directory, &path, flags),
            }
        }
    }
}

/// Opens what a thread means by a path, without any right but to name it. Only while the thread waits for an answer is
/// its number its own: make sure of that afterwards.
pub(crate) fn open_as(thread: i32, path: &Path) -> Result<OwnedFd, Errno> {
    match path.as_os_str().is_empty() {
        true => open_base(thread, libc::AT_FDCWD),
        false => open_path(thread, libc::AT_FDCWD, path, 0),
    }
}

fn open_path(thread: i32, directory: i32, path: &Path, flags: u64) -> Result<OwnedFd, Errno> {
    let follow = if flags & NO_FOLLOW == 0 { OFlag::empty() } else { OFlag::O_NOFOLLOW };
    let how = OFlag::O_PATH | OFlag::O_CLOEXEC | follow;
    // What the caller calls itself: C libraries change the mode of an open file by `/proc/self/fd/N`.
    if let Ok(own) = path.strip_prefix("/proc/self") {
        let own = Path::new("/proc").join(thread.to_string()).join(own);
        return nix::fcntl::open(&own, how, Mode::empty());
    }
    if path.is_absolute() {
        return nix::fcntl::open(path, how, Mode::empty());
    }
    openat(open_base(thread, directory)?, path, how, Mode::empty())
}

fn open_base(thread: i32, directory: i32) -> Result<OwnedFd, Errno> {
    if directory != libc::AT_FDCWD {
        return open_descriptor(thread, directory);
    }
    let how = OFlag::O_PATH | OFlag::O_CLOEXEC;
    nix::fcntl::open(format!("/proc/{thread}/cwd").as_str(), how, Mode::empty())
}

fn open_descriptor(thread: i32, number: i32) -> Result<OwnedFd, Errno> {
    let how = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let opened = nix::fcntl::open(format!("/proc/{thread}/fd/{number}").as_str(), how, Mode::empty());
    opened.map_err(|error| if error == Errno::ENOENT { Errno::EBADF } else { error })
}

/// The path in the caller's memory. A page that is not there ends it like a fault.
fn read_path(thread: i32, pointer: u64) -> Result<PathBuf, Errno> {
    let memory = File::open(format!("/proc/{thread}/mem")).map_err(|error| errno(&error))?;
    let mut bytes = vec![0; PATH_MAX];
    let mut filled = 0;
    while filled < PATH_MAX {
        let at = pointer.checked_add(filled as u64).ok_or(Errno::EFAULT)?;
        // Up to the end of the page, because the next one may not be there.
        let end = PATH_MAX.min(filled + (PATH_MAX - at as usize % PATH_MAX));
        let count = memory.read_at(&mut bytes[filled..end], at).map_err(|_| Errno::EFAULT)?;
        if let Some(length) = bytes[filled..filled + count].iter().position(|byte| *byte == 0) {
            bytes.truncate(filled + length);
            return Ok(PathBuf::from(OsString::from_vec(bytes)));
        }
        if count == 0 {
            return Err(Errno::EFAULT);
        }
        filled += count;
    }
    Err(Errno::ENAMETOOLONG)
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// `fchmod` does not take a descriptor without rights; the way by `/proc` reaches the very same file.
fn set_mode(file: &OwnedFd, mode: u32) -> Result<(), Errno> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    fchmodat(AT_FDCWD, path.as_str(), Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::plan::{ClassMask, NamePattern, NameRule, PathRule, RuleId};

    fn modes(root: &Path) -> Modes {
        let rule = |path: PathBuf, write| PathRule {
            path: AbsolutePath::new(path).expect("absolute"),
            read: ClassMask::ALWAYS,
            write,
            execute: ClassMask::NONE,
            code: false,
            from: vec![],
        };
        let rules = vec![rule(root.to_owned(), ClassMask::ALWAYS), rule(root.join("hooks"), ClassMask::NONE)];
        let names = vec![NameRule { pattern: NamePattern::Exact(".env".into()), from: RuleId(0) }];
        Modes::new(vec![root.to_owned()], FilesPlan { rules, names })
    }

    #[test]
    fn only_what_the_plan_lets_be_written() {
        let modes = modes(Path::new("/project"));
        let cases = [
            ("/project", true),
            ("/project/file", true),
            ("/project/hooks", false),
            ("/project/hooks/post-commit", false),
            ("/project/deep/.env", false),
            ("/project_evil/file", false),
            ("/etc/passwd", false),
            ("pipe:[1]", false),
        ];
        for (path, expected) in cases {
            assert_eq!(modes.is_writable(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn set_id_bits_are_never_granted() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = directory.path().canonicalize().expect("exists");
        std::fs::write(root.join("file"), "").expect("writable");
        let how = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let open = |path: &Path| nix::fcntl::open(path, how, Mode::empty()).expect("exists");
        let (modes, file, own) = (modes(&root), open(&root.join("file")), open(&root));
        assert!(matches!(modes.change_opened(&file, 0o640), Outcome::Done));
        assert!(matches!(modes.change_opened(&file, 0o4755), Outcome::NotGranted));
        assert!(matches!(modes.change_opened(&file, 0o2755), Outcome::NotGranted));
        assert!(matches!(modes.change_opened(&own, 0o2775), Outcome::Done));
    }

    #[test]
    fn paths_are_read_over_the_end_of_a_page() {
        let thread = std::process::id().cast_signed();
        let mut memory = vec![b'x'; 3 * PATH_MAX];
        let start = PATH_MAX - memory.as_ptr() as usize % PATH_MAX - 2;
        memory[start + 5] = 0;
        let pointer = memory[start..].as_ptr() as u64;
        assert_eq!(read_path(thread, pointer), Ok(PathBuf::from("xxxxx")));
        memory[start + 5] = b'x';
        assert_eq!(read_path(thread, pointer), Err(Errno::ENAMETOOLONG));
        assert_eq!(read_path(thread, 8), Err(Errno::EFAULT));
    }
}
