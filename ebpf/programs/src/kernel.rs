//! Reading the kernel's memory, in two ways.
//!
//! [`Typed`] is a pointer whose structure the verifier knows: reading a field is one instruction. [`Raw`] is an address
//! that is just a number: reading takes a helper call, but any number may be tried, and it may fail.

use core::arch::asm;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use abi::Task;
use aya_ebpf::Global;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;

/// A pointer to a kernel structure that the verifier knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Typed(*const u8);

impl Typed {
    /// A hook's argument, or what a helper returned.
    #[inline(always)]
    pub(crate) fn new(pointer: *const u8) -> Self {
        Self(pointer)
    }

    /// The pointer itself, for helpers.
    #[inline(always)]
    pub(crate) fn raw(self) -> *mut c_void {
        self.0.cast_mut().cast()
    }

    /// Whether it points nowhere. The verifier may believe a hook's argument without looking; [`Self::address`] looks.
    #[inline(always)]
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// An embedded structure.
    #[inline(always)]
    pub(crate) fn within(self, offset: &Global<u32>) -> Self {
        Self(self.0.wrapping_add(offset.load() as usize))
    }

    /// A place some bytes further.
    #[inline(always)]
    pub(crate) fn beyond(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// Whether this is the address.
    #[inline(always)]
    pub(crate) fn is_at(self, address: u64) -> bool {
        self.0.addr() as u64 == address
    }

    /// 64 bits some bytes further.
    #[inline(always)]
    pub(crate) fn long_at(self, bytes: usize) -> u64 {
        // SAFETY: as in `follow`.
        unsafe { ptr::read_volatile(self.beyond(bytes).0.cast::<u64>()) }
    }

    /// A field that is a pointer.
    #[inline(always)]
    pub(crate) fn follow(self, offset: &Global<u32>) -> Self {
        self.follow_at(offset.load())
    }

    /// The same, for an offset that was loaded before a loop.
    #[inline(always)]
    pub(crate) fn follow_at(self, offset: u32) -> Self {
        // SAFETY: the verifier admits the load only inside of the structure, and the kernel catches a fault.
        Self(unsafe { ptr::read_volatile(self.beyond(offset as usize).0.cast::<*const u8>()) })
    }

    /// A field of 32 bits.
    #[inline(always)]
    pub(crate) fn word(self, offset: &Global<u32>) -> u32 {
        // SAFETY: as in `follow`.
        unsafe { ptr::read_volatile(self.within(offset).0.cast::<u32>()) }
    }

    /// A field of 64 bits.
    #[inline(always)]
    pub(crate) fn long(self, offset: &Global<u32>) -> u64 {
        // SAFETY: as in `follow`.
        unsafe { ptr::read_volatile(self.within(offset).0.cast::<u64>()) }
    }

    /// Stores the address as a number, into the current task's storage or a map.
    ///
    /// # Safety
    /// `into` can be written to.
    #[inline(always)]
    pub(crate) unsafe fn store(self, into: *mut u64) {
        // SAFETY: the caller's promise.
        unsafe { ptr::write_volatile(into.cast::<*const u8>(), self.0) };
    }

    /// The same, and reads it back as a number.
    #[inline(always)]
    pub(crate) fn number(self, into: &mut u64) -> u64 {
        // SAFETY: a live reference, as in `address`.
        unsafe {
            self.store(into);
            ptr::read_volatile(into)
        }
    }

    /// The address as a number. The verifier forbids to compute with pointers, but not to read back what was stored.
    #[inline(always)]
    pub(crate) fn address(self, task: *mut Task) -> Raw {
        // SAFETY: `task` is the current task's own storage.
        unsafe {
            let word = &raw mut (*task).word;
            self.store(word);
            Raw(ptr::read_volatile(word))
        }
    }
}

/// An address that is just a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw(pub(crate) u64);

impl Raw {
    /// An embedded structure.
    #[inline(always)]
    pub(crate) fn within(self, offset: &Global<u32>) -> Self {
        Self(self.0.wrapping_add(u64::from(offset.load())))
    }

    /// The structure around an embedded one.
    #[inline(always)]
    pub(crate) fn around(self, offset: &Global<u32>) -> Self {
        Self(self.0.wrapping_sub(u64::from(offset.load())))
    }
}

/// Reads at plain addresses. A read that fails gives zero and is remembered: one question at the end costs the verifier
/// less than one after every read.
pub(crate) struct Memory {
    failed: i64,
}

impl Memory {
    /// Nothing has failed yet.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self { failed: 0 }
    }

    /// Whether some read has failed, so that nothing that was read may be believed.
    #[inline(always)]
    pub(crate) fn has_failed(&self) -> bool {
        self.failed != 0
    }

    /// Reads a value.
    #[inline(always)]
    pub(crate) fn read<T: Copy>(&mut self, from: Raw) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        let (into, size) = (value.as_mut_ptr(), size_of::<T>() as u32);
        // SAFETY: the helper writes just the value's own bytes, zeroes where it fails, and any bytes are a value of the
        // integers used here.
        unsafe {
            self.failed |= bpf_probe_read_kernel(into.cast(), size, from.0 as *const c_void);
            value.assume_init()
        }
    }

    /// Reads a field that is a pointer.
    #[inline(always)]
    pub(crate) fn follow(&mut self, from: Raw, offset: &Global<u32>) -> Raw {
        Raw(self.read(from.within(offset)))
    }
}

/// The same number, of which the compiler knows nothing: it then checks and uses one register, as the verifier wants it.
#[inline(always)]
pub(crate) fn opaque(mut number: usize) -> usize {
    // SAFETY: no instruction.
    unsafe { asm!("/* {0} */", inout(reg) number, options(nomem, nostack, preserves_flags)) };
    number
}
