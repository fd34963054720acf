//! The sessions of a layer: opened, marked, looked at, closed.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use abi::{State, Task};
use nix::errno::Errno;

use super::{Layer, Parts};
use crate::bpf::canary::Canary;
use crate::bpf::maps::{self, MapsError, filled, forget, read};
use crate::bpf::session::{self, Held, Mark, Opening, Session, SessionError};
use crate::sys::{self, Plain};

impl Layer {
    /// Opens a session. Nothing of it holds for anybody before a process is [tagged](Self::tag); with a control group,
    /// whoever is in it unmarked from now on is killed at its next step, so tag before joining.
    pub fn open(&mut self, opening: &Opening<'_>) -> Result<Session, SessionError> {
        let slots = self.sessions.len() - 1;
        let free = self.sessions.iter().skip(1).position(Option::is_none);
        let slot = free.and_then(|index| u32::try_from(index + 1).ok()).ok_or(SessionError::Full(slots))?;
        let mut held = Held::default();
        let mut parts = Parts {
            maps: &mut self.maps,
            register: self.register.as_ref(),
            cgroup_programs: &self.cgroup_programs,
            scope: &mut self.scope,
        };
        let opened = session::open(&mut parts, slot, opening, &mut held);
        self.sessions[slot as usize] = Some(held);
        let pinned = opened.and_then(|session| Ok(self.pin_session(slot as usize).map(|()| session)?));
        pinned.inspect_err(|_| {
            // What cannot be taken out keeps the slot, and with it the inodes that it is about.
            let _ = self.clear(slot);
        })
    }

    /// Marks the process behind this pidfd (an unreaped child) as the session's, and with it all that it will start.
    /// The process must have one thread: a mark belongs to a thread.
    pub fn tag(&mut self, session: &Session, process: BorrowedFd<'_>, mark: Mark) -> Result<(), MapsError> {
        let task = Task::marked(session.slot, mark.state());
        let number = process.as_raw_fd().cast_unsigned();
        self.maps.tasks.insert(number, Plain(task), 0).map_err(filled("TASKS"))
    }

    /// The slot of the session whose mark the process behind this pidfd has.
    pub fn slot_of(&self, process: BorrowedFd<'_>) -> Result<Option<u32>, MapsError> {
        maps::mark(&self.maps.tasks, process)
    }

    /// The same by slot.
    pub(crate) fn state_of(&self, slot: u32) -> Result<State, MapsError> {
        self.maps.states.get(&slot, 0).map(|Plain(state)| state).map_err(read("STATES"))
    }

    /// What the programs counted for this session. The number of its last event, and the drops, prove gaps.
    pub fn state(&self, session: &Session) -> Result<State, MapsError> {
        self.maps.states.get(&session.slot, 0).map(|Plain(state)| state).map_err(read("STATES"))
    }

    /// A program that somebody has taken off a session's control group. The programs on security hooks cannot be taken off
    /// as long as this process holds them.
    pub fn detached(&self, slot: u32) -> Result<Option<&str>, Errno> {
        let held = self.sessions.get(slot as usize).and_then(Option::as_ref);
        for (name, link) in held.iter().flat_map(|held| &held.links) {
            if sys::link_cgroup(link.as_fd())? == 0 {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Ends a session of which nothing is known but its slot, and every process with its mark. An error keeps the slot.
    pub(crate) fn abandon(&mut self, session: Session) -> Result<(), String> {
        let slot = session.slot();
        crate::bpf::pins::end_marked(&self.maps.tasks, |marked| marked == slot)?;
        self.close(session).map_err(|error| error.to_string())
    }

    /// The descriptors that keep a session's inodes known, for somebody else to hold.
    pub(crate) fn give_files(&mut self, slot: u32) -> Vec<std::os::fd::OwnedFd> {
        let held = self.sessions.get_mut(slot as usize).and_then(Option::as_mut);
        held.map(|held| std::mem::take(&mut held.files)).unwrap_or_default()
    }

    /// Takes the canary's exemption from being killed away, once it has been heard.
    pub fn end_canary(&mut self, session: &Session, canary: Canary) -> Result<(), MapsError> {
        drop(canary);
        self.set_canary(session.slot, 0, 0)
    }

    /// Tells the programs which process is the canary, and until when (`CLOCK_MONOTONIC`, nanoseconds): it is denied like
    /// everybody, but never killed, and its denials are not counted.
    pub(in crate::bpf) fn set_canary(
        &mut self,
        slot: u32,
        process: u32,
        until: u64,
    ) -> Result<(), MapsError> {
        let Plain(mut value) = self.maps.sessions.get(&slot, 0).map_err(read("SESSIONS"))?;
        (value.canary, value.canary_until) = (process, until);
        self.maps.sessions.set(slot, Plain(value), 0).map_err(filled("SESSIONS"))
    }

    /// Ends a session. Its processes must have ended and its control group must be gone or empty: what is left of them
    /// is denied everything while its mark lasts, but an unmarked process in the group is nobody's any more.
    pub fn close(&mut self, session: Session) -> Result<(), MapsError> {
        self.clear(session.slot)
    }

    /// The filter over the control groups of all sessions.
    pub(super) fn gather_scope(&mut self) {
        self.scope.fill(0);
        for held in self.sessions.iter().flatten() {
            held.add_scope(&mut self.scope);
        }
    }

    /// The same by slot.
    pub(crate) fn close_slot(&mut self, slot: u32) -> Result<(), MapsError> {
        self.clear(slot)
    }

    /// First nothing is granted any more, then the inodes are forgotten, and only then are they let go.
    pub(super) fn clear(&mut self, slot: u32) -> Result<(), MapsError> {
        let Some(Some(held)) = self.sessions.get_mut(slot as usize) else {
            return Ok(());
        };
        let nothing = Plain(abi::Session::default());
        self.maps.sessions.set(slot, nothing, 0).map_err(filled("SESSIONS"))?;
        if let Some(names) = &held.names {
            names.shut();
        }
        session::abandon(&mut self.maps, held)?;
        session::forget_old(&mut self.maps, slot, held)?;
        held.filled.remove(&mut self.maps)?;
        // Of one whose opening or end was cut off it is not known.
        if held.names.as_ref().is_none_or(|names| names.knows()) {
            session::forget_names(&mut self.maps, slot)?;
        }
        if held.cgroup != 0 {
            forget(self.maps.cgroups.remove(&held.cgroup)).map_err(filled("CGROUPS"))?;
        }
        let supervisor = held.supervisor;
        self.unpin_session(slot);
        self.sessions[slot as usize] = None;
        let other = self
            .sessions
            .iter()
            .rposition(|held| held.as_ref().is_some_and(|held| held.supervisor == supervisor));
        match other.and_then(|slot| u32::try_from(slot).ok()) {
            _ if supervisor == 0 => {}
            Some(slot) => self.maps.supervisors.insert(supervisor, slot, 0).map_err(filled("SUPERVISORS"))?,
            None => forget(self.maps.supervisors.remove(&supervisor)).map_err(filled("SUPERVISORS"))?,
        }
        self.gather_scope();
        self.maps.scope.set(0, Plain(self.scope), 0).map_err(filled("SCOPE_FILTER"))
    }
}
