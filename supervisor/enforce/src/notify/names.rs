//! The names of both ends of a socket, as the caller may know them.

use nix::errno::Errno;

use super::caller::Caller;
use super::desk::Desk;
use super::socket::{Socket, Speaks};
use super::step::Stop;
use crate::sys::{End, LONGEST_ADDRESS};

/// `getpeername` and `getsockname`: a peer behind a door is the one that was wanted.
pub(super) fn tell(
    desk: &Desk,
    caller: &Caller<'_>,
    socket: &Socket,
    end: End,
    (at, length_at): (u64, u64),
) -> Result<i64, Stop> {
    let known = socket.name(end)?;
    let told = match (socket.speaks, end) {
        (Speaks::Unix, _) => desk.unix.told(known),
        (_, End::Far) => desk.told(socket.cookie()?, known),
        (_, End::Near) => known,
    };
    write_address(caller, &told, at, length_at)?;
    Ok(0)
}

/// Writes an address by the kernel's rules: as much as there is room for, and how long it really is.
pub(super) fn write_address(
    caller: &Caller<'_>,
    address: &[u8],
    at: u64,
    length_at: u64,
) -> Result<(), Errno> {
    let room = i32::from_ne_bytes(caller.read_array(length_at)?);
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    caller.write(at, &address[..room.min(address.len())])?;
    let length = address.len() as u32;
    caller.write(length_at, &length.to_ne_bytes())
}

/// Copies an address, once. `EINVAL` if it is longer than any is.
pub(super) fn read_address(caller: &Caller<'_>, at: u64, length: u64) -> Result<Vec<u8>, Errno> {
    // The kernel reads 32 bits, with a sign.
    let length = usize::try_from((length as u32).cast_signed()).map_err(|_| Errno::EINVAL)?;
    match length {
        0 => Ok(Vec::new()),
        1..=LONGEST_ADDRESS => caller.read(at, length),
        _ => Err(Errno::EINVAL),
    }
}
