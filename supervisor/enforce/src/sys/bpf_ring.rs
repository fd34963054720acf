//! The ring of events in this process's memory, read without letting go of what was read: a record stays until it is
//! consumed, so that whoever comes after a reader that died finds it again.
//!
//! Source: `Documentation/bpf/ringbuf.rst`; the layout is that of `kernel/bpf/ringbuf.c` and libbpf's `ringbuf.c`: one page
//! with the consumer's position, one with the producer's, then the data twice in a row, so that no record is cut.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::errno::Errno;

use super::bpf_memory::not_for_children;
use nix::unistd::{SysconfVar, sysconf};

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
/// Length and flags, and a word of the kernel's.
const HEAD: u64 = 8;

/// A ring of so many bytes of data (a power of two).
#[derive(Debug)]
pub(crate) struct RingMemory {
    consumer: NonNull<AtomicU64>,
    producer: NonNull<AtomicU64>,
    page: usize,
    size: usize,
}

// SAFETY: the mappings belong to the process; positions are touched by atomic operations only, and records are read between
// the two positions, where the kernel writes no more.
unsafe impl Send for RingMemory {}

/// What is at a position.
pub(crate) enum RingRecord<'a> {
    /// Nothing, or something that is still being written.
    Nothing,
    /// A record; the next one is at this position.
    Bytes(&'a [u8], u64),
    /// One that its writer took back.
    Discarded(u64),
}

impl RingMemory {
    /// Maps a `BPF_MAP_TYPE_RINGBUF` (Linux 5.8). `EINVAL` unless `size` is the map's.
    pub(crate) fn new(map: BorrowedFd<'_>, size: usize) -> Result<Self, Errno> {
        let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|page| usize::try_from(page).ok());
        let page = page.ok_or(Errno::EINVAL)?;
        let readable = libc::PROT_READ;
        let consumer = map_at(map, page, readable | libc::PROT_WRITE, 0)?;
        let rest = page.checked_add(2 * size).ok_or(Errno::EINVAL)?;
        match map_at(map, rest, readable, page) {
            Ok(producer) => Ok(Self { consumer, producer, page, size }),
            Err(errno) => {
                // SAFETY: the mapping that was just made.
                unsafe { libc::munmap(consumer.as_ptr().cast(), page) };
                Err(errno)
            }
        }
    }

    /// Up to where records were consumed, by whomever.
    pub(crate) fn consumed(&self) -> u64 {
        // SAFETY: the first word of the mapped page.
        unsafe { self.consumer.as_ref() }.load(Ordering::Acquire)
    }

    /// Up to where records were written, or begun.
    pub(crate) fn written(&self) -> u64 {
        // SAFETY: the first word of the mapped page.
        unsafe { self.producer.as_ref() }.load(Ordering::SeqCst)
    }

    /// The record at a position between [`Self::consumed`] and what the kernel has written.
    pub(crate) fn at(&self, position: u64) -> RingRecord<'_> {
        if position >= self.written() {
            return RingRecord::Nothing;
        }
        let offset = (position as usize) & (self.size - 1);
        // SAFETY: the offset lies within the data; records are aligned to eight bytes.
        let head = unsafe { self.data().add(offset).cast::<AtomicU32>().as_ref() }
            .map(|word| word.load(Ordering::Acquire));
        let Some(head) = head.filter(|head| head & BUSY == 0) else { return RingRecord::Nothing };
        let length = (head & !(BUSY | DISCARDED)) as usize;
        let next = position + (length as u64 + HEAD).next_multiple_of(8);
        if length > self.size || head & DISCARDED != 0 {
            return RingRecord::Discarded(next);
        }
        // SAFETY: the data is mapped twice in a row, so that `size` bytes follow every offset; the record is complete, and
        // the kernel writes there again only after it was consumed, which takes `&mut self`.
        let bytes = unsafe { std::slice::from_raw_parts(self.data().add(offset + HEAD as usize), length) };
        RingRecord::Bytes(bytes, next)
    }

    /// Everything before this position may be overwritten. The kernel wakes for a record that is written behind it from now
    /// on, and one that was written before is seen by whoever looks afterwards.
    pub(crate) fn consume(&mut self, position: u64) {
        // SAFETY: the first word of the mapped page.
        unsafe { self.consumer.as_ref() }.store(position, Ordering::SeqCst);
    }

    fn data(&self) -> *const u8 {
        // SAFETY: the data follows the producer's page in the same mapping.
        unsafe { self.producer.as_ptr().cast::<u8>().add(self.page) }
    }
}

fn map_at(
    map: BorrowedFd<'_>,
    length: usize,
    protection: i32,
    offset: usize,
) -> Result<NonNull<AtomicU64>, Errno> {
    let offset = libc::off_t::try_from(offset).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a new mapping at an address of the kernel's choice; it changes no existing one.
    let start = unsafe {
        libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, map.as_raw_fd(), offset)
    };
    match NonNull::new(start.cast::<AtomicU64>()) {
        Some(words) if start != libc::MAP_FAILED => {
            not_for_children(start, length);
            Ok(words)
        }
        _ => Err(Errno::last()),
    }
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        // SAFETY: the two mappings that `new` made; no reference into them outlives `self`.
        unsafe {
            libc::munmap(self.consumer.as_ptr().cast(), self.page);
            libc::munmap(self.producer.as_ptr().cast(), self.page + 2 * self.size);
        }
    }
}
