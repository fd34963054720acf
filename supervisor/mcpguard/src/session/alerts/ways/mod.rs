//! The ways by which somebody is told. Each blocks for a bounded time, on a thread of its own.

mod program;
mod syslog;
mod webhook;

pub(super) use program::Program;
pub(super) use syslog::HostSyslog;
pub(super) use webhook::Server;

use super::found::Message;
use crate::terminal;

/// A way by which somebody is told.
pub(super) trait Way: Send + 'static {
    /// Tells an alert; `missed` before it were not told.
    ///
    /// # Errors
    /// It was not told.
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()>;
}

/// mcpguard's own stderr.
pub(super) struct Stderr;

impl Way for Stderr {
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()> {
        let before = if missed > 0 { format!(", {missed} before it were not told") } else { String::new() };
        terminal::alert(&format!("{}{before}", message.line));
        Ok(())
    }
}
