//! The learned addresses: what is granted to each, and when that ends.

use std::collections::HashMap;
use std::net::IpAddr;

use abi::Learned;

use crate::deadlines::{Deadlines, NEVER};
use crate::merge::{End, learned};
use crate::rules::Grant;

/// What is known about an address from now on; whoever enforces is told before an answer with it is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Never an IPv4 address in its IPv6 form.
    pub address: IpAddr,
    /// `None`: nothing is known any more.
    pub learned: Option<Learned>,
}

/// The table. Its number of addresses is bounded; what is alive is never put out for what is new.
#[derive(Debug)]
pub(crate) struct Addresses {
    known: HashMap<IpAddr, Known>,
    deadlines: Deadlines<IpAddr>,
    limit: usize,
}

#[derive(Debug)]
struct Known {
    /// One for each set of classes and way; their number is that of the policy's.
    ends: Vec<End>,
    told: Learned,
    due_ns: u64,
}

impl Addresses {
    pub(crate) fn new(limit: usize) -> Self {
        Self { known: HashMap::new(), deadlines: Deadlines::new(), limit }
    }

    /// Whether all of these addresses, each of which is another one, have a place.
    pub(crate) fn has_room(&self, addresses: &[IpAddr]) -> bool {
        let new = addresses.iter().filter(|address| !self.known.contains_key(*address)).count();
        self.known.len() + new <= self.limit
    }

    /// Grants an address until an instant, or for longer if it is already. A change if whoever enforces must know.
    pub(crate) fn learn(
        &mut self,
        address: IpAddr,
        grants: impl Iterator<Item = Grant>,
        until_ns: u64,
        now_ns: u64,
    ) -> Option<Change> {
        let new = || Known { ends: Vec::with_capacity(1), told: Learned::default(), due_ns: NEVER };
        let known = self.known.entry(address).or_insert_with(new);
        grants.for_each(|grant| known.grant(End::new(grant, until_ns)));
        self.retell(address, now_ns)
    }

    /// What has ended.
    pub(crate) fn expire(&mut self, now_ns: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some(address) = self.deadlines.due(now_ns) {
            if let Some(known) = self.known.get_mut(&address) {
                known.due_ns = NEVER;
                changes.extend(self.retell(address, now_ns));
            }
        }
        changes
    }

    pub(crate) fn forget(&mut self, address: IpAddr) {
        if let Some(known) = self.known.remove(&address) {
            self.deadlines.shift(&address, known.due_ns, NEVER);
        }
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.deadlines.next()
    }

    /// Brings what was told, and the queue, in line with what is granted.
    fn retell(&mut self, address: IpAddr, now_ns: u64) -> Option<Change> {
        let known = self.known.get_mut(&address)?;
        known.ends.retain(|end| end.until_ns > now_ns);
        if known.ends.is_empty() {
            self.forget(address);
            return Some(Change { address, learned: None });
        }
        let learned = learned(&known.ends, now_ns);
        let used = learned.grants.iter().filter(|grant| grant.classes != 0);
        let due_ns = used.map(|grant| grant.until_ns).min().unwrap_or(NEVER);
        self.deadlines.shift(&address, known.due_ns, due_ns);
        known.due_ns = due_ns;
        let before = std::mem::replace(&mut known.told, learned);
        (before != learned).then_some(Change { address, learned: Some(learned) })
    }

    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.known.len(), self.deadlines.len())
    }
}

impl Known {
    fn grant(&mut self, new: End) {
        let same = |end: &&mut End| end.classes == new.classes && end.checked == new.checked;
        match self.ends.iter_mut().find(same) {
            Some(end) if end.until_ns < new.until_ns => *end = new,
            Some(_) => {}
            None => self.ends.push(new),
        }
    }
}

#[cfg(test)]
mod tests {
    use policy::plan::RuleId;

    use super::*;

    fn grant(classes: u64) -> Grant {
        Grant { classes, checked: true, rule: RuleId(1) }
    }

    fn until(change: Option<Change>) -> Option<Vec<(u64, u64)>> {
        let used = change?.learned?.grants.into_iter().filter(|grant| grant.classes != 0);
        Some(used.map(|grant| (grant.classes, grant.until_ns)).collect())
    }

    #[test]
    fn a_grant_lasts_for_the_longest_of_its_names_and_is_rewritten_when_one_ends() {
        let address = IpAddr::from([8, 8, 8, 8]);
        let mut table = Addresses::new(2);
        assert_eq!(until(table.learn(address, [grant(1)].into_iter(), 10, 0)), Some(vec![(1, 10)]));
        assert_eq!(table.learn(address, [grant(1)].into_iter(), 9, 0), None);
        assert_eq!(until(table.learn(address, [grant(2)].into_iter(), 20, 0)), Some(vec![(2, 20), (1, 10)]));
        assert_eq!((table.next(), table.expire(9)), (Some(10), vec![]));
        assert_eq!(until(table.expire(10).pop()), Some(vec![(2, 20)]));
        assert_eq!(table.expire(20), [Change { address, learned: None }]);
        assert_eq!((table.next(), table.sizes()), (None, (0, 0)));
    }

    #[test]
    fn what_was_put_together_gets_its_own_end_back() {
        let address = IpAddr::from([8, 8, 8, 8]);
        let mut table = Addresses::new(2);
        for (class, end) in [(1, 100), (2, 90), (4, 80), (8, 70), (16, 69)] {
            table.learn(address, [grant(class)].into_iter(), end, 0);
        }
        assert_eq!(table.next(), Some(69));
        let told = until(table.expire(69).pop());
        assert_eq!(told, Some(vec![(1, 100), (2, 90), (4, 80), (8, 70)]));
    }

    #[test]
    fn what_is_alive_keeps_its_place() {
        let mut table = Addresses::new(2);
        for last in 0..2 {
            table.learn(IpAddr::from([8, 8, 8, last]), [grant(1)].into_iter(), 10, 0);
        }
        assert!(table.has_room(&[IpAddr::from([8, 8, 8, 1])]));
        assert!(!table.has_room(&[IpAddr::from([8, 8, 8, 2])]));
        table.expire(10);
        assert!(table.has_room(&[IpAddr::from([8, 8, 8, 2])]));
    }
}
