//! Calls that were held until somebody approved them.

use std::collections::BTreeMap;

use audit::{Approval, ApprovalState};

/// Held calls that are remembered.
const MOST: usize = 4096;

/// See the module.
#[derive(Default)]
pub(super) struct Held {
    /// How many had to approve each.
    missing: BTreeMap<u64, u8>,
    /// The first and the last number of calls that were not remembered.
    forgotten: Option<(u64, u64)>,
}

impl Held {
    /// What became of a call.
    pub(super) fn note(&mut self, approval: &Approval) {
        let number = approval.call;
        match approval.state {
            ApprovalState::Held if self.missing.len() < MOST => {
                self.missing.insert(number, approval.missing);
            }
            ApprovalState::Held => {
                let (first, last) = self.forgotten.unwrap_or((number, number));
                self.forgotten = Some((first.min(number), last.max(number)));
            }
            // It does not go to the server, and is not heard of by its number again.
            ApprovalState::Denied => {
                self.missing.remove(&number);
            }
            ApprovalState::Approved => {}
        }
    }

    /// A call goes to the server: how many have approved it, if it was held.
    pub(super) fn released(&mut self, number: u64) -> Option<u8> {
        self.missing.remove(&number)
    }

    /// Whether it may have been held although it is not remembered.
    pub(super) fn may_have_held(&self, number: u64) -> bool {
        self.forgotten.is_some_and(|(first, last)| (first..=last).contains(&number))
    }
}
