//! Bytes in and out without blocking the one thread, and without changing descriptors that others share.
//!
//! A pipe is opened anew through `/proc/self/fd`, so that `O_NONBLOCK` stays ours; a socket is asked with
//! `MSG_DONTWAIT`; a regular file never blocks; anything else (a terminal) is read by a small thread.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, sendmsg};
use nix::sys::stat::{Mode, SFlag, fstat, makedev};
use nix::sys::uio::writev;
use nix::unistd::{pipe2, read};
use tokio::io::unix::AsyncFd;

/// Bytes that a pipe of ours holds: the most that an unprivileged user may ask for (`/proc/sys/fs/pipe-max-size`).
const PIPE_BYTES: i32 = 1 << 20;

/// How a descriptor is asked for bytes.
enum Way {
    /// `O_NONBLOCK` is set on a description of our own.
    NonBlocking,
    /// A socket, asked with `MSG_DONTWAIT`.
    Socket,
}

/// A source of bytes.
pub(super) struct Inlet(Reader);

enum Reader {
    Polled(AsyncFd<OwnedFd>, Way),
    /// A regular file or `/dev/null`: reading never waits.
    Immediate(OwnedFd),
}

impl Inlet {
    /// Reads from a descriptor that others may share (0).
    pub(super) fn shared(fd: impl AsFd) -> io::Result<Self> {
        let fd = fd.as_fd().try_clone_to_owned()?;
        match kind(&fd)? {
            SFlag::S_IFIFO => Self::ours(reopened(fd, OFlag::O_RDONLY)?),
            SFlag::S_IFSOCK => Ok(Self(Reader::Polled(polled(fd)?, Way::Socket))),
            SFlag::S_IFREG => Ok(Self(Reader::Immediate(fd))),
            _ if is_null(&fd)? => Ok(Self(Reader::Immediate(fd))),
            _ => Self::ours(behind_thread(fd)?),
        }
    }

    /// Reads from a pipe that is ours alone; it must be set to `O_NONBLOCK`.
    pub(super) fn ours(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self(Reader::Polled(polled(fd)?, Way::NonBlocking)))
    }

    /// Looks for bytes for a moment without sleeping: the answer to what was just passed on is often there before this
    /// thread could have been woken for it. Others that want the processor get it meanwhile.
    pub(super) fn linger(&self, moment: Duration) {
        let Reader::Polled(fd, _) = &self.0 else { return };
        let until = Instant::now() + moment;
        let mut asked = [PollFd::new(fd.get_ref().as_fd(), PollFlags::POLLIN)];
        while poll(&mut asked, PollTimeout::ZERO) == Ok(0) && Instant::now() < until {
            std::thread::yield_now();
        }
    }

    /// Reads what is there, waiting for at least one byte; 0 at the end.
    pub(super) async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Reader::Immediate(fd) => Ok(read(fd, into)?),
            Reader::Polled(fd, way) => loop {
                let mut ready = fd.readable().await?;
                match take(fd.get_ref(), way, into) {
                    Ok(count) => {
                        // A short read has emptied the pipe: the next edge tells of more.
                        if count > 0 && count < into.len() {
                            ready.clear_ready();
                        }
                        return Ok(count);
                    }
                    Err(Errno::EAGAIN) => ready.clear_ready(),
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            },
        }
    }
}

fn take(fd: &OwnedFd, way: &Way, into: &mut [u8]) -> Result<usize, Errno> {
    match way {
        Way::NonBlocking => read(fd, into),
        Way::Socket => recv(fd.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT),
    }
}

/// A sink of bytes.
pub(super) struct Outlet(Writer);

enum Writer {
    Polled(AsyncFd<OwnedFd>, Way),
    /// A file or a terminal: written as any program does.
    Blocking(OwnedFd),
}

impl Outlet {
    /// Writes to a descriptor that others may share (1, 2).
    pub(super) fn shared(fd: impl AsFd) -> io::Result<Self> {
        let fd = fd.as_fd().try_clone_to_owned()?;
        match kind(&fd)? {
            SFlag::S_IFIFO => Self::ours(reopened(fd, OFlag::O_WRONLY)?),
            SFlag::S_IFSOCK => Ok(Self(Writer::Polled(polled(fd)?, Way::Socket))),
            _ => Ok(Self(Writer::Blocking(fd))),
        }
    }

    /// Writes to a pipe that is ours alone; it must be set to `O_NONBLOCK`.
    pub(super) fn ours(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self(Writer::Polled(polled(fd)?, Way::NonBlocking)))
    }

    /// Writes a line and its newline, with one system call where the reader keeps up.
    pub(super) async fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let mut parts = [IoSlice::new(line), IoSlice::new(b"\n")];
        self.write(&mut parts).await
    }

    /// Writes all of it.
    pub(super) async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.write(&mut [IoSlice::new(bytes)]).await
    }

    async fn write(&self, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        while parts.iter().any(|part| !part.is_empty()) {
            let count = match self.put(parts) {
                Err(Errno::EAGAIN) => self.put_when_ready(parts).await?,
                Err(Errno::EINTR) => 0,
                other => other?,
            };
            IoSlice::advance_slices(&mut parts, count);
        }
        Ok(())
    }

    /// Waits for room. The readiness that tokio remembers may be stale; clearing it through its guard cannot
    /// lose an edge that came since (the guard remembers which edge it was for).
    async fn put_when_ready(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let Writer::Polled(fd, _) = &self.0 else { return Ok(self.put(parts)?) };
        loop {
            let mut ready = fd.writable().await?;
            match self.put(parts) {
                Err(Errno::EAGAIN) => ready.clear_ready(),
                other => return Ok(other?),
            }
        }
    }

    fn put(&self, parts: &[IoSlice<'_>]) -> Result<usize, Errno> {
        match &self.0 {
            Writer::Blocking(fd) => writev(fd, parts),
            Writer::Polled(fd, Way::NonBlocking) => writev(fd.get_ref(), parts),
            Writer::Polled(fd, Way::Socket) => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                sendmsg::<()>(fd.get_ref().as_raw_fd(), parts, &[], flags, None)
            }
        }
    }
}

/// Lets the event loop watch a descriptor.
#[expect(
    deprecated,
    reason = "its successor is unsafe; every `T` here owns its descriptor, which is what that asks for"
)]
pub(super) fn polled<T: AsFd + AsRawFd>(owner: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(owner)
}

/// A pipe for the server: our end does not block, the server's does; both are closed on exec.
pub(super) struct Pipe {
    /// The reading end.
    pub(super) read: OwnedFd,
    /// The writing end.
    pub(super) write: OwnedFd,
}

impl Pipe {
    /// Opens a pipe, as large as the kernel gives it to this user.
    pub(super) fn open() -> io::Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        // A smaller pipe is only slower.
        let _ = fcntl(&write, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
        Ok(Self { read, write })
    }
}

/// Sets `O_NONBLOCK` on a description that is ours alone.
pub(super) fn non_blocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
    fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(fd)
}

/// Whether it is `/dev/null` (device 1:3, Documentation/admin-guide/devices.txt).
fn is_null(fd: &OwnedFd) -> io::Result<bool> {
    let facts = fstat(fd)?;
    let is_device = SFlag::from_bits_truncate(facts.st_mode) & SFlag::S_IFMT == SFlag::S_IFCHR;
    Ok(is_device && facts.st_rdev == makedev(1, 3))
}

fn kind(fd: &OwnedFd) -> io::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT)
}

/// The same pipe through a description of our own; where that is not allowed, the shared one.
fn reopened(fd: OwnedFd, access: OFlag) -> io::Result<OwnedFd> {
    // A large result then goes through in few turns. A smaller pipe is only slower.
    let _ = fcntl(&fd, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = access | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    open(path.as_str(), flags, Mode::empty()).map_err(io::Error::from).or_else(|_| non_blocking(fd))
}

/// Lets a thread wait for a descriptor that cannot be polled or must not be changed, and pass on what it reads.
fn behind_thread(fd: OwnedFd) -> io::Result<OwnedFd> {
    let pipe = Pipe::open()?;
    let mut sink = std::fs::File::from(pipe.write);
    std::thread::Builder::new().name("stdin".to_owned()).stack_size(64 * 1024).spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = read(&fd, &mut buffer) {
            if io::Write::write_all(&mut sink, &buffer[..count]).is_err() {
                break;
            }
        }
    })?;
    non_blocking(pipe.read)
}
