//! Binding and listening.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod};
use nix::time::{ClockId, clock_gettime};
use verdict::network::{AF_INET, AF_INET6, TCP, UDP};

use super::address::{self, AF_UNSPEC};
use super::caller::Caller;
use super::denial::{Attempt, Refusal};
use super::desk::Desk;
use super::socket::{Socket, Speaks, Version};
use super::status;
use super::step::Stop;
use super::unix::{self, Name, Own};
use crate::ruleset::real_path;
use crate::seccomp::open_as;
use crate::sys::{self, End};

/// Binds the socket to the address, which was copied from the caller's memory once.
pub(super) fn bind(
    desk: &mut Desk,
    caller: &Caller<'_>,
    socket: &Socket,
    address: &[u8],
) -> Result<i64, Stop> {
    match socket.speaks {
        Speaks::Tcp(version) => internet(desk, socket, address, (TCP, version))?,
        Speaks::Udp(version) => internet(desk, socket, address, (UDP, version))?,
        Speaks::Unix => match unix::name(address) {
            Name::Path(path) => file(desk, caller, socket, &path, address)?,
            Name::None | Name::Abstract(_) => sys::bind(socket.as_fd(), address)?,
        },
        Speaks::Routes => sys::bind(socket.as_fd(), address)?,
        Speaks::Foreign => return Err(Refusal::foreign(Attempt::Bind).into()),
    }
    Ok(0)
}

fn internet(
    desk: &Desk,
    socket: &Socket,
    bytes: &[u8],
    (protocol, version): (u32, Version),
) -> Result<(), Stop> {
    let address = match (version, address::family(bytes)?) {
        (Version::Four, AF_INET) | (Version::Six, AF_INET6) => address::internet(bytes)?,
        // The kernel takes it for IPv4 if it says "any".
        (Version::Four, AF_UNSPEC) if address::v4(bytes)?.ip().is_unspecified() => address::v4(bytes)?,
        _ => return Err(Errno::EAFNOSUPPORT.into()),
    };
    let refuse = |why| Refusal { address: Some(address), protocol, ..Refusal::new(Attempt::Bind, why) };
    desk.session.bind(address.port()).map_err(refuse)?;
    Ok(sys::bind(socket.as_fd(), &address::bytes_of(address))?)
}

/// Makes the socket's file where the plan lets the server write, in the directory that was looked at.
fn file(
    desk: &mut Desk,
    caller: &Caller<'_>,
    socket: &Socket,
    path: &Path,
    given: &[u8],
) -> Result<(), Stop> {
    let name = path.file_name().ok_or(Errno::EINVAL)?;
    let directory = open_as(caller.thread, path.parent().unwrap_or(Path::new("")))?;
    let umask = status::of(caller.thread)?.umask;
    caller.waits()?;
    let real = real_path(directory.as_fd())?.join(name);
    if !desk.modes.is_writable(&real) {
        return Err(Refusal::with_path(Attempt::Bind, real).into());
    }
    desk.unix.make_room()?;
    let known = unix::through(&directory, Some(name))?;
    let before = clock_gettime(ClockId::CLOCK_REALTIME_COARSE)?;
    make(socket, &known, umask)?;
    remember(desk, (directory, name), (known, given), Duration::from(before));
    Ok(())
}

/// The file's mode is that of the socket without the supervisor's umask, so the caller's is taken off before: nobody may
/// do more with it than the caller meant.
fn make(socket: &Socket, known: &[u8], umask: u32) -> Result<(), Errno> {
    let all = Mode::from_bits_truncate(0o777);
    fchmod(socket, all & !Mode::from_bits_truncate(umask))?;
    let result = sys::bind(socket.as_fd(), known);
    fchmod(socket, all)?;
    result
}

/// Whoever asks for the socket's name is told the one that was given, and the session may connect to it. The session could
/// have put another socket in its place meanwhile: what was born before it was bound is not its own.
fn remember(
    desk: &mut Desk,
    (directory, name): (OwnedFd, &OsStr),
    (known, given): (Vec<u8>, &[u8]),
    before: Duration,
) {
    let Ok(file) = unix::open_in(&directory, name).map(File::from) else { return };
    let born = file.metadata().ok().and_then(|about| about.created().ok()?.duration_since(UNIX_EPOCH).ok());
    if born.is_some_and(|born| born >= before) {
        desk.unix.add(Own { _directory: directory, file: file.into(), known, given: given.to_vec() });
    }
}

/// Lets the socket accept connections, if the port that it is bound to, or will be, may be listened on.
pub(super) fn listen(desk: &Desk, socket: &Socket, backlog: i32) -> Result<i64, Stop> {
    if let Speaks::Tcp(_) = socket.speaks {
        let near = address::internet(&socket.name(End::Near)?)?;
        let refuse = |why| Refusal { address: Some(near), protocol: TCP, ..Refusal::new(Attempt::Bind, why) };
        desk.session.listen(near.port()).map_err(refuse)?;
    }
    Ok(sys::listen(socket.as_fd(), backlog).map(|()| 0)?)
}
