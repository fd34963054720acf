//! Sending.
//!
//! What is sent without an address goes where the socket is connected to; it is carried out too, because a filter does not
//! see whether a message has an address. The bytes are copied piece by piece when they are sent, as the kernel would, so
//! that a message that waits holds no memory. `MSG_ZEROCOPY` is refused (`ENOBUFS`, upon which a program copies): the pages
//! would be the supervisor's.

use std::os::fd::{AsFd, OwnedFd};

use abi::Door;
use nix::errno::Errno;
use verdict::network::{AF_INET, AF_INET6, AF_UNIX, UDP};

use super::address::{self, AF_UNSPEC};
use super::caller::{Caller, Stretch};
use super::control::Control;
use super::denial::{Attempt, Refusal};
use super::desk::Desk;
use super::message::Message;
use super::socket::{Socket, Speaks, Version};
use super::status;
use super::step::{Interest, Progress, Stop};
use crate::sys::{self, Outgoing};

/// The longest message that is sent as one; of a stream, the most that is copied at once.
const LONGEST_PIECE: usize = 1 << 20;
/// The flags of `send(2)` that a caller may give.
const FLAGS: i32 = libc::MSG_OOB | libc::MSG_DONTROUTE | libc::MSG_EOR | libc::MSG_CONFIRM | libc::MSG_MORE;
/// Always: nobody may make the supervisor wait or send it a signal.
const OWN_FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// One message on its way.
#[derive(Debug)]
pub(super) struct Send {
    to: Option<Vec<u8>>,
    /// Holds what the address names.
    _named: Option<OwnedFd>,
    stretches: Vec<Stretch>,
    control: Control,
    /// As the caller gave them.
    flags: i32,
    done: u64,
}

impl Send {
    /// Judges the message.
    pub(super) fn new(
        desk: &mut Desk,
        caller: &Caller<'_>,
        socket: &Socket,
        message: Message,
        flags: i32,
    ) -> Result<Self, Stop> {
        if flags & libc::MSG_ZEROCOPY != 0 {
            return Err(Errno::ENOBUFS.into());
        }
        let Message { to, stretches, control } = message;
        let target = target(desk, caller, socket, to)?;
        let control = Control::of(&mut desk.handles, caller, &control)?;
        Ok(Self { to: target.address, _named: target.named, stretches, control, flags, done: 0 })
    }

    /// How many bytes were taken, if any were.
    pub(super) fn so_far(&self) -> Option<i64> {
        (self.done > 0).then(|| self.done.cast_signed())
    }

    /// Sends as much as there is room for.
    pub(super) fn step(&mut self, caller: &Caller<'_>, socket: &Socket) -> Result<Progress, Stop> {
        let piece = self.piece(caller, socket);
        match piece.and_then(|piece| self.send(socket, &piece).map(|sent| (sent, piece.len()))) {
            Ok((sent, wanted)) => {
                self.done += sent as u64;
                if !socket.stream || wanted == 0 || self.done == self.total() {
                    return Ok(Progress::Done(self.done.cast_signed()));
                }
                self.rest(socket)
            }
            Err(Errno::EAGAIN) => self.rest(socket),
            Err(error) => self.failed(caller, socket, error),
        }
    }

    fn total(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.length).sum()
    }

    fn piece(&self, caller: &Caller<'_>, socket: &Socket) -> Result<Vec<u8>, Errno> {
        if !socket.stream && self.total() > LONGEST_PIECE as u64 {
            return Err(Errno::EMSGSIZE);
        }
        let piece = caller.gather(&self.stretches, self.done, LONGEST_PIECE)?;
        let all = (self.total() - self.done).min(LONGEST_PIECE as u64);
        match (piece.len() as u64) < all && (!socket.stream || piece.is_empty()) {
            true => Err(Errno::EFAULT),
            false => Ok(piece),
        }
    }

    fn send(&mut self, socket: &Socket, bytes: &[u8]) -> Result<usize, Errno> {
        let (name, control) = (self.to.as_deref(), self.control.bytes.as_slice());
        let flags = self.flags & FLAGS | OWN_FLAGS;
        let sent = sys::send(socket.as_fd(), &Outgoing { name, bytes, control, flags })?;
        // Descriptors travel with the first bytes.
        self.control = Control::default();
        Ok(sent)
    }

    /// There is no room for the rest now.
    fn rest(&self, socket: &Socket) -> Result<Progress, Stop> {
        if self.flags & libc::MSG_DONTWAIT == 0 && socket.blocks()? {
            return Ok(Progress::Waits(Interest::Writable));
        }
        self.so_far().map(Progress::Done).ok_or(Stop::Failed(Errno::EAGAIN))
    }

    fn failed(&self, caller: &Caller<'_>, socket: &Socket, error: Errno) -> Result<Progress, Stop> {
        if let Some(done) = self.so_far() {
            return Ok(Progress::Done(done));
        }
        if error == Errno::EPIPE && socket.stream && self.flags & libc::MSG_NOSIGNAL == 0 {
            let process = status::of(caller.thread)?.process;
            caller.waits()?;
            sys::signal_thread(process, caller.thread, libc::SIGPIPE)?;
        }
        Err(error.into())
    }
}

/// Where a message really goes.
#[derive(Default)]
struct Target {
    address: Option<Vec<u8>>,
    named: Option<OwnedFd>,
}

fn target(
    desk: &mut Desk,
    caller: &Caller<'_>,
    socket: &Socket,
    to: Option<Vec<u8>>,
) -> Result<Target, Stop> {
    let plain = |address| Target { address, named: None };
    match (socket.speaks, to) {
        (Speaks::Foreign, _) => Err(Refusal::foreign(Attempt::Send).into()),
        // To the peer; a connection of TCP does not look at addresses.
        (_, None) | (Speaks::Tcp(_), Some(_)) => Ok(Target::default()),
        (Speaks::Udp(version), Some(to)) => Ok(plain(datagram(desk, socket, version, &to)?)),
        // A connection of unix sockets refuses any; which way, the kernel says.
        (Speaks::Unix, Some(_)) if socket.stream => Ok(plain(Some(AF_UNIX.to_ne_bytes().to_vec()))),
        (Speaks::Unix, Some(to)) => {
            let peer = desk.unix.peer(caller, &to)?;
            Ok(Target { address: Some(peer.address), named: peer.named })
        }
        (Speaks::Routes, Some(to)) => Ok(plain(Some(to))),
    }
}

/// `None`: to the peer.
fn datagram(desk: &mut Desk, socket: &Socket, version: Version, to: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let wanted = match (version, address::family(to)?) {
        (Version::Four, AF_INET) | (Version::Six, AF_INET | AF_INET6) => address::internet(to)?,
        // The kernel takes it for IPv4 whatever it says.
        (Version::Four, AF_UNSPEC) => address::v4(to)?,
        (Version::Six, AF_UNSPEC) => return Ok(None),
        (Version::Four, _) => return Err(Errno::EAFNOSUPPORT.into()),
        (Version::Six, _) => return Err(Errno::EINVAL.into()),
    };
    let way = desk.way(Attempt::Send, wanted, UDP)?;
    let over = |why| Refusal { address: Some(way.wanted), protocol: UDP, ..Refusal::new(Attempt::Send, why) };
    desk.count_datagram(&way).map_err(over)?;
    if way.door != Door::Direct {
        desk.flows.insert(socket.cookie()?, way.wanted);
    }
    Ok(Some(address::bytes_of(way.to)))
}
