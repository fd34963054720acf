//! `on_violation.repeated`: so many denials within so long.

use std::collections::VecDeque;
use std::time::Instant;

use policy::plan::{Consequence, Repeated};

/// The denials of the last while.
pub(super) struct Repetition {
    rule: Repeated,
    times: VecDeque<Instant>,
}

impl Repetition {
    pub(super) fn new(rule: Repeated) -> Self {
        Self { rule, times: VecDeque::new() }
    }

    /// Counts a denial; what it leads to if there were too many.
    pub(super) fn count(&mut self, now: Instant) -> Option<Consequence> {
        self.times.push_back(now);
        while self.times.front().is_some_and(|first| now.duration_since(*first) > self.rule.within) {
            self.times.pop_front();
        }
        (self.times.len() > self.rule.count as usize).then(|| {
            self.times.clear();
            self.rule.then
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_many_within_the_time_count() {
        let within = Duration::from_secs(10);
        let mut repetition = Repetition::new(Repeated { count: 3, within, then: Consequence::Freeze });
        let start = Instant::now();
        for second in [0, 5, 9] {
            assert_eq!(repetition.count(start + Duration::from_secs(second)), None);
        }
        assert_eq!(repetition.count(start + Duration::from_secs(11)), None, "the first one is too old");
        assert_eq!(repetition.count(start + Duration::from_secs(12)), Some(Consequence::Freeze));
        assert_eq!(repetition.count(start + Duration::from_secs(13)), None, "it begins anew");
    }
}
