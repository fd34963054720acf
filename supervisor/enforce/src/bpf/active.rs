//! The active set of one session, as the programs see it at this instant.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::Spending;
use nix::errno::Errno;

use crate::encode::BudgetRule;
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

    /// The number of the session's last event: a load from memory.
    pub fn told(&self) -> u64 {
        self.memory.told()
    }

    /// The calls of a class may spend up to here.
    pub fn grant(&self, what: Spending, class: u8, upto: u64) {
        self.memory.grant(what, class, upto);
    }

    /// What they have spent.
    pub fn spent(&self, what: Spending, class: u8) -> u64 {
        self.memory.spent(what, class)
    }

    /// Names the rule that is told of when they may spend no more. Before the session is open.
    pub(super) fn name_rule(&self, budget: &BudgetRule) {
        self.memory.name_rule(budget.what, budget.class, budget.rule);
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
        active.grant(Spending::SentBytes, 63, 9);
        active.name_rule(&BudgetRule { what: Spending::SentBytes, class: 63, rule: 12 });
        assert_eq!((active.load(), active.spent(Spending::SentBytes, 63)), ((0b101, 7), 0));
        let seen: Array<_, Plain<abi::Active>> =
            Map::Array(MapData::from_fd(twin).unwrap()).try_into().unwrap();
        let Plain(seen) = seen.get(&0, 0).unwrap();
        assert_eq!((seen.mask, seen.call), (0b101, 7));
        let budget = abi::Budget { granted: 9, spent: 0, rule: 12, padding: 0 };
        assert_eq!(seen.budgets[Spending::SentBytes as usize][63], budget);
        assert_eq!(
            seen.budgets.iter().flatten().filter(|other| **other == abi::Budget::default()).count(),
            127
        );
    }
}
