//! Opening a session: rules first, then programs on the group, then the mark, then the group, then the proof.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::unistd::Pid;
use policy::plan::LimitsPlan;

use super::bundle::bundle;
use super::generation::Generation;
use super::hosted::{Hosted, Stage};
use super::record::Record;
use super::seized::{Seized, has_ended};
use super::{HostError, Identity, Keeper, Key, Opened, Order};
use crate::bpf::{Cgroup, Mark, Opening};
use crate::cgroup::{Group, GroupId};
use crate::enclosure::bait_entry;
use crate::encode::Tables;

/// The process that a session is for, and its supervisor. Whose they are was asked before.
#[derive(Debug)]
pub struct Brought<'a> {
    /// The process, which will execute the server; it has one thread.
    pub process: BorrowedFd<'a>,
    /// Its number.
    pub number: Pid,
    /// The process whose end denies the session everything.
    pub supervisor: Pid,
    /// Its handle.
    pub handle: OwnedFd,
    /// Whose rights the rules' files are looked for with.
    pub identity: &'a Identity,
}

/// The most entries of one session's tables: of objects, names beneath them, name rules, addresses, ports.
const MOST: [usize; 5] = [8192, 16_384, 4096, 8192, 4096];

impl Keeper {
    /// Begins to open a session; [`super::Outcome::Opened`] or [`super::Outcome::Failed`] follows.
    ///
    /// # Errors
    /// It is not begun, and nothing of it is left.
    pub fn open(&mut self, order: Order, brought: Brought<'_>) -> Result<(), HostError> {
        self.has_room(&order, brought.identity.uid)?;
        let key = order.key;
        let id = GroupId::of(brought.supervisor).ok_or_else(|| process("its supervisor has ended"))?;
        let limits: LimitsPlan = order.limits.into();
        let group = match self.cgroup == policy::CgroupSupport::default() {
            true => None,
            false => Some(Group::create_counted(&self.layout, &id, &limits)?),
        };
        let hosted = self.fill(order, &brought, group, &id)?;
        self.watch(hosted.handle.as_fd(), key).map_err(HostError::Descriptors)?;
        self.sessions.insert(key, hosted);
        let joined = self.take_in(key, &brought).and_then(|()| self.start_proof(key));
        if let Err(error) = joined {
            // What was begun is taken away like a session that ends; the error is told at once.
            self.bundles.remove(&key);
            let _ = self.end(key);
            return Err(error);
        }
        self.set_due(key, Instant::now());
        Ok(())
    }

    fn has_room(&self, order: &Order, uid: u32) -> Result<(), HostError> {
        let limit = |text: String| Err(HostError::Limit(text));
        fits(&order.tables)?;
        let of_user = self.sessions.values().filter(|hosted| hosted.uid == uid).count();
        if of_user >= self.settings.sessions_of_user as usize {
            return limit(format!(
                "user {uid} has {of_user} sessions, as many as one user may; end one first"
            ));
        }
        if self.sessions.len() >= self.settings.sessions as usize || self.sessions.contains_key(&order.key) {
            return limit("the host has as many sessions as it may; end one first".to_owned());
        }
        Ok(())
    }

    /// Fills a slot and writes the session down; nobody is in it yet.
    fn fill(
        &mut self,
        order: Order,
        brought: &Brought<'_>,
        group: Option<Group>,
        id: &GroupId,
    ) -> Result<Hosted, HostError> {
        let name = Generation::own_name();
        let generation = self.generations.get_mut(&name).ok_or(HostError::NoSession)?;
        let mut tables = order.tables;
        let hooked = generation.layer.way().is_some();
        tables.objects.extend(bait_entry(&self.place).filter(|_| hooked));
        let cgroup =
            group.as_ref().and_then(|it| Some(Cgroup { directory: it.v2_directory_fd()?, id: it.id()? }));
        let session = generation.layer.open(&Opening {
            tables: &tables,
            server: Some(brought.number),
            supervisor: brought.supervisor,
            identity: Some(brought.identity),
            doors: order.doors,
            cgroup,
        })?;
        let slot = session.slot();
        let mut hosted = Hosted {
            generation: name.clone(),
            group,
            uid: brought.identity.uid,
            supervisor: brought.supervisor,
            handle: brought.handle.try_clone().map_err(|_| HostError::Descriptors(Errno::EMFILE))?,
            stage: Stage::Opening,
            proof: None,
            due: Instant::now(),
            unheard: 0,
            unreachable: order.unreachable,
            memo: order.memo,
            learned: BTreeSet::new(),
            next: None,
            last_event: None,
            session,
        };
        generation.slots.insert(slot, order.key);
        let files = generation.layer.give_files(slot);
        let opened = Opened { slot, skipped: hosted.session.skipped.clone() };
        let kept = bundle(&files).map_err(HostError::Descriptors).and_then(|bundle| {
            let record = record(order.key, &hosted, id);
            self.records.write(&record).map_err(HostError::Record).map(|()| bundle)
        });
        // The files themselves are kept by the bundle from here on, which the session's supervisor gets.
        match kept {
            Ok(bundle) => {
                self.bundles.insert(order.key, (opened, bundle));
                Ok(hosted)
            }
            Err(error) => {
                generation.slots.remove(&slot);
                let _ = generation.layer.close_slot(slot);
                // Its group goes with it.
                drop(hosted.take_group());
                Err(error)
            }
        }
    }

    /// Marks the process and moves it into the group; its number cannot come to mean another one meanwhile.
    fn take_in(&mut self, key: Key, brought: &Brought<'_>) -> Result<(), HostError> {
        let Some(hosted) = self.sessions.get(&key) else { return Err(HostError::NoSession) };
        let generation = self.generations.get_mut(&hosted.generation).ok_or(HostError::NoSession)?;
        let seized = Seized::of(brought.process, brought.number).map_err(|errno| process(errno.desc()))?;
        generation.layer.tag(&hosted.session, brought.process, Mark::NextExec)?;
        hosted.group.as_ref().map_or(Ok(()), |group| group.join(brought.number))?;
        drop(seized);
        // The programs know the supervisor by its number: its end before this was seen by nobody.
        match has_ended(hosted.handle.as_fd()) {
            Ok(false) => Ok(()),
            _ => Err(process("its supervisor has ended")),
        }
    }
}

/// Whether the tables are as small as those of one session must be.
pub(super) fn fits(tables: &Tables) -> Result<(), HostError> {
    let Tables { objects, named, names, addresses, ports, .. } = tables;
    let sizes = [objects.len(), named.len(), names.len(), addresses.len(), ports.len()];
    match sizes.iter().zip(MOST).any(|(size, most)| *size > most) {
        true => Err(HostError::Limit(format!(
            "the policy has more rules than a session of the daemon may ({sizes:?} of {MOST:?})"
        ))),
        false => Ok(()),
    }
}

fn process(why: &str) -> HostError {
    HostError::Process(why.to_owned())
}

pub(super) fn record(key: Key, hosted: &Hosted, id: &GroupId) -> Record {
    Record {
        key,
        generation: hosted.generation.clone(),
        slot: hosted.session.slot(),
        uid: hosted.uid,
        supervisor: id.to_string(),
        unreachable: hosted.unreachable,
        memo: hosted.memo.clone(),
        next: None,
    }
}
