//! The word that follows the tool calls: a map of one value, in this process's own memory.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::{Active, Budget, CLASSES, Spending};
use nix::errno::Errno;

/// A map of one [`Active`], made with `BPF_F_MMAPABLE` (Linux 5.5) and mapped for writing.
#[derive(Debug)]
pub(crate) struct ActiveMemory {
    words: NonNull<AtomicU64>,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is only touched by atomic operations.
unsafe impl Send for ActiveMemory {}
// SAFETY: as above.
unsafe impl Sync for ActiveMemory {}

const MASK: usize = std::mem::offset_of!(Active, mask) / size_of::<u64>();
const CALL: usize = std::mem::offset_of!(Active, call) / size_of::<u64>();
const TOLD: usize = std::mem::offset_of!(Active, told) / size_of::<u64>();
const BUDGETS: usize = std::mem::offset_of!(Active, budgets) / size_of::<u64>();
const BUDGET: usize = size_of::<Budget>() / size_of::<u64>();
const GRANTED: usize = std::mem::offset_of!(Budget, granted) / size_of::<u64>();
const SPENT: usize = std::mem::offset_of!(Budget, spent) / size_of::<u64>();
/// Its other half is padding.
const RULE: usize = std::mem::offset_of!(Budget, rule) / size_of::<u64>();

/// The index of a class's budget; classes are taken modulo their number.
fn budget(what: Spending, class: u8) -> usize {
    BUDGETS + (what as usize * CLASSES + usize::from(class) % CLASSES) * BUDGET
}

/// A child does not get this mapping. None needs it, and a fork copies mappings one by one: the host daemon has one for each
/// session, and forks for each proof. Where the kernel refuses, a fork only takes longer (`madvise(2)`, `MADV_DONTFORK`).
pub(super) fn not_for_children(start: *mut libc::c_void, length: usize) {
    // SAFETY: it changes no memory of this process, and no child looks there: what is forked here executes another program
    // or makes system calls only.
    let _ = unsafe { libc::madvise(start, length, libc::MADV_DONTFORK) };
}

impl ActiveMemory {
    pub(crate) fn new(map: BorrowedFd<'_>) -> Result<Self, Errno> {
        // SAFETY: a new mapping at an address of the kernel's choice; it changes no existing one.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<Active>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(start.cast::<AtomicU64>()) {
            Some(words) if start != libc::MAP_FAILED => {
                not_for_children(start, size_of::<Active>());
                Ok(Self { words })
            }
            _ => Err(Errno::last()),
        }
    }

    pub(crate) fn store(&self, mask: u64, call: u64) {
        // Whoever sees the new set in a record sees the call that opened it.
        self.word(CALL).store(call, Ordering::Relaxed);
        self.word(MASK).store(mask, Ordering::Release);
    }

    pub(crate) fn load(&self) -> (u64, u64) {
        (self.word(MASK).load(Ordering::Acquire), self.word(CALL).load(Ordering::Relaxed))
    }

    pub(crate) fn told(&self) -> u64 {
        self.word(TOLD).load(Ordering::Acquire)
    }

    pub(crate) fn grant(&self, what: Spending, class: u8, upto: u64) {
        self.word(budget(what, class) + GRANTED).store(upto, Ordering::Release);
    }

    pub(crate) fn spent(&self, what: Spending, class: u8) -> u64 {
        self.word(budget(what, class) + SPENT).load(Ordering::Acquire)
    }

    pub(crate) fn name_rule(&self, what: Spending, class: u8, rule: u32) {
        let [a, b, c, d] = rule.to_ne_bytes();
        let word = u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0]);
        self.word(budget(what, class) + RULE).store(word, Ordering::Release);
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        // SAFETY: the mapping is a whole page, page-aligned, and lives as long as `self`; all indices lie in its first
        // `Active`. Everybody else, the programs included, treats these words as single 64-bit words too.
        unsafe { self.words.add(index).as_ref() }
    }
}

impl Drop for ActiveMemory {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `new` made, and no reference into it outlives `self`.
        unsafe { libc::munmap(self.words.as_ptr().cast(), size_of::<Active>()) };
    }
}
