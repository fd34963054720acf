//! The host's syslog.

use telemetry::{Syslog, SyslogSection};

use super::super::found::Message;
use super::Way;

/// The host's syslog; opened with the first alert.
#[derive(Default)]
pub(in crate::session::alerts) struct HostSyslog {
    section: SyslogSection,
    opened: Option<Syslog>,
}

impl Way for HostSyslog {
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()> {
        let Self { section, opened } = self;
        let syslog = match opened {
            Some(syslog) => syslog,
            None => opened.insert(Syslog::new(section)?),
        };
        let shorter = || message.line.clone();
        syslog.send((message.time, &message.body), &message.json(missed)?, shorter)?;
        Ok(())
    }
}

#[cfg(test)]
impl HostSyslog {
    pub(in crate::session::alerts) fn at(socket: std::path::PathBuf) -> Self {
        Self { section: SyslogSection { socket, ..SyslogSection::default() }, opened: None }
    }
}
