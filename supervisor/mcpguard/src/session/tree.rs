//! The real tree of files, for arguments that are paths: where a path leads is what the kernel says.
//!
//! What is found here can be another file when the server opens it. So this check is for the meaning of a call; the kernel's
//! layers decide about the file itself.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use arguments::{Tree, TreeError};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};

/// Links that lead to what does not exist yet are followed so often.
const MAX_LINKS: usize = 40;

/// This host's files, as a server that is started here sees them.
pub(super) struct HostTree {
    current_directory: PathBuf,
}

impl HostTree {
    /// With the directory that the server is started in.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn here() -> io::Result<Self> {
        Ok(Self { current_directory: std::env::current_dir()? })
    }

    /// With another directory in which relative paths begin.
    pub(super) fn at(directory: &Path) -> Self {
        Self { current_directory: directory.to_owned() }
    }
}

impl Tree for HostTree {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        let mut path = self.current_directory.join(path);
        // What is missing, from its last part to its first.
        let mut missing: Vec<OsString> = Vec::new();
        let mut links = 0;
        loop {
            match existing(&path) {
                Ok(real) => return Ok(missing.iter().rev().fold(real, |real, name| real.join(name))),
                Err(Errno::ENOENT) => {}
                Err(errno) => return Err(TreeError::new(errno.desc())),
            }
            let name =
                path.file_name().ok_or_else(|| TreeError::new("it climbs through what is not there"))?;
            let parent = path.parent().unwrap_or(Path::new("/"));
            // Without a `/` or `/.` at the end, behind which no link can be read that leads to nothing.
            match std::fs::read_link(parent.join(name)) {
                // A server that writes there writes where the link leads.
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(TreeError::new("too many links"));
                    }
                    path = parent.join(target);
                }
                Err(_) => {
                    missing.push(name.to_owned());
                    path = parent.to_owned();
                }
            }
        }
    }

    fn current_directory(&self) -> &Path {
        &self.current_directory
    }
}

/// Where a path leads that exists. Magic links (`/proc/self/root`, `/proc/1/cwd`) are other processes' and refused (openat2(2)).
fn existing(path: &Path) -> Result<PathBuf, Errno> {
    let how =
        OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = openat2(AT_FDCWD, path, how)?;
    let real = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(errno)?;
    // One that was removed meanwhile has no place any more.
    let still = std::fs::symlink_metadata(&real).map_err(errno);
    still.map(|_| real)
}

fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn real(root: &Path, path: &str) -> Option<String> {
        let tree = HostTree { current_directory: root.to_owned() };
        let real = tree.real(&root.join(path)).ok()?;
        Some(real.strip_prefix(root).unwrap_or(&real).to_string_lossy().into_owned())
    }

    #[test]
    fn links_are_followed_also_to_what_is_not_there_yet() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("data/deep")).unwrap();
        std::fs::write(root.join("data/file"), "x").unwrap();
        symlink("/etc", root.join("data/out")).unwrap();
        symlink("deep", root.join("data/in")).unwrap();
        symlink("/etc/mcpguard-test-of-nothing", root.join("data/dangling")).unwrap();
        symlink("dangling/.", root.join("data/twice")).unwrap();
        symlink("loop", root.join("data/loop")).unwrap();
        symlink("missing/../../..", root.join("data/climbs")).unwrap();
        let cases = [
            ("data/file", Some("data/file")),
            ("data/./in/new", Some("data/deep/new")),
            ("data/in/../file", Some("data/file")),
            ("data/new/deeper/still", Some("data/new/deeper/still")),
            ("data/out/passwd", Some("/etc/passwd")),
            ("data/out/mcpguard-new", Some("/etc/mcpguard-new")),
            ("data/dangling", Some("/etc/mcpguard-test-of-nothing")),
            ("data/dangling/x", Some("/etc/mcpguard-test-of-nothing/x")),
            ("data/dangling/", Some("/etc/mcpguard-test-of-nothing")),
            ("data/dangling/.", Some("/etc/mcpguard-test-of-nothing")),
            ("data/dangling//", Some("/etc/mcpguard-test-of-nothing")),
            ("data/dangling/./", Some("/etc/mcpguard-test-of-nothing")),
            ("data/dangling/.//x/.", Some("/etc/mcpguard-test-of-nothing/x")),
            ("data/twice/", Some("/etc/mcpguard-test-of-nothing")),
            ("data/loop", None),
            ("data/file/x", None),
            ("data/missing/..", None),
            ("data/climbs", None),
            ("/proc/self/root/etc/passwd", None),
            ("/proc/self/cwd", None),
        ];
        for (path, expected) in cases {
            assert_eq!(real(&root, path).as_deref(), expected, "{path}");
        }
    }
}
