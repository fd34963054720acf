//! How much of the processors a session used lately, from counts of processor time that come now and then.

use std::time::{Duration, Instant};

/// Counts that are closer to each other than this tell nothing.
const SHORTEST: Duration = Duration::from_millis(500);

/// Between the last two counts that were far enough from each other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    since: Option<(Instant, u64)>,
    millis: Option<u64>,
}

impl Pace {
    /// So much processor time was used until now, in microseconds.
    pub(super) fn seen(&mut self, now: Instant, cpu_us: u64) {
        let Some((began, before)) = self.since else {
            self.since = Some((now, cpu_us));
            return;
        };
        let passed = now.saturating_duration_since(began);
        if passed >= SHORTEST {
            let passed_us = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
            self.millis = cpu_us.saturating_sub(before).checked_mul(1000).map(|used| used / passed_us);
            self.since = Some((now, cpu_us));
        }
    }

    /// Thousandths of a processor; `None`: not known yet.
    pub(super) fn millis(&self) -> Option<u64> {
        self.millis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_was_used_between_two_counts() {
        let (began, mut pace) = (Instant::now(), Pace::default());
        let at = |millis| began + Duration::from_millis(millis);
        pace.seen(at(0), 7_000_000);
        assert_eq!(pace.millis(), None);
        pace.seen(at(499), 9_000_000);
        assert_eq!(pace.millis(), None, "too close");
        pace.seen(at(1000), 7_250_000);
        assert_eq!(pace.millis(), Some(250));
        pace.seen(at(1001), 9_000_000);
        assert_eq!(pace.millis(), Some(250), "somebody has asked in between");
        pace.seen(at(2000), 10_250_000);
        assert_eq!(pace.millis(), Some(3000), "three processors");
        pace.seen(at(3000), 10_250_000);
        assert_eq!(pace.millis(), Some(0));
        pace.seen(at(4000), 0);
        assert_eq!(pace.millis(), Some(0), "a count that went back");
    }
}
