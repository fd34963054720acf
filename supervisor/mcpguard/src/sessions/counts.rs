//! What a session's audit log says so far.

use std::path::Path;

use audit::{Body, Filter};
use nix::unistd::geteuid;

use super::Found;

/// Counts of one session. A log that rotates forgets what it no longer keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls that came to the doorman.
    pub(crate) calls: u64,
    /// Refusals of all layers.
    pub(crate) denials: u64,
}

impl Counts {
    /// Reads the log of a session of this user's; `None` if it cannot be read. Another user's card may name anything: a pipe on
    /// which root would wait for ever, a device.
    pub(crate) fn of(found: &Found) -> Option<Self> {
        if found.uid != geteuid().as_raw() {
            return None;
        }
        let (log, session) = (Path::new(&found.card.audit), &found.card.session);
        let mut counts = Self::default();
        for record in audit::read(log, Filter::default()).ok()?.flatten() {
            if record.session.to_string() == *session {
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
