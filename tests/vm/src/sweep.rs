//! After each case the machine is swept: processes, temporary files, cgroups and pinned BPF objects of the last one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::mounts::SCRATCH;

/// Ends every process but this one, and takes away what the last case left. Returns how many processes there were.
pub(crate) fn sweep() -> Result<usize> {
    let left = end_everything()?;
    for directory in ["/tmp", "/run", SCRATCH] {
        empty(Path::new(directory))?;
    }
    pins(Path::new("/sys/fs/bpf"));
    groups(Path::new("/sys/fs/cgroup"));
    Ok(left)
}

fn end_everything() -> Result<usize> {
    ensure!(std::process::id() == 1, "only process 1 of a guest may end every process");
    // To every process but process 1 itself (kill(2)); kernel threads take no signals.
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(error).context("cannot end the processes that are left"),
    }
    let mut ended = 0;
    loop {
        // Every orphan becomes a child of process 1, so the last one's end is the end of all.
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => ended += 1,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(ended),
            Err(error) => return Err(error).context("cannot wait for what is left"),
        }
    }
}

fn empty(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("{}", directory.display()))? {
        let path = entry?.path();
        if path.ends_with("lost+found") {
            continue;
        }
        let removed = if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        // A mount point that a case left is busy; the next case has a directory of its own anyway.
        if let Err(error) = removed {
            println!("init: {} stays: {error}", path.display());
        }
    }
    Ok(())
}

/// Pinned programs, links and maps go with their names.
fn pins(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            pins(&path);
            let _ = fs::remove_dir(&path);
        } else {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Groups from the leaves up; those that are not empty stay, and the kernel says why nowhere.
fn groups(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            groups(&entry.path());
            let _ = fs::remove_dir(entry.path());
        }
    }
}
