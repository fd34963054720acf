//! What the host daemon's privileged process does to the kernel, for the sessions of any user.
//!
//! ```text
//! Order, a process, its supervisor ─ open ─► slot filled, programs on the group, marked, joined ─► canary ─► Opened
//! ring ─► Notice::Event, numbered ─► written down by whoever asked ─► acknowledge ─► the ring's room is free again
//! supervisor's end, failed proof ─► processes killed ─► group empty ─► rules taken away
//! ```
//! One thread; nothing here waits for a process of somebody else's. What it holds is pinned and written down as it comes
//! to be, so that a later keeper of the same build takes over where a killed one stopped: [`Keeper::start`]. Sessions of
//! another build go on under that build's programs until they end.
//!
//! It decides nothing about policy, and does not ask who may do what: its caller does.

mod bundle;
pub mod channel;
mod error;
mod generation;
mod hosted;
mod identity;
mod notices;
mod open;
mod order;
mod peer;
mod proofs;
mod record;
mod revise;
mod ring;
mod sealed;
mod seized;
mod start;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use abi::Learned;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::unistd::Pid;
use policy::plan::LimitsPlan;
use policy::{CgroupSupport, Ebpf};

pub use crate::enclosure::{clean_up, unreachable};
pub use error::{HostError, KeeperError};
pub use identity::Identity;
pub use open::Brought;
pub use order::{Kept, Key, Limits, Notice, Opened, Order, Usage};
pub use peer::{Facts, Peer, inherited, number_of, sits_in_a_group};
pub use revise::Revision;
pub use sealed::{Seal, SealError, seal};

use crate::bpf::Zygote;
use crate::cgroup::{GroupError, Layout};
use crate::egress::LearnError;
use crate::enclosure::Place;
use generation::Generation;
use hosted::{Hosted, Stage};
use record::Records;

/// How much a keeper takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Sessions at once.
    pub sessions: u32,
    /// Sessions of one user at once.
    pub sessions_of_user: u32,
    /// The time between two proofs of one session.
    pub canary: Duration,
    /// Where sessions are written down: a directory of root's that is gone with the machine.
    pub records: PathBuf,
}

/// What became of something.
#[derive(Debug)]
pub enum Outcome {
    /// A session that was asked for is guarded. With it the page through which grants follow the calls, and what keeps its
    /// files known.
    Opened {
        /// The session.
        key: Key,
        /// What came of it.
        opened: Opened,
        /// To be mapped: [`crate::bpf::ActiveMask`].
        page: OwnedFd,
        /// To be held by the session's supervisor for as long as it lives.
        bundle: OwnedFd,
    },
    /// A session that was asked for is not there.
    Failed {
        /// The session.
        key: Key,
        /// Why.
        error: HostError,
    },
    /// A session was ended: nothing is left of it.
    Ended(Key),
    /// Something happened; notices are numbered from 1 since [`Keeper::begin_again`].
    Notice(u64, Notice),
}

/// The host's sessions and what guards them.
pub struct Keeper {
    settings: Settings,
    ebpf: Ebpf,
    cgroup: CgroupSupport,
    layout: Layout,
    place: Place,
    /// Forks the canaries, because this process is too large to be forked that often.
    zygote: Option<Zygote>,
    records: Records,
    /// This build's first. Empty where no program can be had.
    generations: BTreeMap<String, Generation>,
    sessions: BTreeMap<Key, Hosted>,
    /// What is given to the supervisor once its session was proved.
    bundles: BTreeMap<Key, (Opened, OwnedFd)>,
    due: BTreeSet<(Instant, Key)>,
    ending: BTreeSet<Key>,
    epoll: Epoll,
    outcomes: Vec<Outcome>,
    notes: Vec<String>,
    /// The number of the last notice.
    number: u64,
    /// Whether the rings were read to where they ended when they were last read.
    told_all: bool,
}

/// The most addresses that a session may know.
const LEARNED: usize = 16_384;
/// How long the events of a session that has ended may take to be written down.
const WRITTEN: Duration = Duration::from_secs(5);
/// How soon a session that is being ended is looked at again.
const GLANCE: Duration = Duration::from_millis(2);

impl Keeper {
    /// What sessions are guarded with here.
    pub fn offer(&self) -> (&Ebpf, &CgroupSupport) {
        (&self.ebpf, &self.cgroup)
    }

    /// What a person should know of the start: a sentence each, once.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The sessions that are there.
    pub fn kept(&self) -> Vec<Kept> {
        let kept = |(key, hosted): (&Key, &Hosted)| Kept {
            key: *key,
            uid: hosted.uid,
            supervisor: hosted.supervisor.as_raw(),
            slot: hosted.session.slot(),
            memo: hosted.memo.clone(),
            frozen: hosted.group.as_ref().is_some_and(|group| group.is_frozen().unwrap_or(false)),
        };
        self.sessions.iter().filter(|(_, hosted)| hosted.stage == Stage::Open).map(kept).collect()
    }

    /// The session of this supervisor, if it has that one.
    pub fn is_of(&self, key: Key, supervisor: Pid) -> bool {
        self.sessions.get(&key).is_some_and(|it| it.supervisor == supervisor && it.stage == Stage::Open)
    }

    /// Whether the process behind this handle is in a session, by its mark.
    pub fn is_guarded(&self, process: BorrowedFd<'_>) -> bool {
        // What cannot be told counts as guarded.
        let is_marked = |it: &Generation| it.layer.slot_of(process).map_or(true, |slot| slot.is_some());
        self.generations.values().any(is_marked)
    }

    /// An address of a session is known from now on.
    ///
    /// # Errors
    /// [`LearnError`]; the session is none, or knows as many as it may.
    pub fn learn(&mut self, key: Key, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        let hosted = self.open_one(key).map_err(|_| LearnError::Kernel(Errno::ENOENT))?;
        if hosted.learned.len() >= LEARNED && !hosted.learned.contains(&address) {
            return Err(LearnError::Full);
        }
        hosted.session.egress().learn(address, learned)?;
        hosted.learned.insert(address);
        Ok(())
    }

    /// The same under the policy that is prepared.
    ///
    /// # Errors
    /// As [`Self::learn`]; nothing is prepared.
    pub fn learn_next(&mut self, key: Key, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        let hosted = self.open_one(key).map_err(|_| LearnError::Kernel(Errno::ENOENT))?;
        let next = hosted.next.as_mut().ok_or(LearnError::Kernel(Errno::ENOENT))?;
        if next.learned.len() >= LEARNED && !next.learned.contains(&address) {
            return Err(LearnError::Full);
        }
        hosted.session.egress().learn_next(address, learned)?;
        next.learned.insert(address);
        Ok(())
    }

    /// It is not known any more.
    pub fn forget(&mut self, key: Key, address: IpAddr) {
        if let Ok(hosted) = self.open_one(key) {
            hosted.session.egress().forget(address);
            hosted.learned.remove(&address);
        }
    }

    /// Where a connection that has arrived at a session's proxy wanted to go; once.
    pub fn arrived(&mut self, key: Key, peer: SocketAddr) -> Option<SocketAddr> {
        self.open_one(key).ok()?.session.egress().arrived(peer)
    }

    /// Begins to stop every process of a session.
    ///
    /// # Errors
    /// There is no such session, or it has no control group that can be stopped.
    pub fn freeze(&mut self, key: Key) -> Result<(), HostError> {
        self.on_group(key, crate::cgroup::Group::begin_to_freeze)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// As [`Self::freeze`].
    pub fn thaw(&mut self, key: Key) -> Result<(), HostError> {
        self.on_group(key, crate::cgroup::Group::thaw)
    }

    /// What the control group of a session is held to now.
    ///
    /// # Errors
    /// There is no such session, or its control group cannot be read.
    pub fn limits(&mut self, key: Key) -> Result<Limits, HostError> {
        let hosted = self.open_one(key)?;
        let group = hosted.group.as_ref().ok_or(HostError::NoSession)?;
        Ok(Limits::from(&group.limits()?))
    }

    /// Holds the control group of a session to other limits, all of them or none; what they are then. Those that are absent
    /// in `to` stay as they are.
    ///
    /// # Errors
    /// There is no such session, it is not held to `from` any more, it has more memory than that already, the kernel has no
    /// controller for one of the limits in its group, or it refuses a value.
    pub fn limit(&mut self, key: Key, from: Limits, to: Limits) -> Result<Limits, HostError> {
        if self.limits(key)? != from {
            return Err(HostError::LimitsChanged);
        }
        let group = self.sessions.get(&key).and_then(|hosted| hosted.group.as_ref());
        let group = group.ok_or(HostError::NoSession)?;
        // Who asks for less waits in the kernel until it has taken the rest back.
        match to.memory_bytes.zip(group.usage().memory) {
            Some((limit, used)) if limit < used => return Err(HostError::MemoryInUse { limit, used }),
            _ => group.change(&self.layout, &LimitsPlan::from(to))?,
        }
        self.limits(key)
    }

    fn on_group(
        &mut self,
        key: Key,
        act: impl FnOnce(&crate::cgroup::Group) -> Result<(), GroupError>,
    ) -> Result<(), HostError> {
        let hosted = self.open_one(key)?;
        hosted.group.as_ref().map_or(Err(HostError::NoSession), |group| act(group).map_err(HostError::Group))
    }

    /// Begins to end a session: its processes are killed at once, and [`Outcome::Ended`] comes when nothing is left.
    ///
    /// # Errors
    /// There is no such session. If the processes could not be killed the session stays, and is denied everything.
    pub fn end(&mut self, key: Key) -> Result<(), HostError> {
        let hosted = self.sessions.get_mut(&key).ok_or(HostError::NoSession)?;
        let struck = hosted.group.as_ref().map_or(Ok(()), crate::cgroup::Group::strike);
        if hosted.stage != Stage::Ending {
            hosted.stage = Stage::Ending;
            self.due.remove(&(hosted.due, key));
            // The supervisor's end is no news any more.
            let _ = self.epoll.delete(&hosted.handle);
            self.ending.insert(key);
        }
        Ok(struck?)
    }

    /// What every session uses.
    pub fn usage(&self) -> Vec<(Key, Usage)> {
        let open = self.sessions.iter().filter(|(_, hosted)| hosted.stage == Stage::Open);
        open.map(|(key, hosted)| (*key, self.usage_of(hosted))).collect()
    }

    fn usage_of(&self, hosted: &Hosted) -> Usage {
        let group = hosted.group.as_ref();
        let used = group.map(crate::cgroup::Group::usage).unwrap_or_default();
        let generation = self.generations.get(&hosted.generation);
        let state = generation.and_then(|it| it.layer.state(&hosted.session).ok()).unwrap_or_default();
        let kinds = abi::EventKind::ALL.into_iter();
        Usage {
            memory: used.memory,
            cpu_us: used.cpu_us,
            processes: used.processes,
            calls: hosted.session.active.load().1,
            denials: state.sequence,
            dropped: kinds
                .map(|kind| (kind, state.dropped[kind as usize]))
                .filter(|(_, count)| *count > 0)
                .collect(),
            limits: group.and_then(|group| group.events().ok()).unwrap_or_default(),
        }
    }

    /// Does what there is to do, and tells what came of everything since this was last called.
    pub fn work(&mut self, now: Instant) -> Vec<Outcome> {
        self.read_rings();
        self.do_what_is_due(now)
    }

    /// The same while nobody takes events: they wait in their ring.
    pub fn work_without_events(&mut self, now: Instant) -> Vec<Outcome> {
        self.told_all = false;
        self.do_what_is_due(now)
    }

    fn do_what_is_due(&mut self, now: Instant) -> Vec<Outcome> {
        self.hear_canaries();
        self.look_around(now);
        self.prove(now);
        self.take_away(now);
        std::mem::take(&mut self.outcomes)
    }

    /// When [`Self::work`] is to be called at the latest, unless the [descriptor](AsFd) is readable before.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        // The kernel does not wake while there is what was not acknowledged.
        let waits = self.generations.values().any(|generation| generation.ring.is_open());
        let ending = (waits || !self.ending.is_empty()).then(|| now + GLANCE);
        let due = self.due.first().map(|(due, _)| *due);
        [ending, due].into_iter().flatten().min()
    }

    /// Supervisors that have ended, and canaries that have something to say.
    fn look_around(&mut self, now: Instant) {
        const AT_ONCE: usize = 256;
        let mut ready = [EpollEvent::empty(); AT_ONCE];
        let count = self.epoll.wait(&mut ready, 0u8).unwrap_or(0);
        for event in &ready[..count] {
            let key = Key(event.data());
            let Some(hosted) = self.sessions.get_mut(&key) else { continue };
            if seized::has_ended(hosted.handle.as_fd()).unwrap_or(true) {
                if hosted.stage == Stage::Open {
                    self.notice(Notice::Gone(key));
                }
                let opening = self.sessions.get(&key).is_some_and(|it| it.stage == Stage::Opening);
                self.fail_if(opening, key, HostError::Process("its supervisor has ended".to_owned()));
                let _ = self.end(key);
            } else {
                self.set_due(key, now);
            }
        }
    }

    fn fail_if(&mut self, is_opening: bool, key: Key, error: HostError) {
        if is_opening {
            self.bundles.remove(&key);
            self.outcomes.push(Outcome::Failed { key, error });
        }
    }

    fn set_due(&mut self, key: Key, due: Instant) {
        let Some(hosted) = self.sessions.get_mut(&key) else { return };
        self.due.remove(&(hosted.due, key));
        hosted.due = due;
        if hosted.stage != Stage::Ending {
            self.due.insert((due, key));
        }
    }

    /// Sessions whose processes are gone.
    fn take_away(&mut self, now: Instant) {
        let keys: Vec<Key> = self.ending.iter().copied().collect();
        for key in keys {
            let group = self.sessions.get(&key).and_then(|hosted| hosted.group.as_ref());
            let is_empty = group.is_none_or(|group| group.is_empty().unwrap_or(false));
            // Its slot is the next session's: whose an event is must be known until it is written down.
            if is_empty && self.has_told_all_of(key, now) && self.close(key) {
                self.ending.remove(&key);
                self.outcomes.push(Outcome::Ended(key));
                self.let_go_of_old_ones();
            }
        }
    }

    /// Whether every event of a session without processes was read and acknowledged. Who acknowledges nothing is not waited
    /// for without end: then a keeper that is killed would not know any more whose they were.
    fn has_told_all_of(&mut self, key: Key, now: Instant) -> bool {
        let Some(hosted) = self.sessions.get_mut(&key) else { return true };
        let Some(generation) = self.generations.get(&hosted.generation) else { return true };
        let (end, since) = *hosted.last_event.get_or_insert_with(|| (generation.ring.end(), now));
        generation.ring.is_safe(end)
            || generation.ring.has_read(end) && now.saturating_duration_since(since) > WRITTEN
    }

    /// Another build's programs go with their last session.
    fn let_go_of_old_ones(&mut self) {
        let own = Generation::own_name();
        self.generations.retain(|name, generation| *name == own || !generation.slots.is_empty());
    }

    /// Processes are gone; then the group, then the rules, then what is known of it. `false`: its group stays, and the rest
    /// is tried again. Rules that cannot be taken away keep their slot, which nobody gets again.
    fn close(&mut self, key: Key) -> bool {
        let Some(mut hosted) = self.sessions.remove(&key) else { return true };
        let Some(generation) = self.generations.get_mut(&hosted.generation) else { return true };
        if let Some(proof) = hosted.proof.take() {
            let _ = generation.layer.end_canary(&hosted.session, proof.into_canary());
        }
        if hosted.group.take().is_some_and(|group| group.remove().is_err()) {
            // The group is a leftover for a later start; the session is tried again without it.
            self.sessions.insert(key, hosted);
            return false;
        }
        generation.slots.remove(&hosted.session.slot());
        let _ = generation.layer.close_slot(hosted.session.slot());
        self.records.remove(key);
        self.bundles.remove(&key);
        true
    }

    fn open_one(&mut self, key: Key) -> Result<&mut Hosted, HostError> {
        let hosted = self.sessions.get_mut(&key).filter(|hosted| hosted.stage == Stage::Open);
        hosted.ok_or(HostError::NoSession)
    }

    fn watch(&self, descriptor: BorrowedFd<'_>, key: Key) -> Result<(), Errno> {
        self.epoll.add(descriptor, EpollEvent::new(EpollFlags::EPOLLIN, key.0))
    }
}

impl AsFd for Keeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}
