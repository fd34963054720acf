//! A message as the caller describes it: `struct msghdr`, copied once. Source: `sendmsg(2)`, and `___sys_sendmsg` in the
//! kernel's `net/socket.c`.

use nix::errno::Errno;

use super::caller::{Caller, Stretch};
use crate::sys::LONGEST_ADDRESS;

/// `sizeof(struct msghdr)` of 64-bit architectures.
const HEADER: usize = 56;
/// `sizeof(struct iovec)` of these.
const VECTOR: usize = 16;
/// `UIO_MAXIOV`.
const MOST_VECTORS: u64 = 1024;
/// The longest control data that is taken; the kernel's own bound (`net.core.optmem_max`) is of this order.
const LONGEST_CONTROL: u64 = 16 << 10;
/// `MAX_RW_COUNT`, about: the kernel moves no more in one call.
const LONGEST_MESSAGE: u64 = 0x7fff_f000;

/// Where a message goes and where its parts lie in the caller's memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The destination, if it has one.
    pub(super) to: Option<Vec<u8>>,
    pub(super) stretches: Vec<Stretch>,
    pub(super) control: Vec<u8>,
}

impl Message {
    /// Reads the header at this address, and what it points to except the bytes themselves.
    pub(super) fn read(caller: &Caller<'_>, at: u64) -> Result<Self, Errno> {
        let header: [u8; HEADER] = caller.read_array(at)?;
        let word = |index: usize| word(&header, index);
        let (vectors, control) = (word(3), word(5));
        if vectors > MOST_VECTORS {
            return Err(Errno::EMSGSIZE);
        }
        if control > LONGEST_CONTROL {
            return Err(Errno::ENOBUFS);
        }
        let vectors = caller.read(word(2), vectors as usize * VECTOR)?;
        let control = if word(4) == 0 { Vec::new() } else { caller.read(word(4), control as usize)? };
        Ok(Self { to: destination(caller, word(0), word(1))?, stretches: stretches(&vectors)?, control })
    }

    /// A message of one part.
    pub(super) fn of(to: Option<Vec<u8>>, at: u64, length: u64) -> Self {
        let stretches = vec![Stretch { at, length: length.min(LONGEST_MESSAGE) }];
        Self { to, stretches, control: Vec::new() }
    }
}

fn word(bytes: &[u8], index: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[index * 8..index * 8 + 8]);
    u64::from_ne_bytes(word)
}

/// A longer address than there are is cut, as the kernel cuts it.
fn destination(caller: &Caller<'_>, at: u64, length: u64) -> Result<Option<Vec<u8>>, Errno> {
    let length = usize::try_from((length as u32).cast_signed()).map_err(|_| Errno::EINVAL)?;
    match (at, length) {
        (0, _) | (_, 0) => Ok(None),
        _ => caller.read(at, length.min(LONGEST_ADDRESS)).map(Some),
    }
}

fn stretches(vectors: &[u8]) -> Result<Vec<Stretch>, Errno> {
    let mut left = LONGEST_MESSAGE;
    let mut stretches = Vec::new();
    for vector in vectors.chunks_exact(VECTOR) {
        let (at, length) = (word(vector, 0), word(vector, 1));
        if i64::try_from(length).is_err() {
            return Err(Errno::EINVAL);
        }
        let length = length.min(left);
        left -= length;
        stretches.push(Stretch { at, length });
    }
    Ok(stretches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_bounded_as_a_whole() {
        let vector = |at: u64, length: u64| [at.to_ne_bytes(), length.to_ne_bytes()].concat();
        let read = stretches(&[vector(1, 10), vector(2, 1 << 40), vector(3, 5)].concat()).expect("valid");
        let lengths: Vec<u64> = read.iter().map(|stretch| stretch.length).collect();
        assert_eq!(lengths, [10, LONGEST_MESSAGE - 10, 0]);
        assert_eq!(stretches(&vector(1, u64::MAX)), Err(Errno::EINVAL));
    }
}
