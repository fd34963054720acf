//! Ending the whole process tree of a session.
//!
//! The supervisor is a *child subreaper*: whatever a dying process leaves behind becomes the supervisor's child, also
//! after a double fork and `setsid`. So the tree is ended by killing children until none is left.
//!
//! Only direct children that are not reaped yet are ever signalled, and the process group of the server while the
//! server is not reaped: those numbers can belong to nobody else.
//!
//! If the supervisor itself is killed (`SIGKILL`), the kernel kills the server (`PR_SET_PDEATHSIG`). What the server
//! started and put into the background may survive; it stays under Landlock and seccomp, its refused calls fail with
//! `ENOSYS`, and its pipes are closed. Control groups end that gap.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::guard::Guard;

/// A process of the tree that has ended and been reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exited {
    /// Its number, which may now belong to another process.
    pub pid: Pid,
    /// How it ended.
    pub status: Status,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(Signal),
}

impl Status {
    /// As a shell would say it: the code, or 128 and the signal's number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
            Self::Signal(signal) => u8::try_from(128 + signal as i32).unwrap_or(u8::MAX),
        }
    }
}

/// How a tree is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How long the tree may take to end after `SIGTERM`. Zero: `SIGKILL` at once.
    pub grace: Duration,
    /// How long to go on killing after that.
    pub patience: Duration,
}

/// What ending the tree came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Ended {
    /// Everything that was reaped.
    pub exited: Vec<Exited>,
    /// How many processes were killed.
    pub killed: usize,
    /// Processes that could not be ended in time.
    pub survivors: Vec<Pid>,
}

/// Why the supervisor cannot become what it must be.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {}", errno.desc())]
pub struct SupervisorError {
    what: &'static str,
    errno: Errno,
}

/// Makes this process the heir of every orphan beneath it. Call it before the first spawn.
pub fn become_subreaper() -> Result<(), SupervisorError> {
    let what = "the supervisor cannot become the reaper of the session's processes";
    nix::sys::prctl::set_child_subreaper(true).map_err(|errno| SupervisorError { what, errno })
}

/// Closes this process's `/proc` entries (`environ`, `mem`, `fd`) and core dumps to other processes of the same user.
/// Landlock already closes them to the server; this holds where Landlock does not.
pub fn harden_supervisor() -> Result<(), SupervisorError> {
    let what = "the supervisor cannot close its memory to other processes";
    nix::sys::prctl::set_dumpable(false).map_err(|errno| SupervisorError { what, errno })
}

/// Ends the server and everything that it started, and reaps it. Blocks for at most `grace` and `patience` together.
///
/// Every child of this process is taken to be of the session, so a supervisor runs one session and nothing else
/// meanwhile. During `grace` nobody answers reports of refused calls if they were taken from the guard; a supervisor
/// that goes on answering calls [`Guard::terminate`], waits itself, and comes here with no grace.
pub fn end_tree(guard: &mut Guard, ending: Ending) -> Ended {
    end(&mut guard.leader, ending)
}

/// The server's process: leader of its session and process group.
#[derive(Debug)]
pub(crate) struct Leader {
    pid: Pid,
    reaped: bool,
}

/// What one round of reaping found.
pub(crate) struct Reaped {
    pub(crate) exited: Vec<Exited>,
    /// This process has no child any more.
    pub(crate) childless: bool,
}

impl Leader {
    pub(crate) fn new(pid: Pid) -> Self {
        Self { pid, reaped: false }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn is_unreaped(&self) -> bool {
        !self.reaped
    }

    pub(crate) fn signal_group(&self, signal: Signal) {
        if !self.reaped {
            // Until the leader is reaped the group's number is its own. An empty group is no error here.
            let _ = killpg(self.pid, signal);
        }
    }

    pub(crate) fn reap(&mut self) -> Reaped {
        let mut exited = Vec::new();
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Ok(WaitStatus::Exited(pid, code)) => exited.push(Exited { pid, status: Status::Code(code) }),
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    exited.push(Exited { pid, status: Status::Signal(signal) });
                }
                Err(Errno::EINTR) => continue,
                Err(_) => return Reaped { exited, childless: true },
                Ok(_) => return Reaped { exited, childless: false },
            }
            self.reaped |= exited.last().is_some_and(|last| last.pid == self.pid);
        }
    }
}

/// See [`end_tree`].
pub(crate) fn end(leader: &mut Leader, ending: Ending) -> Ended {
    let mut ended = Ended::default();
    if terminated(leader, ending.grace, &mut ended) {
        return ended;
    }
    let deadline = Instant::now() + ending.patience;
    let mut killed = BTreeSet::new();
    loop {
        leader.signal_group(Signal::SIGKILL);
        let before = killed.len();
        let children = children();
        for child in &children {
            // Our own unreaped child: the number can mean nobody else.
            let _ = kill(*child, Signal::SIGKILL);
            killed.insert(*child);
        }
        let round = leader.reap();
        ended.exited.extend(round.exited);
        ended.killed = killed.len();
        if round.childless {
            return ended;
        }
        if Instant::now() > deadline {
            ended.survivors = children;
            return ended;
        }
        if killed.len() == before {
            // Nothing new appeared: they are dying. Otherwise somebody forks, and the race is run without a pause.
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Asks, and waits for at most `grace`; whether nothing is left.
fn terminated(leader: &mut Leader, grace: Duration, ended: &mut Ended) -> bool {
    if grace.is_zero() {
        return false;
    }
    leader.signal_group(Signal::SIGTERM);
    let deadline = Instant::now() + grace;
    while Instant::now() < deadline {
        let round = leader.reap();
        ended.exited.extend(round.exited);
        if round.childless {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// This process's children now; those that are being made may be missing, so callers look again.
pub(crate) fn children() -> Vec<Pid> {
    children_by_task().unwrap_or_else(|_| children_by_scan())
}

/// `/proc/self/task/*/children` (Linux 3.5, `CONFIG_PROC_CHILDREN`).
fn children_by_task() -> std::io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let numbers = std::fs::read_to_string(task?.path().join("children"))?;
        found.extend(
            numbers.split_ascii_whitespace().filter_map(|number| number.parse().ok()).map(Pid::from_raw),
        );
    }
    Ok(found)
}

fn children_by_scan() -> Vec<Pid> {
    let own = nix::unistd::getpid();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    processes
        .filter(|(_, path)| parent_of(path) == Some(own))
        .map(|(number, _)| Pid::from_raw(number))
        .collect()
}

/// The fourth field of `stat`; the second one, the name, is in parentheses and may contain anything.
fn parent_of(process: &Path) -> Option<Pid> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_finding_children_agree() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep exists");
        let pid = Pid::from_raw(child.id().cast_signed());
        assert!(children_by_task().expect("CONFIG_PROC_CHILDREN").contains(&pid));
        assert!(children_by_scan().contains(&pid));
        child.kill().expect("own child");
        child.wait().expect("own child");
        assert!(!children_by_scan().contains(&pid));
    }

    #[test]
    fn exit_codes_are_the_shells() {
        assert_eq!(Status::Code(7).exit_code(), 7);
        assert_eq!(Status::Signal(Signal::SIGKILL).exit_code(), 137);
    }
}
