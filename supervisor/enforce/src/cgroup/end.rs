//! Killing all of the tree: no double fork, no `setsid` and no fork bomb gets away.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::GroupError;
use super::directory::Directory;
use super::freeze::Freezer;
use super::group::Group;
use super::seat::Seat;
use crate::sys;

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many handles are open at once.
const AT_ONCE: usize = 64;

impl Group {
    /// Kills every process of the group, also a frozen one, and waits until none is left.
    pub fn kill(&self) -> Result<(), GroupError> {
        for seat in &self.seats {
            match seat.directory.has("cgroup.kill") {
                true => seat.kill_at_once(),
                // After version 2 nobody is left here, unless it got out of the group there.
                false => seat.kill_one_by_one(),
            }?;
        }
        Ok(())
    }
}

impl Group {
    /// Sends `SIGKILL` to every process of the group and waits for nobody.
    pub fn strike(&self) -> Result<(), GroupError> {
        for seat in &self.seats {
            match seat.directory.has("cgroup.kill") {
                true => seat.directory.write("cgroup.kill", "1"),
                false => kill_members(&seat.directory),
            }?;
        }
        Ok(())
    }
}

impl Seat {
    /// `cgroup.kill` (Linux 5.14): the kernel kills also those that are being forked at that moment.
    fn kill_at_once(&self) -> Result<(), GroupError> {
        self.directory.write("cgroup.kill", "1")?;
        self.wait_until_empty(|| Ok(()))
    }

    /// Frozen, a tree makes no new processes. Where it cannot be frozen the race is run until it is won or time is up.
    pub(super) fn kill_one_by_one(&self) -> Result<(), GroupError> {
        if self.directory.is_empty()? {
            return Ok(());
        }
        let freezer = Freezer::of(self);
        let outcome = self.wait_until_empty(|| {
            freezer.map_or(Ok(()), Freezer::begin)?;
            kill_members(&self.directory)?;
            match freezer {
                // What the version 1 freezer holds does not die.
                Some(Freezer::Legacy(_)) => freezer.map_or(Ok(()), Freezer::end),
                _ => Ok(()),
            }
        });
        freezer.map_or(Ok(()), Freezer::end).and(outcome)
    }

    fn wait_until_empty(
        &self,
        mut each_time: impl FnMut() -> Result<(), GroupError>,
    ) -> Result<(), GroupError> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_micros(100);
        loop {
            each_time()?;
            if self.directory.is_empty()? {
                return Ok(());
            }
            if Instant::now() > deadline {
                let group = self.directory.path().to_owned();
                return Err(GroupError::Survivors {
                    group,
                    members: self.directory.members()?,
                    patience: PATIENCE,
                });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }
}

/// See [`kill_listed`].
fn kill_members(directory: &Directory) -> Result<(), GroupError> {
    let refused = |errno| GroupError::file("emptied", directory.path(), errno);
    kill_listed(|| directory.members(), refused)
}

/// Sends `SIGKILL` to each process of a list.
///
/// A number may belong to a stranger by the time its handle is opened. So the list is read once more with the handles open:
/// a handle is of the process that was meant if its number is still listed, or its process has ended and gets nothing.
pub(crate) fn kill_listed<E>(
    list: impl Fn() -> Result<Vec<Pid>, E>,
    refused: impl Fn(Errno) -> E,
) -> Result<(), E> {
    for some in list()?.chunks(AT_ONCE) {
        let handles: Vec<_> =
            some.iter().filter_map(|process| Some((*process, sys::pidfd_open(*process).ok()?))).collect();
        let listed: BTreeSet<Pid> = list()?.into_iter().collect();
        for (_, handle) in handles.into_iter().filter(|(process, _)| listed.contains(process)) {
            match sys::signal_pidfd(handle.as_fd(), Signal::SIGKILL as i32) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(refused(errno)),
            }
        }
    }
    Ok(())
}
