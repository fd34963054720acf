//! A map that never grows beyond a bound: the oldest entry gives way to the newest.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Each entry has the number of its insertion, so that the order knows which of its lines are stale.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    order: VecDeque<(u64, K)>,
    inserted: u64,
    bound: usize,
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    pub(super) fn new(bound: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), inserted: 0, bound }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.inserted += 1;
        self.entries.insert(key, (self.inserted, value));
        self.order.push_back((self.inserted, key));
        while self.entries.len() > self.bound || self.order.len() > 2 * self.bound {
            self.forget_oldest();
        }
    }

    /// Takes the oldest line off; a stale one costs nobody his entry.
    fn forget_oldest(&mut self) {
        let Some((number, key)) = self.order.pop_front() else { return };
        if self.entries.get(&key).is_some_and(|(newest, _)| *newest == number) {
            self.entries.remove(&key);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way() {
        let mut map = Bounded::new(2);
        map.insert('a', 1);
        map.insert('b', 2);
        map.insert('a', 3);
        map.insert('c', 4);
        assert_eq!((map.get(&'a'), map.get(&'b'), map.get(&'c')), (Some(&3), None, Some(&4)));
    }

    #[test]
    fn neither_entries_nor_their_order_grow() {
        let mut map = Bounded::new(3);
        for round in 0..1000 {
            map.insert(round % 2, round);
            map.remove(&(round % 2));
            map.insert(7, round);
        }
        assert_eq!(map.get(&7), Some(&999));
        assert!(map.entries.len() <= 3 && map.order.len() <= 6);
    }
}
