//! Rate limits: token buckets, one for the session and one for each tool by its own name.
//!
//! A bucket holds as many tokens as calls are allowed per minute and refills evenly. It is stored as the moment at
//! which it will be full again, which needs no clock of its own and no refill step.

use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// Tool names that have a bucket of their own. Names come from the client, so their number is bounded.
const MAX_NAMES: usize = 1024;

/// One bucket; new ones are full.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

/// The bucket is empty: the next token comes after this time, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Empty {
    pub(super) retry: Option<Duration>,
}

impl Bucket {
    /// Whether a token is there. Takes nothing.
    pub(super) fn check(&self, per_minute: u32, now: Instant) -> Result<(), Empty> {
        let Some(interval) = MINUTE.checked_div(per_minute) else {
            return Err(Empty { retry: None });
        };
        let debt = self.full(now).duration_since(now) + interval;
        match debt.checked_sub(MINUTE) {
            Some(retry) if !retry.is_zero() => Err(Empty { retry: Some(retry) }),
            _ => Ok(()),
        }
    }

    pub(super) fn take(&mut self, per_minute: u32, now: Instant) {
        self.full_at = Some(self.full(now) + MINUTE.checked_div(per_minute).unwrap_or(MINUTE));
    }

    fn full(&self, now: Instant) -> Instant {
        self.full_at.map_or(now, |full_at| full_at.max(now))
    }
}

/// The buckets of all tools.
#[derive(Debug, Default)]
pub(super) struct ToolBuckets {
    by_name: HashMap<String, Bucket>,
}

impl ToolBuckets {
    pub(super) fn check(&self, name: &str, rule: &str, per_minute: u32, now: Instant) -> Result<(), Empty> {
        self.by_name.get(&*self.place(name, rule, now)).copied().unwrap_or_default().check(per_minute, now)
    }

    pub(super) fn take(&mut self, name: &str, rule: &str, per_minute: u32, now: Instant) {
        if self.by_name.len() >= MAX_NAMES {
            // A full bucket says no more than a missing one.
            self.by_name.retain(|_, bucket| bucket.full(now) > now);
        }
        let place = self.place(name, rule, now);
        self.by_name.entry(place).or_default().take(per_minute, now);
    }

    /// The tool's own bucket; when there are too many of them, one that all further tools of the rule share.
    fn place(&self, name: &str, rule: &str, now: Instant) -> String {
        let room =
            self.by_name.len() < MAX_NAMES || self.by_name.values().any(|bucket| bucket.full(now) == now);
        if room || self.by_name.contains_key(name) { name.to_owned() } else { format!("\u{0}{rule}") }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Empty, MAX_NAMES, ToolBuckets};
    use std::time::{Duration, Instant};

    fn taken(bucket: &mut Bucket, per_minute: u32, now: Instant) -> u32 {
        let mut taken = 0;
        while bucket.check(per_minute, now).is_ok() {
            bucket.take(per_minute, now);
            taken += 1;
        }
        taken
    }

    #[test]
    fn holds_a_minute_and_refills_evenly() {
        let start = Instant::now();
        let mut bucket = Bucket::default();
        assert_eq!(taken(&mut bucket, 60, start), 60);
        assert_eq!(bucket.check(60, start), Err(Empty { retry: Some(Duration::from_secs(1)) }));
        assert_eq!(taken(&mut bucket, 60, start + Duration::from_millis(999)), 0);
        assert_eq!(taken(&mut bucket, 60, start + Duration::from_secs(10)), 10);
        assert_eq!(taken(&mut bucket, 60, start + Duration::from_secs(3600)), 60);
    }

    #[test]
    fn odd_rates_are_never_exceeded() {
        for per_minute in [1, 7, 13, 59, 61, 1000, 99_999] {
            let mut bucket = Bucket::default();
            assert_eq!(taken(&mut bucket, per_minute, Instant::now()), per_minute);
        }
    }

    #[test]
    fn zero_is_never() {
        assert_eq!(Bucket::default().check(0, Instant::now()), Err(Empty { retry: None }));
    }

    #[test]
    fn names_without_end_share_a_bucket() {
        let now = Instant::now();
        let mut buckets = ToolBuckets::default();
        let mut passed = 0;
        for n in 0..MAX_NAMES * 2 {
            let name = format!("tool{n}");
            if buckets.check(&name, "defaults", 2, now).is_ok() {
                buckets.take(&name, "defaults", 2, now);
                passed += 1;
            }
        }
        assert_eq!(passed, MAX_NAMES + 2);
        assert!(buckets.by_name.len() <= MAX_NAMES + 1);
        assert!(buckets.check("another", "defaults", 2, now + Duration::from_secs(61)).is_ok());
    }
}
