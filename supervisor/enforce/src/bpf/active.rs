//! The active set of one session, as the programs see it at this instant.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::sys::ActiveMemory;

/// The word that the doorman changes when a tool call begins and ends: a store to memory, no system call.
///
/// Whoever holds the map's descriptor can make another one of it, so that a process without privileges may be the doorman.
#[derive(Debug)]
pub struct ActiveMask {
    memory: ActiveMemory,
    map: OwnedFd,
}

impl ActiveMask {
    /// Maps what is behind the descriptor: a map of one [`abi::Active`] that may be mapped.
    pub fn new(map: OwnedFd) -> Result<Self, Errno> {
        Ok(Self { memory: ActiveMemory::new(map.as_fd())?, map })
    }

    /// From now on these grant classes hold, and records carry this call's number.
    pub fn store(&self, mask: u64, call: u64) {
        self.memory.store(mask, call);
    }

    /// What was stored last: mask and call.
    pub fn load(&self) -> (u64, u64) {
        self.memory.load()
    }
}

impl AsFd for ActiveMask {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::maps::create_active;
    use crate::sys::Plain;
    use aya::maps::{Array, Map, MapData};

    /// The programs read what the doorman stores: seen here through the map's own look-up. Needs root.
    #[test]
    fn a_store_is_seen_in_the_map() {
        if !nix::unistd::geteuid().is_root() {
            assert!(create_active().is_err(), "only root makes maps");
            return;
        }
        let map = create_active().expect("root makes maps");
        let twin = map.try_clone().unwrap();
        let active = ActiveMask::new(map).unwrap();
        active.store(0b101, 7);
        assert_eq!(active.load(), (0b101, 7));
        let seen: Array<_, Plain<abi::Active>> =
            Map::Array(MapData::from_fd(twin).unwrap()).try_into().unwrap();
        let Plain(seen) = seen.get(&0, 0).unwrap();
        assert_eq!((seen.mask, seen.call), (0b101, 7));
    }
}
