//! The clock by which learned addresses end.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_BOOTTIME`, which goes on while the machine sleeps, and which the eBPF programs read as well.
pub(super) fn now_ns() -> u64 {
    // The clock exists since Linux 2.6.39. Without it nothing that was learned would ever be open.
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::MAX, Duration::from);
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
