//! systemd's journal, by its native protocol: one datagram a record, fields that can be searched for.
//!
//! Source: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL>. The crates that speak it hold the socket's path as a constant, so
//! that no test of ours could stand at the other end; the protocol is shorter than a wrapper around one of them.

use std::io;
use std::io::{IoSlice, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audit::{Body, Record, render};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

use super::{Deliver, Failure, Shipped, severity};
use crate::config::JournaldSection;

/// How long the journal may let one datagram wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The journal's socket.
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    entry: Vec<u8>,
}

impl Journal {
    pub(super) fn new(section: &JournaldSection) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, path: section.socket.clone(), entry: Vec::with_capacity(4096) })
    }

    /// Sends what is in `entry`; by a sealed file in memory where a datagram cannot hold it.
    fn send(&self) -> io::Result<()> {
        match self.socket.send_to(&self.entry, &self.path) {
            Ok(_) => Ok(()),
            Err(error) if is_too_long(&error) => self.send_file(),
            Err(error) => Err(error),
        }
    }

    fn send_file(&self) -> io::Result<()> {
        let file = memfd_create("mcpguard-journal", MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        file.write_all(&self.entry)?;
        let seals =
            SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        let (descriptors, address) = ([file.as_raw_fd()], UnixAddr::new(&self.path)?);
        let rights = [ControlMessage::ScmRights(&descriptors)];
        sendmsg(self.socket.as_raw_fd(), &[IoSlice::new(b"")], &rights, MsgFlags::empty(), Some(&address))?;
        Ok(())
    }
}

impl Deliver<Arc<Shipped>> for Journal {
    fn deliver(&mut self, items: &[Arc<Shipped>]) -> (usize, Option<Failure>) {
        for (at, item) in items.iter().enumerate() {
            self.entry.clear();
            write_entry(&mut self.entry, item);
            if let Err(error) = self.send() {
                return (at, Some(failure(&error)));
            }
        }
        (items.len(), None)
    }
}

pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EMSGSIZE as i32)
}

/// A datagram that is too long will never be taken; whatever else is wrong may pass.
pub(super) fn failure(error: &io::Error) -> Failure {
    if is_too_long(error) { Failure::Refused(1) } else { Failure::Away }
}

fn write_entry(entry: &mut Vec<u8>, shipped: &Shipped) {
    let Record { session, seq, revision, body, hash, .. } = &shipped.record;
    field(entry, "MESSAGE", render(&shipped.record).as_bytes());
    field(entry, "PRIORITY", severity(body).syslog().to_string().as_bytes());
    field(entry, "SYSLOG_IDENTIFIER", b"mcpguard");
    field(entry, "MCPGUARD_SESSION", session.as_str().as_bytes());
    field(entry, "MCPGUARD_SEQ", seq.to_string().as_bytes());
    if let Some(revision) = revision {
        field(entry, "MCPGUARD_REVISION", revision.as_str().as_bytes());
    }
    field(entry, "MCPGUARD_EVENT", body.event().as_bytes());
    field(entry, "MCPGUARD_HASH", hash.to_string().as_bytes());
    if let Body::KernelDenial(denial) = body {
        field(entry, "MCPGUARD_KERNEL_SEQUENCE", denial.sequence.to_string().as_bytes());
    }
    field(entry, "MCPGUARD_RECORD", &shipped.line);
}

/// `NAME=value` and a newline; where the value has a newline itself, its length stands before it.
fn field(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
    entry.extend_from_slice(name.as_bytes());
    if memchr::memchr(b'\n', value).is_some() {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_value_cannot_begin_a_field_of_its_own() {
        let mut entry = Vec::new();
        field(&mut entry, "A", b"1");
        field(&mut entry, "B", b"x\nPRIORITY=0");
        assert_eq!(entry, b"A=1\nB\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n");
    }
}
