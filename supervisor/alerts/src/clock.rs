//! Time that only runs forwards, made from a clock that might not.

use std::time::Duration;

use serde::Serialize;

/// A time in milliseconds, of a clock that the caller chooses and does not change: a monotonic one is best. A record's own
/// time may serve where a log is read again, but it is somebody's wall clock, so it is not trusted to run forwards:
/// - Where it goes back by up to [`SET_BACK`], time stands still until it has caught up: records of several writers, a
///   little out of order, do not stretch a window.
/// - Where it goes back by more, the clock was set, and time goes on from there. It must not stand still for as long as the
///   clock was wrong: nothing would leave a window, and no alert would be told twice.
/// - Where it leaps ahead, that much time has passed, a year at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Millis(pub u64);

/// How far a clock may go back before it counts as set.
pub const SET_BACK: Duration = Duration::from_secs(60);

/// The most that passes between two events: a clock at the end of its numbers must not use ours up.
const LEAP: u64 = 366 * 24 * 60 * 60 * 1_000;

impl Millis {
    /// So much later.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// So many milliseconds earlier.
    pub(crate) fn before(self, age: u64) -> Self {
        Self(self.0.saturating_sub(age))
    }
}

/// A time in milliseconds; longer than anybody lives is as long as can be.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An instant, as the caller tells it and as it counts here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant {
    pub(crate) told: Millis,
    /// Milliseconds that have passed, as far as the caller's clock can be believed.
    pub(crate) run: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    told: Millis,
    run: u64,
}

impl Clock {
    /// It is this late now.
    pub(crate) fn advance(&mut self, told: Millis) -> Instant {
        let run = self.at(told);
        let back = self.told.0.saturating_sub(told.0);
        if back == 0 || back > millis(SET_BACK) {
            *self = Self { told, run };
        }
        Instant { told, run }
    }

    /// How late it would be.
    pub(crate) fn at(&self, told: Millis) -> u64 {
        self.run.saturating_add(told.0.saturating_sub(self.told.0).min(LEAP))
    }
}
