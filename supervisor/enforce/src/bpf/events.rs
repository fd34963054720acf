//! What the programs told: records from the ring, as values that need no further checks.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use abi::{Action, EventKind, NO_RULE, Reason};
use aya::maps::{MapData, RingBuf};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::sys;

/// One denial or escape attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Numbers the session's events from 1, without gaps; one that is missing was dropped.
    pub sequence: u64,
    /// Since the machine started, without the time that it slept (`CLOCK_MONOTONIC`).
    pub at: Duration,
    /// The active set at that moment.
    pub active: u64,
    /// The last admitted call at that moment.
    pub call: u64,
    /// The session's slot.
    pub slot: u32,
    /// The process.
    #[serde(with = "number")]
    pub process: Pid,
    /// The thread.
    #[serde(with = "number")]
    pub thread: Pid,
    /// What the thread calls itself. It may have chosen any bytes.
    pub name: OsString,
    /// What was attempted.
    pub kind: EventKind,
    /// What became of it.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The policy rule, if one decided.
    pub rule: Option<u32>,
    /// See [`abi::Event::access`].
    pub access: u32,
    /// The file, directory or socket, where the attempt had one.
    pub path: Option<SeenPath>,
    /// The peer, for the kinds of the network.
    pub peer: Option<Peer>,
}

/// A path as the kernel saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPath {
    /// Absolute if it is complete; otherwise the end of the path.
    #[serde(with = "bytes")]
    pub path: PathBuf,
    /// Whether it leads from the root.
    pub complete: bool,
}

/// An address on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Address and port.
    pub address: SocketAddr,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`, or another one.
    pub protocol: u16,
}

/// A process number on its way to another process.
mod number {
    use super::{Deserialize, Pid, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(pid: &Pid, to: S) -> Result<S::Ok, S::Error> {
        pid.as_raw().serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Pid, D::Error> {
        i32::deserialize(from).map(Pid::from_raw)
    }
}

/// A path on its way to another process: serde's own form is for UTF-8 only.
mod bytes {
    use super::{Deserialize, OsStrExt, OsString, OsStringExt, PathBuf, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().as_bytes().serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Vec::<u8>::deserialize(from).map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
    }
}

/// A record that no program of this version writes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a record of the BPF programs cannot be read: {what} ({length} bytes)")]
pub struct EventError {
    what: &'static str,
    length: usize,
}

/// The reading end of the rings. There is one for all sessions of a layer.
pub struct Events {
    proofs: RingBuf<MapData>,
    ring: Option<RingBuf<MapData>>,
}

impl Events {
    pub(super) fn new(proofs: RingBuf<MapData>, ring: Option<RingBuf<MapData>>) -> Self {
        Self { proofs, ring }
    }

    /// The next record, a canary's before all others; `None` if there is none now. The descriptor is readable when there are
    /// others; a canary says by itself that it has ended.
    ///
    /// An error is about one record, which is gone; its number will be missing.
    pub fn poll(&mut self) -> Option<Result<Event, EventError>> {
        if let Some(record) = self.proofs.next() {
            return Some(parse(&record));
        }
        self.ring.as_mut()?.next().map(|record| parse(&record))
    }

    /// Whether there are canaries' records that nobody has polled.
    pub(crate) fn are_waiting(&self) -> Result<bool, Errno> {
        let mut ring = [PollFd::new(self.proofs.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut ring, PollTimeout::ZERO)? > 0)
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_ref().unwrap_or(&self.proofs).as_fd()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Reads one record.
pub(crate) fn parse(record: &[u8]) -> Result<Event, EventError> {
    let damaged = |what| EventError { what, length: record.len() };
    let (head, rest) = sys::read_event(record).ok_or(damaged("it is too short"))?;
    let payload = rest.get(..head.length as usize).ok_or(damaged("its payload is cut"))?;
    let number = |pid: u32| Pid::from_raw(pid.cast_signed());
    Ok(Event {
        sequence: head.sequence,
        at: Duration::from_nanos(head.time_ns),
        active: head.active,
        call: head.call,
        slot: head.slot,
        process: number(head.process),
        thread: number(head.thread),
        name: name(&head.name),
        kind: EventKind::of(head.kind).ok_or(damaged("its kind is unknown"))?,
        action: action(head.action).ok_or(damaged("its action is unknown"))?,
        reason: Reason::of(head.reason).ok_or(damaged("its reason is unknown"))?,
        rule: Some(head.rule).filter(|rule| *rule != NO_RULE),
        access: head.access,
        path: path(payload),
        peer: peer(&head.address),
    })
}

fn action(number: u8) -> Option<Action> {
    [Action::Denied, Action::Killed].into_iter().find(|action| *action as u8 == number)
}

fn name(bytes: &[u8]) -> OsString {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    OsStr::from_bytes(&bytes[..end]).to_owned()
}

/// The components stand from the last to the first, each ended by a zero byte; an empty one at the end is the root.
fn path(payload: &[u8]) -> Option<SeenPath> {
    let components = payload.strip_suffix(&[0])?;
    let mut components: Vec<&[u8]> = components.split(|byte| *byte == 0).collect();
    let complete = components.last().is_some_and(|last| last.is_empty());
    if complete {
        components.pop();
    }
    let mut bytes = Vec::with_capacity(payload.len() + 1);
    for component in components.iter().rev() {
        if complete || !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(component);
    }
    if bytes.is_empty() {
        bytes.push(b'/');
    }
    Some(SeenPath { path: PathBuf::from(OsString::from_vec(bytes)), complete })
}

fn peer(address: &abi::SocketAddress) -> Option<Peer> {
    let is_ip = [libc::AF_INET, libc::AF_INET6].contains(&i32::from(address.family));
    let ip = IpAddr::from(Ipv6Addr::from(address.address)).to_canonical();
    is_ip.then(|| Peer { address: SocketAddr::new(ip, address.port), protocol: address.protocol })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(head: abi::Event, payload: &[u8]) -> Vec<u8> {
        sys::event_bytes(&abi::Event { length: u32::try_from(payload.len()).unwrap(), ..head }, payload)
    }

    fn head() -> abi::Event {
        abi::Event {
            sequence: 3,
            time_ns: 1_000_000_001,
            kind: EventKind::Open as u16,
            action: Action::Denied as u8,
            reason: Reason::Name as u8,
            process: 42,
            rule: NO_RULE,
            name: *b"node\0\0\0\0\0\0\0\0\0\0\0\0",
            ..abi::Event::default()
        }
    }

    fn seen(payload: &[u8]) -> Option<(String, bool)> {
        let path = parse(&record(head(), payload)).unwrap().path;
        path.map(|seen| (seen.path.to_str().unwrap().to_owned(), seen.complete))
    }

    #[test]
    fn paths_are_put_together_from_the_root() {
        assert_eq!(seen(b"hosts\0etc\0\0"), Some(("/etc/hosts".to_owned(), true)));
        assert_eq!(seen(b"\0"), Some(("/".to_owned(), true)));
        assert_eq!(seen(b"deep\0down\0"), Some(("down/deep".to_owned(), false)));
        assert_eq!(seen(b""), None);
    }

    #[test]
    fn fields_arrive() {
        let address = abi::SocketAddress {
            address: std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets(),
            port: 9,
            family: libc::AF_INET as u16,
            protocol: libc::IPPROTO_UDP as u16,
            padding: 0,
        };
        let event = parse(&record(abi::Event { address, rule: 7, ..head() }, b"")).unwrap();
        assert_eq!(event.peer.unwrap().address, "192.0.2.1:9".parse().unwrap());
        assert_eq!((event.rule, event.process, event.sequence), (Some(7), Pid::from_raw(42), 3));
        assert_eq!((event.name.as_os_str(), event.reason), (OsStr::new("node"), Reason::Name));
        assert_eq!(parse(&record(head(), b"")).unwrap().rule, None);
    }

    #[test]
    fn what_no_program_writes_is_an_error() {
        let whole = record(head(), b"hosts\0etc\0\0");
        assert!(parse(&whole[..whole.len() - 1]).is_err());
        assert!(parse(&whole[..50]).is_err());
        assert!(parse(&record(abi::Event { kind: 999, ..head() }, b"")).is_err());
        assert!(parse(&record(abi::Event { reason: 0, ..head() }, b"")).is_err());
        assert!(parse(&record(abi::Event { action: 9, ..head() }, b"")).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse(&record(head(), &bytes));
        }
    }
}
