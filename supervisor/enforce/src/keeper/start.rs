//! The first and every later start: what is pinned and written down is taken over, what is missing is made.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use policy::Support;

use super::generation::Generation;
use super::hosted::{Hosted, Stage};
use super::record::{Record, Records};
use super::{Keeper, KeeperError, Key, Settings};
use crate::bpf::{Session, Zygote, pinned_layers};
use crate::cgroup::{GroupId, Layout, standing};
use crate::enclosure::Place;
use crate::sys;

/// The name of the directory with the canary's file.
const BAIT: &str = "canary";

impl Keeper {
    /// Takes over what an earlier keeper has left, and loads what is missing. `support` is what was found possible here.
    ///
    /// # Errors
    /// See [`KeeperError`]. What is pinned goes on denying then.
    pub fn start(settings: Settings, support: &Support) -> Result<Self, KeeperError> {
        let records = Records::open(&settings.records)
            .map_err(|error| KeeperError::Records(settings.records.display().to_string(), error))?;
        let mut keeper = Self {
            ebpf: support.ebpf.clone(),
            cgroup: support.cgroup.clone(),
            layout: Layout::find(),
            place: Place::lasting(BAIT)?,
            // Before there is anything to copy. Without one this process forks its canaries itself.
            zygote: Zygote::start().ok(),
            records,
            generations: BTreeMap::new(),
            sessions: BTreeMap::new(),
            bundles: BTreeMap::new(),
            due: BTreeSet::new(),
            ending: BTreeSet::new(),
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(KeeperError::Wait)?,
            outcomes: Vec::new(),
            notes: Vec::new(),
            number: 0,
            told_all: false,
            settings,
        };
        keeper.take_over()?;
        keeper.load()?;
        keeper.let_go_of_old_ones();
        for generation in keeper.generations.values() {
            // Once for what is new: what waits to be acknowledged would wake without end.
            let wake = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0);
            keeper.epoll.add(generation.as_fd(), wake).map_err(KeeperError::Wait)?;
        }
        Ok(keeper)
    }

    /// This build's layer, if it is not there.
    fn load(&mut self) -> Result<(), KeeperError> {
        let name = Generation::own_name();
        if self.generations.contains_key(&name) {
            return Ok(());
        }
        if self.ebpf.hooks.is_none() && !self.ebpf.network {
            let missing = self.ebpf.hooks_missing.clone().or_else(|| self.ebpf.network_missing.clone());
            return Err(KeeperError::Nothing(missing.unwrap_or_default()));
        }
        self.generations.insert(name, Generation::load(&self.ebpf, self.settings.sessions)?);
        Ok(())
    }

    fn take_over(&mut self) -> Result<(), KeeperError> {
        let mut records = self.records.all();
        for name in pinned_layers() {
            let (mut generation, sessions) = match Generation::adopt(&name) {
                Ok(None) => continue,
                Ok(Some(adopted)) => adopted,
                Err(error) if name == Generation::own_name() => return Err(error.into()),
                // Another build's: what cannot be read goes on denying, until its sessions' supervisors have ended.
                Err(error) => {
                    self.notes.push(format!("{name} stays as it is, with its sessions: {error}"));
                    continue;
                }
            };
            for session in sessions {
                let known = records.iter().position(|it| it.generation == name && it.slot == session.slot());
                let revision = generation.layer.revision(&session);
                let record = known.map(|index| records.swap_remove(index).at(revision));
                self.adopt(&mut generation, session, record);
            }
            self.generations.insert(name, generation);
        }
        // What is left was never opened, or is ended.
        records.iter().for_each(|record| self.records.remove(record.key));
        let orphans: Vec<Key> =
            self.sessions.iter().filter(|(_, it)| it.stage == Stage::Ending).map(|(key, _)| *key).collect();
        orphans.into_iter().for_each(|key| {
            if let Some(hosted) = self.sessions.get_mut(&key) {
                hosted.stage = Stage::Open;
            }
            let _ = self.end(key);
        });
        Ok(())
    }

    /// A session without a record, or whose supervisor has ended, is ended.
    fn adopt(&mut self, generation: &mut Generation, session: Session, record: Option<Record>) {
        let slot = session.slot();
        let supervisor = record.as_ref().and_then(|record| record.supervisor.parse::<GroupId>().ok());
        let group = supervisor.as_ref().and_then(|id| standing(&self.layout, id));
        let handle = supervisor.as_ref().and_then(|id| sys::pidfd_open(id.process()).ok());
        let (Some(record), Some(id), Some(handle)) = (record, supervisor, handle) else {
            // What cannot be ended keeps its slot, and its rules.
            let _ = generation.layer.abandon(session);
            drop(group);
            return;
        };
        let lives = id.is_alive();
        let hosted = Hosted {
            generation: generation.name.clone(),
            session,
            group,
            uid: record.uid,
            supervisor: id.process(),
            handle,
            stage: if lives { Stage::Open } else { Stage::Ending },
            proof: None,
            due: Instant::now(),
            unheard: 0,
            unreachable: record.unreachable,
            memo: record.memo,
            learned: BTreeSet::new(),
            next: None,
            last_event: None,
        };
        generation.slots.insert(slot, record.key);
        // Without a watch on its supervisor a session ends at its first proof that fails, and the programs see that end.
        let _ = self.watch(hosted.handle.as_fd(), record.key);
        self.due.insert((hosted.due, record.key));
        self.sessions.insert(record.key, hosted);
    }
}
