//! How many calls or denials are as before, and how many are not.

use super::verdict::Change;

/// How many are how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) all: u64,
    pub(super) same: u64,
    pub(super) denied: u64,
    pub(super) allowed: u64,
    /// Of those that were allowed, and of those that were denied.
    pub(super) waits: u64,
    pub(super) may_pass: u64,
    pub(super) unknown: u64,
}

impl Counts {
    /// Counts so many. What a log says to be more than a number can hold stays at the largest: it must not come to nothing.
    pub(super) fn add(&mut self, change: Change, count: u64) {
        self.all = self.all.saturating_add(count);
        let counted = match change {
            Change::None => &mut self.same,
            Change::Denied => &mut self.denied,
            Change::Allowed => &mut self.allowed,
            Change::Waits => &mut self.waits,
            Change::MayPass => &mut self.may_pass,
            Change::Unknown => &mut self.unknown,
        };
        *counted = counted.saturating_add(count);
    }

    /// What was allowed and is not any more, or not at once: nobody may be there to approve.
    pub(super) fn narrowed(&self) -> u64 {
        self.denied.saturating_add(self.waits)
    }

    /// What was denied and is not any more, or may pass.
    pub(super) fn widened(&self) -> u64 {
        self.allowed.saturating_add(self.may_pass)
    }
}
