//! What a session's audit log says so far.

use std::path::Path;

use audit::{Body, Filter};
use control::message::Summary;

use super::Running;

/// Counts of one session. A log that rotates forgets what it no longer keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls that came to the doorman.
    pub(crate) calls: u64,
    /// Refusals of all layers.
    pub(crate) denials: u64,
}

impl Counts {
    /// Reads the log of a session of this user's. Where it cannot be read it is the daemon who tells: the calls that were
    /// admitted, and what the kernel denied. `None`: nobody does.
    pub(crate) fn of(session: &Running) -> Option<Self> {
        let told = || session.hosted.as_ref().map(Self::told);
        session.log().and_then(|log| Self::read(log, &session.session)).or_else(told)
    }

    /// What the daemon has counted.
    pub(crate) fn told(summary: &Summary) -> Self {
        Self { calls: summary.calls, denials: summary.denials }
    }

    fn read(log: &Path, session: &str) -> Option<Self> {
        let mut counts = Self::default();
        for record in audit::read(log, Filter::default()).ok()?.flatten() {
            if record.session.as_str() == session {
                counts.add(&record.body);
            }
        }
        Some(counts)
    }

    /// Adds one record.
    pub(crate) fn add(&mut self, body: &Body) {
        self.calls += u64::from(matches!(body, Body::ToolCall(_)));
        self.denials += match body {
            Body::Denial(denial) => denial.count,
            body => u64::from(body.is_denial()),
        };
    }
}
