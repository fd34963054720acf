//! What supervisors left behind that were killed: programs that go on denying, and perhaps processes that they deny.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aya::maps::{Map, MapData};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::{FILE_SYSTEM, is_mounted};
use crate::bpf::maps::{Table, mark};
use crate::cgroup::GroupId;
use crate::sys;

/// The pins of a supervisor that is no more.
#[derive(Debug)]
pub struct Leftover {
    /// The supervisor, whose control group has the same name.
    pub id: GroupId,
    /// Processes of its session that were still there and have been killed.
    pub killed: usize,
    /// What became of the pins.
    pub outcome: Outcome,
}

/// What became of a leftover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is removed.
    Removed,
    /// It stays, and goes on denying: why.
    Kept(String),
}

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends what is left of dead supervisors' sessions and removes their pins.
///
/// `is_gone` is asked for each one whether its control group is gone; clean up those first ([`crate::cgroup::leftovers`]).
/// Its processes are looked for by their mark as well, so that one without a group is not let loose.
pub fn clean_leftovers(mut is_gone: impl FnMut(&GroupId) -> bool) -> Vec<Leftover> {
    if !is_mounted() {
        return Vec::new();
    }
    let root = Path::new(FILE_SYSTEM).join("mcpguard");
    let entries = std::fs::read_dir(&root).into_iter().flatten().flatten();
    let dead = entries.filter_map(|entry| Some((supervisor(&entry.file_name())?, entry.path())));
    let dead: Vec<(GroupId, PathBuf)> = dead.filter(|(id, _)| !id.is_alive()).collect();
    let mut left = Vec::new();
    for (id, directory) in dead {
        let gone = is_gone(&id);
        let (killed, outcome) = match gone {
            true => clean(&directory),
            false => (0, Outcome::Kept("its control group is still there".to_owned())),
        };
        left.push(Leftover { id, killed, outcome });
    }
    // Fails while somebody's pins are in it.
    let _ = std::fs::remove_dir(&root);
    left
}

/// `v<version>-<pid>-<start time>`.
fn supervisor(name: &OsStr) -> Option<GroupId> {
    let (version, id) = name.to_str()?.split_once('-')?;
    version.strip_prefix('v')?.parse::<u32>().ok()?;
    id.parse().ok()
}

fn clean(directory: &Path) -> (usize, Outcome) {
    let killed = match kill_marked(directory) {
        Ok(killed) => killed,
        Err(reason) => return (0, Outcome::Kept(reason)),
    };
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    for file in files {
        if let Err(error) = std::fs::remove_file(&file) {
            return (killed, Outcome::Kept(format!("{}: {error}", file.display())));
        }
    }
    match std::fs::remove_dir(directory) {
        Ok(()) => (killed, Outcome::Removed),
        Err(error) => (killed, Outcome::Kept(format!("{}: {error}", directory.display()))),
    }
}

/// Kills every process with a mark in this supervisor's map, until a round finds none.
fn kill_marked(directory: &Path) -> Result<usize, String> {
    let pin = directory.join("map_TASKS");
    if !pin.exists() {
        // It died before it had pinned it, and nothing runs before everything is pinned.
        return Ok(0);
    }
    let map = MapData::from_pin(&pin).map_err(|error| format!("{}: {error}", pin.display()))?;
    // Another version's value has another size; its processes are found by their control group alone.
    let Ok(tasks) = <Table<u32, abi::Task>>::try_from(Map::HashMap(map)) else {
        return Ok(0);
    };
    end_marked(&tasks, |_| true)
}

/// Kills every process whose mark is one of these slots, until a round finds none; how many there were.
pub(in crate::bpf) fn end_marked(
    tasks: &Table<u32, abi::Task>,
    of: impl Fn(u32) -> bool,
) -> Result<usize, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut killed = 0;
    loop {
        let marked = marked(tasks, &of)?;
        if marked.is_empty() {
            return Ok(killed);
        }
        if Instant::now() > deadline {
            return Err(format!("{} of its processes do not end", marked.len()));
        }
        killed += marked.len();
        for process in marked {
            // It may have ended meanwhile; the handle can mean nobody else.
            let _ = sys::signal_pidfd(process.as_fd(), libc::SIGKILL);
            wait_for_end(&process, deadline);
        }
    }
}

fn wait_for_end(process: &OwnedFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    // An error or time-out shows in the next round, which still finds the process.
    let _ = poll(&mut ended, left);
}

/// Living processes with a mark of such a slot.
fn marked(tasks: &Table<u32, abi::Task>, of: &impl Fn(u32) -> bool) -> Result<Vec<OwnedFd>, String> {
    let entries = std::fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
    let mut marked = Vec::new();
    for number in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        // One that ended meanwhile has no handle.
        let Ok(process) = sys::pidfd_open(Pid::from_raw(number)) else { continue };
        let slot = mark(tasks, process.as_fd()).map_err(|error| error.to_string())?;
        if slot.is_some_and(of) && !has_ended(&process) {
            marked.push(process);
        }
    }
    Ok(marked)
}

/// A process that waits to be reaped has a mark still.
fn has_ended(process: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    poll(&mut ended, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}
