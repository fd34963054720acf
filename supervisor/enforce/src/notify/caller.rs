//! Whoever waits for an answer: its memory, copied once and checked to be its own.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

use crate::sys;

/// A thread whose call is reported and not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    /// Where it is reported.
    pub(super) listener: BorrowedFd<'a>,
    /// Its number, which is its own as long as it waits.
    pub(super) thread: i32,
    /// The report.
    pub(super) id: u64,
}

/// A stretch of the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) at: u64,
    pub(super) length: u64,
}

impl Caller<'_> {
    /// Whether it still waits: what was read or opened by its number before is its own.
    pub(super) fn waits(&self) -> Result<(), Errno> {
        sys::check_notification(self.listener, self.id)
    }

    /// A copy of its memory. `EFAULT` unless all of it is there.
    pub(super) fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let bytes = self.gather(&[Stretch { at, length: length as u64 }], 0, length)?;
        if bytes.len() == length { Ok(bytes) } else { Err(Errno::EFAULT) }
    }

    /// The same, of a size that is known.
    pub(super) fn read_array<const LENGTH: usize>(&self, at: u64) -> Result<[u8; LENGTH], Errno> {
        self.read(at, LENGTH)?.try_into().map_err(|_| Errno::EFAULT)
    }

    /// A copy of what stands in these stretches behind the first `skip` bytes, at most `limit` bytes. It ends before the
    /// first page that is not there; `EFAULT` if nothing is.
    pub(super) fn gather(&self, stretches: &[Stretch], skip: u64, limit: usize) -> Result<Vec<u8>, Errno> {
        let parts = cut(stretches, skip, limit)?;
        let mut bytes = vec![0; parts.iter().map(|part| part.len).sum()];
        if !bytes.is_empty() {
            let count = process_vm_readv(self.process(), &mut [IoSliceMut::new(&mut bytes)], &parts)?;
            bytes.truncate(count);
        }
        self.waits()?;
        Ok(bytes)
    }

    /// Writes into its memory. Only while it waits; the time between the check and the write is too short for its number
    /// to be given to another process, which takes the kernel a round through all numbers.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.waits()?;
        let to = RemoteIoVec { base: place(at)?, len: bytes.len() };
        match process_vm_writev(self.process(), &[IoSlice::new(bytes)], &[to])? {
            count if count == bytes.len() => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.thread)
    }
}

/// The stretches without their first `skip` bytes and without what is beyond `limit`.
fn cut(stretches: &[Stretch], mut skip: u64, limit: usize) -> Result<Vec<RemoteIoVec>, Errno> {
    let mut left = limit as u64;
    let mut parts = Vec::new();
    for stretch in stretches {
        let skipped = skip.min(stretch.length);
        let length = (stretch.length - skipped).min(left);
        skip -= skipped;
        left -= length;
        if length > 0 {
            let at = stretch.at.checked_add(skipped).ok_or(Errno::EFAULT)?;
            parts.push(RemoteIoVec { base: place(at)?, len: length as usize });
        }
    }
    Ok(parts)
}

fn place(at: u64) -> Result<usize, Errno> {
    usize::try_from(at).map_err(|_| Errno::EFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_cut_at_both_ends() {
        let stretches = [(100, 10), (300, 0), (200, 5)].map(|(at, length)| Stretch { at, length });
        let cut = |skip, limit| {
            let parts = cut(&stretches, skip, limit).expect("no overflow");
            parts.into_iter().map(|part| (part.base, part.len)).collect::<Vec<_>>()
        };
        assert_eq!(cut(0, 100), [(100, 10), (200, 5)]);
        assert_eq!(cut(4, 8), [(104, 6), (200, 2)]);
        assert_eq!(cut(12, 100), [(202, 3)]);
        assert_eq!(cut(15, 100), []);
    }
}
