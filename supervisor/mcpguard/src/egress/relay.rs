//! Bytes from one side of a connection to the other, until that side has said everything.

use std::io;
use std::os::fd::AsFd;

use nix::fcntl::{SpliceFFlags, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::held::Held;
use super::pipes::{Pipe, Pipes};
use super::room::Room;

/// Bytes that are moved at once at most.
const CHUNK: usize = 256 * 1024;

/// Through which pipes bytes go, and in which classes.
pub(super) struct Relay<'a> {
    pub(super) room: &'a Room,
    pub(super) pipes: &'a Pipes,
    /// What goes on only while one of these classes is active.
    pub(super) classes: u64,
}

impl Relay<'_> {
    /// One direction.
    pub(super) async fn one(&self, from: &TcpStream, to: &TcpStream) -> io::Result<()> {
        loop {
            from.readable().await?;
            self.allowed().await;
            let Some(pipe) = self.pipes.take() else {
                match copy(from, to).await? {
                    0 => return shut(to),
                    _ => continue,
                }
            };
            let filled = from.try_io(Interest::READABLE, || fill(from, &pipe));
            match filled {
                Ok(0) => {
                    self.pipes.give_back(pipe);
                    return shut(to);
                }
                Ok(count) => {
                    empty(&pipe, to, count).await?;
                    self.pipes.give_back(pipe);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.pipes.give_back(pipe),
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until a call that may use the connection is in flight; at once if what it was opened for always holds.
    pub(super) async fn allowed(&self) {
        self.room.turns.wait(self.classes, || self.room.backend.moment()).await;
    }
}

/// What there is, by way of this process; how much it was, 0 at the end.
async fn copy(from: &TcpStream, to: &TcpStream) -> io::Result<usize> {
    let mut held = Held::new();
    let count = held.more(from).await?;
    held.pass_all(to).await?;
    Ok(count)
}

fn fill(from: &TcpStream, pipe: &Pipe) -> io::Result<usize> {
    let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
    Ok(splice(from.as_fd(), None, pipe.write.as_fd(), None, CHUNK, flags)?)
}

/// Everything that is in the pipe. The far side's slowness is the near side's: nothing more is read meanwhile.
async fn empty(pipe: &Pipe, to: &TcpStream, mut count: usize) -> io::Result<()> {
    let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
    while count > 0 {
        let moved = to.try_io(Interest::WRITABLE, || {
            Ok(splice(pipe.read.as_fd(), None, to.as_fd(), None, count, flags)?)
        });
        match moved {
            Ok(moved) => count -= moved,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Nothing more will be sent; what comes back still may.
pub(super) fn shut(to: &TcpStream) -> io::Result<()> {
    use nix::sys::socket::{Shutdown, shutdown};
    use std::os::fd::AsRawFd;
    match shutdown(to.as_raw_fd(), Shutdown::Write) {
        // The other side has gone already.
        Ok(()) | Err(nix::errno::Errno::ENOTCONN) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
