//! One session's group: made, joined, looked at, removed.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};

use nix::unistd::{Pid, getpid};
use policy::plan::LimitsPlan;

use super::directory::Directory;
use super::layout::{Layout, Missing, Place};
use super::mounts::Version;
use super::seat::{Others, Seat};
use super::{Controller, GroupError, GroupId, settings};

/// A session's control group. Dropping it kills what is in it and removes it; that takes at most some seconds, and a
/// group that could not be removed is a later start's leftover.
#[must_use = "a group that is dropped is killed and removed"]
pub struct Group {
    id: GroupId,
    /// One for each hierarchy; that of version 2 first, or else the freezer.
    pub(super) seats: Vec<Seat>,
}

impl Group {
    /// Makes the group and sets its limits. An error leaves nothing behind.
    ///
    /// Fails with [`GroupError::Missing`] if the plan has a limit whose controller cannot be had.
    pub fn create(id: &GroupId, plan: &LimitsPlan) -> Result<Self, GroupError> {
        Self::create_in(&Layout::find(), id, plan)
    }

    pub(crate) fn create_in(layout: &Layout, id: &GroupId, plan: &LimitsPlan) -> Result<Self, GroupError> {
        Self::made(layout, id, plan, Others::Off)
    }

    /// The same, with every controller of version 2 that can be had, so that limits can be set later and what is used is
    /// counted from the first page on.
    pub(crate) fn create_counted(
        layout: &Layout,
        id: &GroupId,
        plan: &LimitsPlan,
    ) -> Result<Self, GroupError> {
        Self::made(layout, id, plan, Others::On)
    }

    fn made(layout: &Layout, id: &GroupId, plan: &LimitsPlan, others: Others) -> Result<Self, GroupError> {
        // On an error this is dropped, and takes away what has been made so far.
        let mut group = Self { id: id.clone(), seats: Vec::new() };
        for (place, controllers) in assigned(layout, plan)? {
            group.seats.push(Seat::make(place, id, controllers, others)?);
            if let Some(seat) = group.seats.last() {
                seat.limit(plan)?;
            }
        }
        Ok(group)
    }

    /// What stands here already, of a supervisor that is no more.
    pub(super) fn adopt(id: GroupId, seats: Vec<Seat>) -> Self {
        Self { id, seats }
    }

    /// The group's name.
    pub fn name(&self) -> &GroupId {
        &self.id
    }

    /// The group's id in the version 2 hierarchy, as `bpf_get_current_cgroup_id` gives it. `None` without version 2.
    pub fn id(&self) -> Option<u64> {
        self.unified().and_then(|directory| directory.inode().ok())
    }

    /// The group's directory in the version 2 hierarchy: for `BPF_PROG_ATTACH`, `BPF_LINK_CREATE` and
    /// `clone3(CLONE_INTO_CGROUP)`. A process that is born into it must still [join](Self::join), for version 1's sake.
    pub fn v2_directory_fd(&self) -> Option<BorrowedFd<'_>> {
        self.unified().map(AsFd::as_fd)
    }

    pub(super) fn unified(&self) -> Option<&Directory> {
        let seat = self.seats.iter().find(|seat| seat.version == Version::Unified);
        seat.map(|seat| &seat.directory)
    }

    /// Moves a process with all its threads into the group, and looks whether it is there. Its present children stay
    /// where they are: call it before the process runs foreign code. It must be an unreaped child of the caller.
    pub fn join(&self, process: Pid) -> Result<(), GroupError> {
        // To the kernel 0 is the writer itself, and our own process would be killed with the group.
        if process.as_raw() <= 0 || process == getpid() {
            return Err(GroupError::NotForeign(process));
        }
        for seat in &self.seats {
            seat.directory.write("cgroup.procs", &process.to_string())?;
        }
        for Seat { directory, .. } in &self.seats {
            if !directory.members()?.contains(&process) {
                return Err(GroupError::NotJoined { process, group: directory.path().to_owned() });
            }
        }
        Ok(())
    }

    /// The processes in the group, as this pid namespace numbers them.
    pub fn members(&self) -> Result<Vec<Pid>, GroupError> {
        let mut members = Vec::new();
        for seat in &self.seats {
            members.extend(seat.directory.members()?);
        }
        members.sort();
        members.dedup();
        Ok(members)
    }

    /// Whether no living process is in the group; one that has ended and is not reaped does not count.
    pub fn is_empty(&self) -> Result<bool, GroupError> {
        for seat in &self.seats {
            if !seat.directory.is_empty()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Leaves the group as it is, with what is in it.
    pub(crate) fn leave(mut self) {
        self.seats.clear();
    }

    /// Kills what is in the group and removes it.
    pub fn remove(mut self) -> Result<(), GroupError> {
        self.clear()
    }

    fn clear(&mut self) -> Result<(), GroupError> {
        let killed = self.kill();
        let name = self.id.to_string();
        let mut first = None;
        self.seats.retain(|seat| match seat.remove(&name) {
            Ok(()) => false,
            Err(error) => {
                first.get_or_insert(error);
                true
            }
        });
        // Who did not die says more than that the directory is busy.
        killed.and(first.map_or(Ok(()), Err))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.seats.is_empty() {
            // Nobody is left to be told; the next start finds it among the leftovers.
            let _ = self.clear();
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.seats.iter().map(|seat| seat.directory.path());
        to.debug_list().entries(paths).finish()
    }
}

/// Which hierarchies the group needs, and which of the plan's limits each one sets.
fn assigned<'a>(
    layout: &'a Layout,
    plan: &LimitsPlan,
) -> Result<Vec<(&'a Place, Vec<Controller>)>, GroupError> {
    let mut assigned: Vec<(&Place, Vec<Controller>)> = Vec::new();
    // Members are counted, frozen and killed there.
    assigned.extend(layout.unified().or_else(|| layout.freezer()).map(|place| (place, Vec::new())));
    for controller in settings::needed(plan) {
        let place = layout.place(controller).map_err(|Missing { reason, remedy }| GroupError::Missing {
            controller,
            reason,
            remedy,
        })?;
        match assigned.iter_mut().find(|(known, _)| std::ptr::eq(*known, place)) {
            Some((_, controllers)) => controllers.push(controller),
            None => assigned.push((place, vec![controller])),
        }
    }
    if assigned.is_empty() {
        let any = layout.place(Controller::Pids).ok().or_else(|| layout.usable().next());
        assigned.push((any.ok_or_else(|| layout.none())?, Vec::new()));
    }
    Ok(assigned)
}
