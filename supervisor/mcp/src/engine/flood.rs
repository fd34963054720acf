//! A brake on facts that a noisy peer can cause at will, so that it cannot drown the one that matters.
//! What is left out is counted, and the count is a fact itself.

use std::time::Instant;

use super::rates::Bucket;
use crate::fact::Fact;

/// Facts of this kind per minute; more are counted.
const PER_MINUTE: u32 = 600;

#[derive(Debug, Default)]
pub(super) struct Flood {
    bucket: Bucket,
    suppressed: u64,
}

impl Flood {
    pub(super) fn note(&mut self, fact: Fact, now: Instant, facts: &mut Vec<Fact>) {
        if self.bucket.check(PER_MINUTE, now).is_err() {
            self.suppressed += 1;
            return;
        }
        self.bucket.take(PER_MINUTE, now);
        facts.extend(self.rest());
        facts.push(fact);
    }

    /// The count that has not been told yet.
    pub(super) fn rest(&mut self) -> Option<Fact> {
        let count = std::mem::take(&mut self.suppressed);
        (count > 0).then_some(Fact::Suppressed { count })
    }
}
