//! What root adds around a server: a control group with its limits, and the eBPF layer's session in it.
//!
//! ```text
//! Plan ─ prepare ─► Prepared ─ engage(last mile) ─► Enclosure ─ follow, event, prove, freeze, kill ─► gone with its drop
//! ```
//! The last mile waits for its orders meanwhile: when it gets them, the group is joined, the mark is set, the programs are
//! pinned, and a canary has been seen to be denied.

mod leftovers;
mod place;
mod prepare;
mod proof;
mod revise;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use abi::EventKind;
use nix::unistd::Pid;

use crate::bpf::{
    Bait, CanaryError, Cgroup, Event, Events, Layer, LayerError, MapsError, Mark, Opening, PinError, Session,
    SessionError,
};
use crate::cgroup::{Group, GroupError, GroupEvents, GroupId};
use crate::egress::Egress;
use crate::ruleset::Skipped;
use crate::sys;

pub use leftovers::clean_up;
pub(crate) use place::Place;
pub use place::PlaceError;
pub use prepare::EncloseError;
pub use prepare::unreachable;
pub(crate) use prepare::{Prepared, bait_entry};
pub(crate) use proof::Ground;
pub use proof::{Proof, ProofFailure};
pub use revise::Revised;

/// Why the server could not be enclosed. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum EnclosureError {
    /// The control group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The eBPF programs.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The eBPF session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Its maps.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// What makes the programs outlive the supervisor.
    #[error("the eBPF programs cannot be pinned, so that they would end with the supervisor: {0}")]
    Pin(#[from] PinError),
    /// The canary's place.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The canary.
    #[error(transparent)]
    Canary(#[from] CanaryError),
    /// The guard does not deny.
    #[error("the guard was not seen to deny what it must, so nothing was started: {0}")]
    Unproven(#[from] ProofFailure),
    /// The kernel's own numbers of this process.
    #[error("this process's start time cannot be read from /proc, so that its control group has no name")]
    Nameless,
    /// The server's process cannot be watched.
    #[error("the server's process cannot be marked: {}", .0.desc())]
    Unmarked(nix::errno::Errno),
    /// There are no programs that could take another policy.
    #[error("no eBPF programs watch this server, so that none can take another policy")]
    Unwatched,
}

/// The part of a session that root adds. Dropping it ends what is left in the group and takes everything away.
#[derive(Debug)]
pub struct Enclosure {
    watch: Option<Watch>,
    group: Option<Group>,
    /// Keeps the canary's bait.
    place: Option<place::Place>,
}

/// The eBPF layer with its one session.
#[derive(Debug)]
struct Watch {
    layer: Layer,
    /// `None` once it is closed.
    session: Option<Session>,
    events: Events,
    bait: Bait,
    /// Drops that were told already.
    dropped: [u64; 32],
}

impl Watch {
    /// Events of canaries that their ring had no room for, since the session's start; `None`: it cannot be known.
    fn canarys_dropped(&self) -> Option<u64> {
        let state = self.session.as_ref().and_then(|session| self.layer.state(session).ok())?;
        Some(state.dropped[abi::CANARYS])
    }
}

impl Enclosure {
    /// Encloses the last mile of a server. Returns when a canary has been seen to be denied.
    pub(crate) fn engage(prepared: &Prepared, last_mile: Pid) -> Result<Self, EnclosureError> {
        let id = GroupId::own().ok_or(EnclosureError::Nameless)?;
        let group = prepared.group(&id)?;
        let mut enclosure = Self { watch: None, group, place: None };
        if let Some(orders) = &prepared.watch {
            enclosure.place = Some(place::Place::make(&id.to_string())?);
            enclosure.watch(orders, last_mile)?;
        }
        if let Some(group) = &enclosure.group {
            group.join(last_mile)?;
        }
        if let Some(watch) = &mut enclosure.watch {
            watch.layer.pin()?;
            Proof::start(&mut enclosure)?.wait(&mut enclosure)?;
        }
        Ok(enclosure)
    }

    fn watch(&mut self, orders: &prepare::WatchOrders, last_mile: Pid) -> Result<(), EnclosureError> {
        let mut tables = orders.tables.clone();
        let bait = orders.bait(self.place.as_ref(), &mut tables);
        let mut layer = Layer::load(&orders.probe, &orders.options)?;
        let cgroup = self.group.as_ref().and_then(cgroup_of);
        let doors = orders.doors;
        let session = layer.open(&Opening {
            tables: &tables,
            server: Some(last_mile),
            supervisor: Pid::this(),
            identity: None,
            doors,
            cgroup,
        })?;
        let pidfd = sys::pidfd_open(last_mile).map_err(EnclosureError::Unmarked)?;
        // From here on a drop closes the session.
        let events = layer.events().ok_or(CanaryError::Silent)?;
        let watch =
            self.watch.insert(Watch { layer, session: Some(session), events, bait, dropped: [0; 32] });
        if let Some(session) = &watch.session {
            watch.layer.tag(session, pidfd.as_fd(), Mark::NextExec)?;
        }
        Ok(())
    }

    /// From now on these grant classes hold, and events carry this call's number: a store to memory, no system call.
    pub fn follow(&self, active: u64, call: u64) {
        if let Some(session) = self.watch.as_ref().and_then(|watch| watch.session.as_ref()) {
            session.active.store(active, call);
        }
    }

    /// Whoever decides about the session's addresses: the maps, for its resolver and its proxy. `None` where no program
    /// stands on the control group.
    pub(crate) fn egress(&self) -> Option<Arc<dyn Egress>> {
        let watch = self.watch.as_ref().filter(|watch| watch.layer.guards_network())?;
        let session = watch.session.as_ref()?;
        Some(session.egress())
    }

    /// Readable when there are events.
    pub fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(|watch| watch.events.as_fd())
    }

    /// The next event, if there is one. No system call. A record that cannot be read is missing in the numbers.
    pub fn event(&mut self) -> Option<Event> {
        let events = &mut self.watch.as_mut()?.events;
        loop {
            match events.poll()? {
                Ok(event) => return Some(event),
                // Its number is missing, which `dropped` tells of.
                Err(_) => continue,
            }
        }
    }

    /// Events that the ring had no room for, by kind, since this was last asked.
    pub fn dropped(&mut self) -> BTreeMap<EventKind, u64> {
        let Some(watch) = &mut self.watch else { return BTreeMap::new() };
        let Some(Ok(state)) = watch.session.as_ref().map(|session| watch.layer.state(session)) else {
            return BTreeMap::new();
        };
        let before = std::mem::replace(&mut watch.dropped, state.dropped);
        let new = |kind: EventKind| state.dropped[kind as usize].saturating_sub(before[kind as usize]);
        EventKind::ALL.into_iter().map(|kind| (kind, new(kind))).filter(|(_, count)| *count > 0).collect()
    }

    /// What the control group's limits have done.
    pub fn resources(&self) -> GroupEvents {
        self.group.as_ref().and_then(|group| group.events().ok()).unwrap_or_default()
    }

    /// Grants of what is not there.
    pub fn skipped(&self) -> &[Skipped] {
        self.watch.as_ref().and_then(|watch| watch.session.as_ref()).map_or(&[], |session| &session.skipped)
    }

    /// Stops every process of the session where it stands.
    pub fn freeze(&self) -> Result<(), GroupError> {
        self.group.as_ref().map_or(Ok(()), Group::freeze)
    }

    /// Whether somebody has stopped the session.
    pub fn is_frozen(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.is_frozen().unwrap_or(false))
    }

    /// Ends every process of the session.
    pub fn kill(&self) -> Result<(), GroupError> {
        self.group.as_ref().map_or(Ok(()), Group::kill)
    }

    /// Whether there is anything to prove.
    pub fn is_watched(&self) -> bool {
        self.watch.is_some()
    }
}

fn cgroup_of(group: &Group) -> Option<Cgroup<'_>> {
    Some(Cgroup { directory: group.v2_directory_fd()?, id: group.id()? })
}

impl Drop for Enclosure {
    fn drop(&mut self) {
        // Processes first, then their group, then the rules: nothing that lives is ever without them. If the group
        // cannot be emptied, the programs stay pinned and deny, until a later start cleans up.
        let emptied = self.group.take().is_none_or(|group| group.remove().is_ok());
        if let Some(watch) = &mut self.watch
            && emptied
            && let Some(session) = watch.session.take()
        {
            let _ = watch.layer.close(session);
        }
    }
}
