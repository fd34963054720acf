//! The layer: all programs loaded and attached, and the sessions that they guard.

mod adopt;
mod load;
mod pinned;
mod revisions;
mod sessions;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, OwnedFd};

use aya_obj::generated::bpf_attach_type;
use nix::errno::Errno;
use policy::HookWay;

use super::events::Events;
use super::hooks::Attached;
use super::maps::{Maps, MapsError, Sizes};
use super::object::ObjectError;
use super::pins::{PinError, Pins};
use super::program::ProgramError;
use super::session::Held;
use crate::sys;

/// Why there is no layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The probe found nothing to stand on.
    #[error("the eBPF layer is not available: {0}")]
    Unavailable(String),
    /// The built-in programs.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The maps.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// The programs.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// What outlives this process.
    #[error("the eBPF programs cannot be pinned: {0}")]
    Pin(#[from] PinError),
    /// What an earlier process pinned.
    #[error("what an earlier daemon has pinned as {name} cannot be taken over: {reason}")]
    Found {
        /// The pin.
        name: String,
        /// Why.
        reason: String,
    },
}

/// What a layer is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The room in its maps.
    pub sizes: Sizes,
    /// Some policy says `on_violation: { network: kill }`: one more program, on a hook that is busy on the whole host.
    pub kills_senders: bool,
}

/// A loaded program for control groups; each session attaches it to its own.
#[derive(Debug)]
pub(super) struct CgroupProgram {
    pub(super) name: String,
    pub(super) attach: bpf_attach_type,
    /// Only sessions with doors need it.
    pub(super) serves_doors: bool,
    pub(super) program: OwnedFd,
}

/// What a session is opened with, of the layer.
pub(super) struct Parts<'a> {
    pub(super) maps: &'a mut Maps,
    pub(super) register: Option<&'a OwnedFd>,
    pub(super) cgroup_programs: &'a [CgroupProgram],
    pub(super) scope: &'a mut [u64; abi::SCOPE_WORDS],
}

/// Loaded and attached programs. Dropping it takes them away, unless a session was left open: then they stay pinned and
/// go on denying, until a later start cleans up after it.
pub struct Layer {
    way: Option<HookWay>,
    hooks: Vec<Attached>,
    /// The end of supervisors. `None` once the layer goes.
    exit: Option<OwnedFd>,
    register: Option<OwnedFd>,
    cgroup_programs: Vec<CgroupProgram>,
    maps: Maps,
    scope: [u64; abi::SCOPE_WORDS],
    /// By slot; slot 0 is nobody's.
    sessions: Vec<Option<Held>>,
    pins: Option<Pins>,
}

impl Layer {
    /// How the programs stand on the security hooks; `None`: only those on control groups are there.
    pub fn way(&self) -> Option<HookWay> {
        self.way
    }

    /// The hooks that have a program; a kernel may lack some.
    pub fn hooks(&self) -> impl Iterator<Item = &'static str> {
        self.hooks.iter().map(|attached| attached.name)
    }

    /// Whether programs on control groups are there, so that it decides about addresses.
    pub fn guards_network(&self) -> bool {
        !self.cgroup_programs.is_empty()
    }

    /// The events of all sessions and their canaries, once.
    pub fn events(&mut self) -> Option<Events> {
        let (proofs, ring) = (self.maps.proofs.take()?, self.maps.events.take()?);
        Some(Events::new(proofs, Some(ring)))
    }

    /// The canaries' events only, once.
    pub(crate) fn proofs(&mut self) -> Option<Events> {
        Some(Events::new(self.maps.proofs.take()?, None))
    }

    /// The map of the ring of events, and its size in bytes, for who reads it in another way than [`Self::events`].
    pub(crate) fn ring(&self) -> Result<(OwnedFd, usize), Errno> {
        let (_, ring) = self.maps.all.iter().find(|(name, _)| name == "EVENTS").ok_or(Errno::ENOENT)?;
        let bytes = sys::map_entries(ring.as_fd())?;
        Ok((ring.try_clone().map_err(|_| Errno::EMFILE)?, bytes as usize))
    }

    /// Calls that the kernel skipped, by hook: on a preemptible kernel a program that was interrupted is not called
    /// again on the same processor, and what it should have judged was allowed. Anything but zeroes is a hole.
    pub fn recursion_misses(&self) -> Result<Vec<(&'static str, u64)>, Errno> {
        self.hooks.iter().map(|attached| Ok((attached.name, attached.recursion_misses()?))).collect()
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Layer").field("way", &self.way).field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        // The descriptors first: who lets a link's last descriptor go waits until it is detached, up to a fifth of a second
        // for each. What is pinned last is detached by the kernel in the background (seen on 6.12; 6.1 waits here too).
        self.hooks.clear();
        self.exit = None;
        if let Some(pins) = self.pins.take() {
            match self.sessions.iter().all(Option::is_none) {
                true => drop(pins),
                false => pins.leave(),
            }
        }
    }
}
