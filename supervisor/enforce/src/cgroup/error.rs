//! What can go wrong, where, and what would make it right.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::Controller;

/// Why a control group cannot do what it must.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is no hierarchy in which a group can be made.
    #[error("no control group can be made: {reason}; {remedy}")]
    NoHierarchy {
        /// What is missing.
        reason: String,
        /// What would make it right.
        remedy: String,
    },
    /// A limit is asked for and its controller cannot be had.
    #[error("the {controller} limit needs the {controller} controller: {reason}; {remedy}")]
    Missing {
        /// The controller.
        controller: Controller,
        /// Why it cannot be had.
        reason: String,
        /// What would make it right.
        remedy: String,
    },
    /// The limit's number is none that the kernel takes.
    #[error("{value} is no limit for the {controller} controller; {remedy}")]
    Limit {
        /// The controller.
        controller: Controller,
        /// The number.
        value: u64,
        /// What would make it right.
        remedy: &'static str,
    },
    /// Some limits of a running group are the new ones, and could not be made the old ones again.
    #[error(
        "{error}; {files} stays at the new value, because the old one could not be written again; set it once more"
    )]
    Half {
        /// Why not all of them are the new ones.
        error: Box<GroupError>,
        /// The files that have their new value.
        files: String,
    },
    /// The kernel refused an operation on a file or directory of a hierarchy.
    #[error("{} cannot be {what}: {}{}", path.display(), errno.desc(), hint(path, *errno))]
    File {
        /// The operation: `made`, `read`, `written`, …
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The group's directory belongs to somebody else, who could change what stands in it.
    #[error("{} does not belong to the user that runs mcpguard; remove it or give it to that user", .0.display())]
    ForeignOwner(PathBuf),
    /// The group is there already.
    #[error("{} exists already: another session has the same name, or a leftover was not cleaned up", .0.display())]
    Exists(PathBuf),
    /// The process may not be moved into a group by mcpguard.
    #[error(
        "process {0} cannot join the session's control group: it is mcpguard itself or no single process"
    )]
    NotForeign(Pid),
    /// The kernel took the process and it is not in the group: it ended, or something moved it away.
    #[error("process {process} is not in {} although it was put there; it has ended or something moved it", group.display())]
    NotJoined {
        /// The process.
        process: Pid,
        /// The group.
        group: PathBuf,
    },
    /// There is nothing with which the group could be frozen.
    #[error("{} cannot be frozen: there is neither cgroup.freeze (Linux 5.2) nor a version 1 freezer; mount cgroup2", .0.display())]
    NoFreezer(PathBuf),
    /// Not all processes stood still in time.
    #[error("{} did not come to rest within {} ms; a process waits in the kernel without end (see its /proc/PID/stack)", group.display(), patience.as_millis())]
    NotFrozen {
        /// The group.
        group: PathBuf,
        /// How long was waited.
        patience: Duration,
    },
    /// Processes that did not die in time.
    #[error("{} is not empty {} ms after its processes were killed ({}); they wait in the kernel or are outside of this pid namespace", group.display(), patience.as_millis(), numbers(members))]
    Survivors {
        /// The group.
        group: PathBuf,
        /// Who is left, as far as this pid namespace sees them.
        members: Vec<Pid>,
        /// How long was waited.
        patience: Duration,
    },
}

impl GroupError {
    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>, errno: Errno) -> Self {
        Self::File { what, path: path.into(), errno }
    }
}

fn numbers(members: &[Pid]) -> String {
    match members {
        [] => "none that is visible here".to_owned(),
        some => some.iter().map(Pid::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// What the errno hides.
fn hint(path: &Path, errno: Errno) -> &'static str {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match (file, errno) {
        (_, Errno::EROFS) => "; mount the control group file system writable for mcpguard",
        (_, Errno::EACCES | Errno::EPERM) => {
            "; run mcpguard as root, or in a subtree that is delegated to its user (systemd: Delegate=yes)"
        }
        ("cgroup.subtree_control", Errno::EBUSY) => {
            "; processes stand in this very group: start mcpguard in a child of it (systemd: DelegateSubgroup=)"
        }
        ("cgroup.subtree_control", Errno::ENOENT) => "; the group above does not pass the controller on",
        ("cgroup.subtree_control", Errno::EINVAL) => {
            "; the cpu controller cannot be had while real-time processes run outside of the root group"
        }
        ("cgroup.procs", Errno::EINVAL) => {
            "; a version 1 cpu group without real-time budget takes no real-time process"
        }
        ("cgroup.procs" | "cgroup.subtree_control", Errno::EOPNOTSUPP) => {
            "; the group above is threaded (cgroup.type) and takes no whole processes"
        }
        ("cgroup.procs", Errno::ENOENT) => "; mcpguard and the group are in different cgroup namespaces",
        ("cpu.max" | "cpu.cfs_quota_us" | "cpu.cfs_period_us", Errno::ENOENT) => {
            "; use a kernel with CONFIG_CFS_BANDWIDTH"
        }
        ("cgroup.procs", Errno::ESRCH) => "; the process has ended",
        ("cgroup.procs", Errno::EBUSY) => "; the group passes controllers on and can hold no process",
        (_, Errno::EAGAIN | Errno::ENOSPC) => {
            "; a group above allows no more groups (cgroup.max.descendants, cgroup.max.depth)"
        }
        (_, Errno::EBUSY) => "; processes are still in it",
        _ => "",
    }
}
