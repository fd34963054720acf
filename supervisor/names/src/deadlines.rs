//! What ends when: a queue in which every key stands at most once, so that its size is that of the table it serves.

use std::collections::BTreeSet;

/// Never; such a key is not queued.
pub(crate) const NEVER: u64 = u64::MAX;

/// Keys by the instant at which something about them ends.
#[derive(Debug)]
pub(crate) struct Deadlines<K>(BTreeSet<(u64, K)>);

impl<K: Ord + Clone> Deadlines<K> {
    pub(crate) fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// Moves a key from one instant to another; either may be [`NEVER`].
    pub(crate) fn shift(&mut self, key: &K, from: u64, to: u64) {
        if from == to {
            return;
        }
        if from != NEVER {
            self.0.remove(&(from, key.clone()));
        }
        if to != NEVER {
            self.0.insert((to, key.clone()));
        }
    }

    /// A key whose instant has come; it is queued no more.
    pub(crate) fn due(&mut self, now_ns: u64) -> Option<K> {
        let first = self.0.first().filter(|(at, _)| *at <= now_ns)?.clone();
        self.0.remove(&first);
        Some(first.1)
    }

    /// The next instant.
    pub(crate) fn next(&self) -> Option<u64> {
        self.0.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
