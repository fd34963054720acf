//! syslog, RFC 5424, one datagram a record over a unix socket: the record's line is the message.

use std::io;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audit::{Record, render};

use super::journald::{failure, is_too_long};
use super::{Deliver, Failure, Shipped, severity};
use crate::config::{Facility, SyslogSection};

/// How long the daemon may let one datagram wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The syslog daemon's socket.
pub(super) struct Syslog {
    socket: UnixDatagram,
    path: PathBuf,
    facility: Facility,
    host: String,
    message: Vec<u8>,
}

impl Syslog {
    pub(super) fn new(section: &SyslogSection) -> io::Result<Self> {
        let SyslogSection { socket: path, facility } = section;
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let host = nix::unistd::gethostname()?.into_string().unwrap_or_default();
        let fits = (1..=255).contains(&host.len()) && host.bytes().all(|byte| byte.is_ascii_graphic());
        let host = if fits { host } else { "-".to_owned() };
        Ok(Self { socket, path: path.clone(), facility: *facility, host, message: Vec::with_capacity(4096) })
    }

    /// `<PRI>1 TIME HOST mcpguard PID EVENT - MESSAGE` (section 6).
    fn prepare(&mut self, record: &Record, message: &[u8]) {
        let Record { time, body, .. } = record;
        let priority = self.facility as u8 * 8 + severity(body).syslog();
        let (host, pid, event) = (&self.host, std::process::id(), body.event());
        self.message.clear();
        // Writing into a Vec cannot fail.
        let _ = write!(self.message, "<{priority}>1 {time:.6} {host} mcpguard {pid} {event} - ");
        // A message in UTF-8 says so by a byte order mark (section 6.4).
        self.message.extend_from_slice("\u{feff}".as_bytes());
        self.message.extend_from_slice(message);
    }

    /// The line; or, where a datagram cannot hold it, what a person reads of it.
    fn send(&mut self, shipped: &Shipped) -> io::Result<()> {
        self.prepare(&shipped.record, &shipped.line);
        match self.socket.send_to(&self.message, &self.path) {
            Err(error) if is_too_long(&error) => {
                self.prepare(&shipped.record, render(&shipped.record).as_bytes());
                self.socket.send_to(&self.message, &self.path).map(drop)
            }
            sent => sent.map(drop),
        }
    }
}

impl Deliver<Arc<Shipped>> for Syslog {
    fn deliver(&mut self, items: &[Arc<Shipped>]) -> (usize, Option<Failure>) {
        for (at, item) in items.iter().enumerate() {
            if let Err(error) = self.send(item) {
                return (at, Some(failure(&error)));
            }
        }
        (items.len(), None)
    }
}
