//! Another policy for a session that runs.

use std::os::fd::OwnedFd;

use super::{Layer, Parts};
use crate::bpf::maps::MapsError;
use crate::bpf::session::{self, Session, SessionError, Terms};
use crate::ruleset::Skipped;

impl Layer {
    /// Writes down what a session may do next, beside what holds. Nothing is decided by it before [`Self::commit`]. The
    /// session's supervisor, doors and control group stay what they are.
    ///
    /// # Errors
    /// There is no such session, it cannot be written down, or the policy was changed [`abi::REVISIONS`] times already. Nothing has changed then.
    pub fn prepare(&mut self, session: &Session, terms: &Terms<'_>) -> Result<Vec<Skipped>, SessionError> {
        let slot = session.slot;
        let held = self.sessions.get_mut(slot as usize).and_then(Option::as_mut);
        let held = held.ok_or_else(unknown)?;
        session::settle(&mut self.maps, session, held)?;
        let mut parts = Parts {
            maps: &mut self.maps,
            register: self.register.as_ref(),
            cgroup_programs: &self.cgroup_programs,
            scope: &mut self.scope,
        };
        session::prepare(&mut parts, slot, terms, held)
    }

    /// Puts what was prepared in force, by one store: every decision that begins after it is made under the new policy, and
    /// none under parts of both.
    ///
    /// # Errors
    /// There is no such session, nothing was prepared, or the store failed: the old policy holds.
    pub fn commit(&mut self, session: &Session) -> Result<(), MapsError> {
        match self.sessions.get_mut(session.slot as usize).and_then(Option::as_mut) {
            Some(held) => session::commit(&mut self.maps, session, held),
            None => Err(unknown()),
        }
    }

    /// Takes out what was prepared.
    ///
    /// # Errors
    /// It stays written down; it holds all the same for nobody.
    pub fn abandon_prepared(&mut self, session: &Session) -> Result<(), MapsError> {
        match self.sessions.get_mut(session.slot as usize).and_then(Option::as_mut) {
            Some(held) => session::abandon(&mut self.maps, held),
            None => Ok(()),
        }
    }

    /// How often the policy of the session in this slot was changed.
    pub fn revision(&self, session: &Session) -> u32 {
        let held = self.sessions.get(session.slot as usize).and_then(Option::as_ref);
        held.map_or(0, |held| held.revision)
    }

    /// The descriptors that keep the inodes of the prepared policy known, for somebody else to hold.
    pub(crate) fn give_next_files(&mut self, slot: u32) -> Vec<OwnedFd> {
        let held = self.sessions.get_mut(slot as usize).and_then(Option::as_mut);
        let next = held.and_then(|held| held.next.as_mut());
        next.map(|next| std::mem::take(&mut next.files)).unwrap_or_default()
    }
}

fn unknown() -> MapsError {
    let reason = "this layer has no such session".to_owned();
    MapsError::Access { name: "POLICIES", doing: "read", reason }
}
