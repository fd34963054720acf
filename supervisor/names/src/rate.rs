//! Rates: a bucket that holds as many tokens as are allowed in a minute and refills evenly. It is stored as the instant
//! at which it will be full again, so it needs no refill step.

use crate::SECOND;

const MINUTE: u64 = 60 * SECOND;

/// One bucket; new ones are full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Takes a token; whether one was there.
    pub(crate) fn take(&mut self, per_minute: u32, now_ns: u64) -> bool {
        let Some(interval) = MINUTE.checked_div(per_minute.into()) else { return false };
        let full_at = self.full_at.max(now_ns).saturating_add(interval);
        let there = full_at - now_ns <= MINUTE;
        if there {
            self.full_at = full_at;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &mut Bucket, per_minute: u32, now_ns: u64) -> u32 {
        let mut taken = 0;
        while bucket.take(per_minute, now_ns) {
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_minute_at_once_and_then_evenly() {
        for per_minute in [1, 7, 60, 61, 120, 99_999] {
            assert_eq!(taken(&mut Bucket::default(), per_minute, 5), per_minute);
        }
        let mut bucket = Bucket::default();
        assert_eq!(taken(&mut bucket, 60, 0), 60);
        assert_eq!(taken(&mut bucket, 60, SECOND - 1), 0);
        assert_eq!(taken(&mut bucket, 60, 10 * SECOND), 10);
        assert_eq!(taken(&mut bucket, 60, 3600 * SECOND), 60);
        assert_eq!(taken(&mut Bucket::default(), 0, 0), 0);
    }
}
