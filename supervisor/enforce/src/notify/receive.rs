//! Receiving with the source (`recvfrom(2)`): an answer of the resolver comes from whom the question was sent to.
//!
//! `recvmsg` and `recvmmsg` are not carried out: they show the resolver's own address, 127.0.0.1, as the source of an answer
//! that a socket without a connection receives. C libraries connect the sockets of their resolvers, or use `recvfrom`.
//! `MSG_WAITALL` with a source is answered with what there is.

use std::os::fd::AsFd;

use nix::errno::Errno;

use super::caller::{Caller, Stretch};
use super::desk::Desk;
use super::names::write_address;
use super::socket::{Socket, Speaks};
use super::step::{Interest, Progress, Stop};
use crate::sys;

/// The most that is received at once; no datagram is longer.
const LONGEST: u64 = 1 << 20;

/// A call that waits for a message.
#[derive(Debug)]
pub(super) struct Receive {
    pub(super) into: Stretch,
    pub(super) flags: i32,
    /// Where the source is written, and how much room there is.
    pub(super) source: (u64, u64),
}

impl Receive {
    /// Receives what there is.
    pub(super) fn step(&self, desk: &Desk, caller: &Caller<'_>, socket: &Socket) -> Result<Progress, Stop> {
        let mut bytes = vec![0; self.into.length.min(LONGEST) as usize];
        let flags = self.flags & !libc::MSG_WAITALL | libc::MSG_DONTWAIT;
        match sys::receive(socket.as_fd(), &mut bytes, flags) {
            Err(Errno::EAGAIN) if self.flags & libc::MSG_DONTWAIT == 0 && socket.blocks()? => {
                Ok(Progress::Waits(Interest::Readable))
            }
            Err(error) => Err(error.into()),
            Ok((count, source)) => {
                caller.write(self.into.at, &bytes[..count.min(bytes.len())])?;
                let told = told(desk, socket, source)?;
                write_address(caller, &told, self.source.0, self.source.1)?;
                Ok(Progress::Done(count as i64))
            }
        }
    }
}

fn told(desk: &Desk, socket: &Socket, source: Vec<u8>) -> Result<Vec<u8>, Errno> {
    match socket.speaks {
        Speaks::Udp(_) => Ok(desk.told(socket.cookie()?, source)),
        _ => Ok(source),
    }
}
