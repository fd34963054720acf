//! How many events in how much time are too many.

use std::time::Duration;

use serde::Deserialize;

use crate::pack::Span;

/// The largest `count` of a threshold: a group remembers one mark more than that.
pub const MOST_COUNT: u32 = 4_096;

/// More than so many events in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Threshold {
    count: u32,
    window: Duration,
    lock_out: Option<Duration>,
}

/// Why there is no such threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// More would have to be remembered than a group may.
    #[error("`count` is at most {MOST_COUNT}")]
    Count,
    /// Nothing happens in no time.
    #[error("`window` is at least a millisecond")]
    Window,
    /// Nobody is locked out for no time.
    #[error("`lock_out` is at least a millisecond")]
    LockOut,
}

impl Threshold {
    /// More than `count` events in a window of time.
    ///
    /// # Errors
    /// The count is above [`MOST_COUNT`], or the window is shorter than a millisecond.
    pub fn new(count: u32, window: Duration) -> Result<Self, ThresholdError> {
        if count > MOST_COUNT {
            return Err(ThresholdError::Count);
        }
        if window.as_millis() == 0 {
            return Err(ThresholdError::Window);
        }
        Ok(Self { count, window, lock_out: None })
    }

    /// The same, and the group is to be locked out for so long when it is passed.
    ///
    /// # Errors
    /// The time is shorter than a millisecond.
    pub fn locking_out(self, time: Duration) -> Result<Self, ThresholdError> {
        if time.as_millis() == 0 {
            return Err(ThresholdError::LockOut);
        }
        Ok(Self { lock_out: Some(time), ..self })
    }

    /// How many are not too many.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// In how much time.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// For how long the group is locked out.
    pub fn lock_out(&self) -> Option<Duration> {
        self.lock_out
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    count: u32,
    window: Span,
    lock_out: Option<Span>,
}

impl TryFrom<Written> for Threshold {
    type Error = ThresholdError;

    fn try_from(Written { count, window, lock_out }: Written) -> Result<Self, ThresholdError> {
        let threshold = Self::new(count, window.0)?;
        lock_out.map_or(Ok(threshold), |time| threshold.locking_out(time.0))
    }
}
