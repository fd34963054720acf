//! Facts on stderr, which systemd puts into its journal.

use std::io::Result;

use super::front::log::{Fact, Log};

/// Tells facts as the daemon's own log does.
#[derive(Debug, Default)]
pub(super) struct Told {
    last: u64,
}

impl Log for Told {
    fn event(&mut self, notice: Option<u64>, fact: &Fact<'_>) {
        self.last = notice.unwrap_or(self.last);
        match fact {
            Fact::Proven(_) => {}
            fact => tracing::info!("{fact}"),
        }
    }

    fn flush(&mut self) -> Result<u64> {
        Ok(self.last)
    }
}
