//! syslog, RFC 5424, one datagram a record over a unix socket: the record's line is the message. Sessions use it for alerts.

use std::io;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audit::{Body, Record, render};
use jiff::Timestamp;

use super::journald::{failure, is_too_long};
use super::{Deliver, Failure, Shipped, severity};
use crate::config::{Facility, SyslogSection};

/// How long the daemon may let one datagram wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The syslog daemon's socket.
#[derive(Debug)]
pub struct Syslog {
    socket: UnixDatagram,
    path: PathBuf,
    facility: Facility,
    host: String,
    message: Vec<u8>,
}

impl Syslog {
    /// Nothing is connected yet: a daemon that is away now may be there later.
    ///
    /// # Errors
    /// No socket can be had, or this machine has no name.
    pub fn new(section: &SyslogSection) -> io::Result<Self> {
        let SyslogSection { socket: path, facility } = section;
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let host = nix::unistd::gethostname()?.into_string().unwrap_or_default();
        let fits = (1..=255).contains(&host.len()) && host.bytes().all(|byte| byte.is_ascii_graphic());
        let host = if fits { host } else { "-".to_owned() };
        Ok(Self { socket, path: path.clone(), facility: *facility, host, message: Vec::with_capacity(4096) })
    }

    /// `<PRI>1 TIME HOST mcpguard PID EVENT - MESSAGE` (section 6).
    fn prepare(&mut self, time: Timestamp, body: &Body, message: &[u8]) {
        let priority = self.facility as u8 * 8 + severity(body).syslog();
        let (host, pid, event) = (&self.host, std::process::id(), body.event());
        self.message.clear();
        // Writing into a Vec cannot fail.
        let _ = write!(self.message, "<{priority}>1 {time:.6} {host} mcpguard {pid} {event} - ");
        // A message in UTF-8 says so by a byte order mark (section 6.4).
        self.message.extend_from_slice("\u{feff}".as_bytes());
        self.message.extend_from_slice(message);
    }

    /// Sends what tells of a body: its line; or, where a datagram cannot hold it, what a person reads of it. Waits for a
    /// second at most.
    ///
    /// # Errors
    /// The daemon is away or slow.
    pub fn send(
        &mut self,
        (time, body): (Timestamp, &Body),
        line: &[u8],
        shorter: impl FnOnce() -> String,
    ) -> io::Result<()> {
        self.prepare(time, body, line);
        match self.socket.send_to(&self.message, &self.path) {
            Err(error) if is_too_long(&error) => {
                self.prepare(time, body, shorter().as_bytes());
                self.socket.send_to(&self.message, &self.path).map(drop)
            }
            sent => sent.map(drop),
        }
    }
}

impl Deliver<Arc<Shipped>> for Syslog {
    fn deliver(&mut self, items: &[Arc<Shipped>]) -> (usize, Option<Failure>) {
        for (at, item) in items.iter().enumerate() {
            let Record { time, body, .. } = &item.record;
            if let Err(error) = self.send((*time, body), &item.line, || render(&item.record)) {
                return (at, Some(failure(&error)));
            }
        }
        (items.len(), None)
    }
}
