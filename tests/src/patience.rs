//! How long things may take.

use std::sync::OnceLock;
use std::time::Duration;

/// How much slower than a processor this machine is: `MCPGUARD_TESTS_SLOW`, which is set in virtual machines; else 1.
fn slow() -> u32 {
    static SLOW: OnceLock<u32> = OnceLock::new();
    *SLOW.get_or_init(|| {
        let told = std::env::var("MCPGUARD_TESTS_SLOW").ok().and_then(|text| text.parse().ok());
        told.unwrap_or(1).max(1)
    })
}

/// A time that an ordinary machine needs, as this one needs it.
pub(crate) fn patience(ordinary: Duration) -> Duration {
    ordinary * slow()
}

/// The same in whole seconds, as programs want to be told.
pub(crate) fn seconds(ordinary: u32) -> u32 {
    ordinary * slow()
}
