//! The layer of one build, with its ring: loaded by this process, or taken over from an earlier one.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use policy::Ebpf;

use super::Key;
use super::ring::Ring;
use crate::bpf::{Event, Events, Layer, LayerError, Options, Probe, Session, Sizes, built};
use crate::enclosure::Ground;

/// What all generations' names begin with.
const NAME: &str = "host";

/// The layer of one build.
pub(super) struct Generation {
    /// Its name among the pins.
    pub(super) name: String,
    pub(super) layer: Layer,
    pub(super) ring: Ring,
    /// The canaries' events, which nobody else is told of.
    pub(super) proofs: Events,
    /// Whose slot it is.
    pub(super) slots: BTreeMap<u32, Key>,
}

/// The room in a host's maps. Entries take memory when they are there, but for slots, rings and destinations.
pub(super) fn room(sessions: u32) -> Sizes {
    Sizes {
        slots: sessions,
        objects: 1 << 18,
        named: 1 << 17,
        names: 1 << 16,
        addresses: 1 << 17,
        ports: 1 << 16,
        learned: 1 << 18,
        peers: 1 << 16,
        destinations: 1 << 16,
        ring_bytes: RING,
    }
}

/// Some 40,000 events.
const RING: u32 = 8 << 20;

impl Generation {
    /// The name of this build's: no two builds share maps.
    pub(super) fn own_name() -> String {
        format!("{NAME}-{}", built())
    }

    /// Loads this build's, and pins it for those that come.
    pub(super) fn load(support: &Ebpf, sessions: u32) -> Result<Self, LayerError> {
        let probe =
            Probe::known(support.clone()).map_err(|error| LayerError::Unavailable(error.to_string()))?;
        let options = Options { sizes: room(sessions), kills_senders: true };
        let mut layer = Layer::load(&probe, &options)?;
        let name = Self::own_name();
        layer.pin_for_successors(&name)?;
        Self::with(name, layer)
    }

    /// Takes over one that is pinned, with its sessions; `None` if it is not there.
    pub(super) fn adopt(name: &str) -> Result<Option<(Self, Vec<Session>)>, LayerError> {
        let Some((layer, sessions)) = Layer::adopt(name)? else { return Ok(None) };
        Ok(Some((Self::with(name.to_owned(), layer)?, sessions)))
    }

    fn with(name: String, mut layer: Layer) -> Result<Self, LayerError> {
        let unmapped =
            |errno: Errno| LayerError::Found { name: "EVENTS".to_owned(), reason: errno.desc().to_owned() };
        let (map, bytes) = layer.ring().map_err(unmapped)?;
        let ring = Ring::new(map, bytes).map_err(unmapped)?;
        let proofs = layer.proofs().ok_or(Errno::EBUSY).map_err(unmapped)?;
        Ok(Self { name, layer, ring, proofs, slots: BTreeMap::new() })
    }

    /// The session of this slot, as a proof looks at it.
    pub(super) fn ground(&self, slot: u32) -> Slot<'_> {
        Slot { generation: self, slot }
    }

    /// Whose event it is.
    pub(super) fn owner(&self, event: &Event) -> Option<Key> {
        self.slots.get(&event.slot).copied()
    }
}

impl AsFd for Generation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// One slot of a generation.
pub(super) struct Slot<'a> {
    generation: &'a Generation,
    slot: u32,
}

impl Ground for Slot<'_> {
    fn layer(&self) -> &Layer {
        &self.generation.layer
    }

    fn slot(&self) -> u32 {
        self.slot
    }

    fn is_behind(&self) -> Result<bool, Errno> {
        self.generation.proofs.are_waiting()
    }

    fn dropped(&self) -> Option<u64> {
        self.generation.layer.state_of(self.slot).ok().map(|state| state.dropped[abi::CANARYS])
    }
}
