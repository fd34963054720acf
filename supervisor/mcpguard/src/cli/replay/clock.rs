//! Recorded times as the engine's instants.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// How much later than it happened something may be written down: a refusal or an end that is off by less is the recorded one.
pub(super) const SLACK: Duration = Duration::from_millis(50);

/// A clock that shows recorded times, and never runs backwards.
pub(super) struct Clock {
    /// The instant that stands for `first`.
    origin: Instant,
    first: Timestamp,
    now: Instant,
}

impl Clock {
    /// It shows this time.
    pub(super) fn at(first: Timestamp) -> Self {
        let origin = Instant::now();
        Self { origin, first, now: origin }
    }

    /// The instant of a recorded time. A wall clock that was set back gives the first one.
    pub(super) fn instant(&self, time: Timestamp) -> Instant {
        let since = Duration::try_from(time.duration_since(self.first)).unwrap_or_default();
        self.origin.checked_add(since).unwrap_or(self.now)
    }

    /// What has shown `latest` shows this earlier time now, and goes on.
    pub(super) fn turned_back(&mut self, latest: Timestamp, to: Timestamp) {
        self.origin = self.instant(latest).max(self.now);
        self.first = to;
    }

    /// Goes on to this instant, if it is later; gives the present one.
    pub(super) fn advance(&mut self, to: Instant) -> Instant {
        self.now = self.now.max(to);
        self.now
    }
}

/// The instant a little earlier.
pub(super) fn before(at: Instant) -> Instant {
    at.checked_sub(SLACK).unwrap_or(at)
}
