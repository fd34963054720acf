//! A session of another supervisor on this machine, as an operator sees it: ended, frozen, let go on. Nothing of it is this
//! process's own, so that dropping it changes nothing.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::cgroup::{Group, GroupError, GroupId, Layout, kill_listed, living, standing};
use crate::sys;

/// Where control groups are on this machine, looked up once for many sessions.
#[derive(Debug)]
pub struct Grounds(Layout);

impl Grounds {
    /// Looks.
    pub fn find() -> Self {
        Self(Layout::find())
    }

    /// The supervisors of all sessions that have a control group, as far as this user sees them: who has none is not here.
    pub fn supervisors(&self) -> BTreeSet<GroupId> {
        living(&self.0)
    }
}

/// From now on this thread, with those that it starts, goes before the processes that have no real-time priority: whoever
/// ends sessions does not wait until those leave it a processor. Root may do so; others go on as they were.
pub fn hurry() {
    let _ = sys::goes_first();
}

/// A living session.
#[derive(Debug)]
pub struct Standing {
    id: GroupId,
    supervisor: OwnedFd,
    /// Only sessions of root have one, and only root sees it.
    group: Option<ManuallyDrop<Group>>,
}

impl Standing {
    /// The session of this supervisor; `None` if that has ended. A number that belongs to another process by now is noticed by
    /// the time at which it started.
    ///
    /// # Errors
    /// The process cannot be watched: no descriptors are left.
    pub fn find(id: &GroupId, grounds: &Grounds) -> Result<Option<Self>, Errno> {
        let supervisor = match sys::pidfd_open(id.process()) {
            Err(Errno::ESRCH) => return Ok(None),
            other => other?,
        };
        // Asked for with the handle open: from now on the number can mean nobody else.
        if !id.is_alive() {
            return Ok(None);
        }
        let group = standing(&grounds.0, id).map(ManuallyDrop::new);
        Ok(Some(Self { id: id.clone(), supervisor, group }))
    }

    /// The supervisor's process.
    pub fn supervisor(&self) -> Pid {
        self.id.process()
    }

    /// The processes in the session's control group; `None` if it has none, or not for this user.
    pub fn members(&self) -> Option<Vec<Pid>> {
        self.group.as_ref().and_then(|group| group.members().ok())
    }

    /// Asks the supervisor to end the session, which it does at once and writes down, also if somebody has stopped it.
    ///
    /// # Errors
    /// `EPERM`: it is another user's.
    pub fn end(&self) -> Result<(), Errno> {
        self.signal(Signal::SIGTERM)?;
        self.signal(Signal::SIGCONT)
    }

    /// Kills the session's processes and waits for nobody; its supervisor sees that they are gone and writes it down. `tree`
    /// lists the processes where there is no control group; one that is started meanwhile may be missed then.
    ///
    /// # Errors
    /// They are another user's.
    pub fn strike(&self, tree: impl Fn() -> Vec<Pid>) -> Result<(), KillError> {
        match &self.group {
            Some(group) => Ok(group.strike()?),
            None => kill_listed(|| Ok(tree()), KillError::Supervisor),
        }
    }

    /// Ends it without the supervisor's help: the supervisor, and the whole control group where there is one. The kernel
    /// then ends the server itself; what else it had started goes on under Landlock and seccomp where there is no group.
    ///
    /// # Errors
    /// It is another user's, or processes of the group do not end.
    pub fn kill(&self) -> Result<(), KillError> {
        self.signal(Signal::SIGKILL)?;
        self.group.as_ref().map_or(Ok(()), |group| group.kill())?;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<(), Errno> {
        match sys::signal_pidfd(self.supervisor.as_fd(), signal as i32) {
            Err(Errno::ESRCH) => Ok(()),
            other => other,
        }
    }

    /// Whether the supervisor ends within this time. It ends when nothing is left of its session.
    pub fn ends_within(&self, patience: Duration) -> bool {
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let mut ended = [PollFd::new(self.supervisor.as_fd(), PollFlags::POLLIN)];
        poll(&mut ended, patience).is_ok_and(|count| count > 0)
    }

    /// Stops every process of the session where it stands; its supervisor goes on.
    ///
    /// # Errors
    /// The session has no control group, or it does not stand still.
    pub fn freeze(&self) -> Result<(), FreezeError> {
        Ok(self.group.as_ref().ok_or(FreezeError::NoGroup)?.freeze()?)
    }

    /// Lets a frozen session go on.
    ///
    /// # Errors
    /// The session has no control group, or it cannot be written to.
    pub fn thaw(&self) -> Result<(), FreezeError> {
        Ok(self.group.as_ref().ok_or(FreezeError::NoGroup)?.thaw()?)
    }

    /// Whether it stands still.
    pub fn is_frozen(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.is_frozen().unwrap_or(false))
    }
}

/// A session could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// Its supervisor.
    #[error("its supervisor cannot be ended: {}", .0.desc())]
    Supervisor(#[from] Errno),
    /// Its processes.
    #[error(transparent)]
    Group(#[from] GroupError),
}

/// A session could not be frozen or let go on.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// Stopping its processes one by one would let them wake each other.
    #[error(
        "it has no control group, and only that can be frozen: run mcpguard as root, for its sessions and as its operator"
    )]
    NoGroup,
    /// Its group.
    #[error(transparent)]
    Group(#[from] GroupError),
}
