//! How much room the maps have.

use abi::{Bucket, session_flags};

use crate::encode::Tables;

/// How many entries the maps have room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Sessions at the same time.
    pub slots: u32,
    /// Known inodes, of all sessions together.
    pub objects: u32,
    /// Names beneath known inodes.
    pub named: u32,
    /// Name rules.
    pub names: u32,
    /// Ranges of addresses.
    pub addresses: u32,
    /// Ports.
    pub ports: u32,
    /// Addresses that names stand for.
    pub learned: u32,
    /// Connections that are on their way to a door.
    pub peers: u32,
    /// Addresses that sessions have gone to lately, where their number is limited.
    pub destinations: u32,
    /// Bytes of the ring of events: a power of two and whole pages.
    pub ring_bytes: u32,
}

impl Sizes {
    /// Enough for sessions with these tables at the same time, in a layer of so many slots.
    pub fn of(tables: &[&Tables], slots: u32, ring_bytes: u32) -> Self {
        let count = |entries: fn(&Tables) -> usize| {
            let all: usize = tables.iter().map(|tables| entries(tables)).sum();
            u32::try_from(all).unwrap_or(u32::MAX)
        };
        Self {
            slots,
            objects: count(|tables| tables.objects.len()),
            // Where two paths turn out to be one directory there are never more names than there were.
            named: count(|tables| tables.named.len()),
            names: count(|tables| tables.names.len()),
            addresses: count(|tables| tables.addresses.len()),
            ports: count(|tables| tables.ports.len()),
            learned: count(|tables| if has_doors(tables) { Self::LEARNED } else { 0 }),
            peers: if tables.iter().any(|tables| has_doors(tables)) { Self::PEERS } else { 0 },
            destinations: if tables.iter().any(|tables| counts_destinations(tables)) {
                Self::DESTINATIONS
            } else {
                0
            },
            ring_bytes,
        }
    }

    /// Addresses that one session may know at a time. Entries take memory only when they are there.
    const LEARNED: usize = 16_384;
    /// As many as there are ports: each connection has one of its own.
    const PEERS: u32 = 65_536;
    /// The oldest gives way to the newest, and costs a token again.
    const DESTINATIONS: u32 = 16_384;
    /// Room beyond what the tables need.
    const SPARE: u32 = 1024;

    pub(super) fn entries(&self, map: &str) -> Option<u32> {
        // Slot 0 means "not marked" and stays empty.
        let slots = self.slots.saturating_add(1);
        Some(match map {
            "SESSIONS" | "STATES" | "ACTIVE" => slots,
            // Two policies a slot.
            "POLICIES" | "FILTERS" => slots.saturating_mul(2),
            "CGROUPS" | "SUPERVISORS" => slots,
            "OBJECTS" => self.objects.saturating_add(Self::SPARE),
            "NAMED" => self.named.saturating_add(Self::SPARE),
            "NAMES" => self.names.saturating_add(Self::SPARE),
            "ADDRESSES" => self.addresses.saturating_add(Self::SPARE),
            "PORTS" => self.ports.saturating_add(Self::SPARE),
            // A map without room cannot be made.
            "LEARNED" => self.learned.max(1),
            "PEERS" => self.peers.max(1),
            "DESTINATIONS" => self.destinations.max(1),
            "EVENTS" => self.ring_bytes,
            // A canary tells of four denials; two of them have a path.
            "PROOFS" => self.slots.saturating_mul(4096).next_power_of_two().clamp(1 << 16, 1 << 22),
            _ => return None,
        })
    }
}

/// Whether the session has names to learn.
fn has_doors(tables: &Tables) -> bool {
    tables.flags & session_flags::DOORS != 0
}

fn counts_destinations(tables: &Tables) -> bool {
    tables.rates[Bucket::Destination as usize].interval_ns != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sessions_with_doors_take_room_for_names() {
        let named = Tables { flags: session_flags::DOORS, ..Tables::default() };
        let other = Tables { flags: session_flags::NETWORK, ..Tables::default() };
        let room = |tables: &[&Tables]| {
            let sizes = Sizes::of(tables, 4, 4096);
            (sizes.entries("LEARNED"), sizes.entries("PEERS"))
        };
        assert_eq!(room(&[&other]), (Some(1), Some(1)));
        assert_eq!(room(&[&named, &other, &named]), (Some(32_768), Some(65_536)));
    }
}
