//! Another policy for a session that runs: prepared, then put in force by one store.

use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::bundle::bundle;
use super::hosted::Next;
use super::open::{fits, record};
use super::record::{NextRecord, Record};
use super::{HostError, Identity, Keeper, Key, number_of};
use crate::bpf::Terms;
use crate::cgroup::GroupId;
use crate::enclosure::bait_entry;
use crate::encode::Tables;
use crate::ruleset::Skipped;

/// What a session may do from some time on: the part of an [`super::Order`] that may be another one while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// What it may do.
    pub tables: Tables,
    /// An address that no class of it may reach, for the canary.
    pub unreachable: SocketAddr,
    /// See [`super::Order::memo`].
    pub memo: Vec<u8>,
}

impl Keeper {
    /// Writes down what a session may do next; what was prepared before is forgotten. `server` is a process of the session,
    /// which `/proc/self` in the tables means. The descriptor that comes back keeps the files of the rules known, for the
    /// session's supervisor to hold from [`Self::commit`] on.
    ///
    /// # Errors
    /// There is no such session, the process is none of it, or the rules cannot be written down. Nothing has changed then.
    pub fn prepare(
        &mut self,
        key: Key,
        revision: Revision,
        identity: &Identity,
        server: Option<BorrowedFd<'_>>,
    ) -> Result<(Vec<Skipped>, OwnedFd), HostError> {
        let Revision { mut tables, unreachable, memo } = revision;
        fits(&tables)?;
        let hosted = self.sessions.get_mut(&key).filter(|it| it.stage == super::Stage::Open);
        let hosted = hosted.ok_or(HostError::NoSession)?;
        let generation = self.generations.get_mut(&hosted.generation).ok_or(HostError::NoSession)?;
        let hooked = generation.layer.way().is_some();
        let server = server.map(|process| {
            let stranger = || HostError::Process("it is no process of the session".to_owned());
            let slot = hosted.session.slot();
            let is_own = !hooked || generation.layer.slot_of(process).ok().flatten() == Some(slot);
            number_of(process).ok().filter(|_| is_own).ok_or_else(stranger)
        });
        tables.objects.extend(bait_entry(&self.place).filter(|_| hooked));
        let terms = Terms { tables: &tables, server: server.transpose()?, identity: Some(identity) };
        let skipped = generation.layer.prepare(&hosted.session, &terms)?;
        let files = generation.layer.give_next_files(hosted.session.slot());
        match bundle(&files) {
            Ok(bundle) => {
                hosted.next = Some(Next { unreachable, memo, learned: Default::default() });
                Ok((skipped, bundle))
            }
            Err(errno) => {
                let _ = generation.layer.abandon_prepared(&hosted.session);
                Err(HostError::Descriptors(errno))
            }
        }
    }

    /// Puts what was prepared in force, and has it proved.
    ///
    /// # Errors
    /// There is no such session, or nothing was prepared for it: the old policy holds.
    pub fn commit(&mut self, key: Key) -> Result<(), HostError> {
        // A canary that runs tries what the old policy closes; the next one follows at once.
        self.drop_proof(key)?;
        self.put_in_force(key)?;
        self.set_due(key, Instant::now());
        Ok(())
    }

    fn put_in_force(&mut self, key: Key) -> Result<(), HostError> {
        let hosted = self.sessions.get_mut(&key).filter(|it| it.stage == super::Stage::Open);
        let hosted = hosted.ok_or(HostError::NoSession)?;
        let Some(next) = &hosted.next else { return Err(HostError::NothingPrepared) };
        let generation = self.generations.get_mut(&hosted.generation).ok_or(HostError::NoSession)?;
        let id = GroupId::of(hosted.supervisor).ok_or(HostError::NoSession)?;
        let before = record(key, hosted, &id);
        // A later keeper knows by the kernel's revision which of the two was in force when this one was killed.
        let revision = generation.layer.revision(&hosted.session) + 1;
        let next = NextRecord { revision, unreachable: next.unreachable, memo: next.memo.clone() };
        let both = Record { next: Some(next), ..before };
        self.records.write(&both).map_err(HostError::Record)?;
        generation.layer.commit(&hosted.session)?;
        if let Some(Next { unreachable, memo, learned }) = hosted.next.take() {
            (hosted.unreachable, hosted.memo, hosted.learned) = (unreachable, memo, learned);
        }
        // The other one says the same, as long as the kernel does.
        let _ = self.records.write(&both.at(revision));
        Ok(())
    }

    /// Forgets what was prepared.
    pub fn abandon(&mut self, key: Key) {
        let Ok(hosted) = self.open_one(key) else { return };
        hosted.next = None;
        let name = hosted.generation.clone();
        if let (Some(generation), Some(hosted)) = (self.generations.get_mut(&name), self.sessions.get(&key)) {
            let _ = generation.layer.abandon_prepared(&hosted.session);
        }
    }
}
