//! What sessions use, summed up by policy and user: a session's own name as a label would make a series each.

use std::collections::HashMap;

use audit::SessionId;

/// What one session uses, as its control group says.
#[derive(Clone, Debug)]
pub struct SessionUsage {
    /// The session.
    pub session: SessionId,
    /// Its policy's name.
    pub policy: String,
    /// Its user, by name or by number.
    pub user: String,
    /// Memory now, in bytes (`memory.current`).
    pub memory_bytes: u64,
    /// Processor time since its start, in microseconds (`usage_usec` in `cpu.stat`).
    pub cpu_us: u64,
}

/// Turns what sessions have used since their start into what was used since the last look.
#[derive(Debug, Default)]
pub(super) struct Spent {
    last: HashMap<SessionId, u64>,
}

impl Spent {
    /// Processor time of each of these sessions since the last look, in microseconds. Others are forgotten.
    pub(super) fn since(&mut self, sessions: &[SessionUsage]) -> Vec<u64> {
        let last = std::mem::take(&mut self.last);
        let spent = |usage: &SessionUsage| {
            self.last.insert(usage.session.clone(), usage.cpu_us);
            usage.cpu_us.saturating_sub(last.get(&usage.session).copied().unwrap_or(0))
        };
        sessions.iter().map(spent).collect()
    }
}
