//! Reading the kernel's memory, in two ways.
//!
//! [`Typed`] is a pointer whose structure the verifier knows: reading a field is one instruction. [`Raw`] is an address
//! that is just a number: reading takes a helper call, but any number may be tried, and it may fail.

use core::ffi::c_void;
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

    /// A field that is a pointer.
    #[inline(always)]
    pub(crate) fn follow(self, offset: &Global<u32>) -> Self {
        // SAFETY: the verifier admits the load only inside of the structure, and the kernel catches a fault.
        Self(unsafe { ptr::read_volatile(self.within(offset).0.cast::<*const u8>()) })
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

    /// Reads a value from the address; `None` if nothing is mapped there.
    #[inline(always)]
    pub(crate) fn read<T: Copy + Default>(self) -> Option<T> {
        let mut value = T::default();
        let into = (&raw mut value).cast();
        // SAFETY: the helper writes just the value's own bytes, and any bytes are a value of the types used here.
        let failed = unsafe { bpf_probe_read_kernel(into, size_of::<T>() as u32, self.0 as *const c_void) };
        if failed == 0 { Some(value) } else { None }
    }

    /// A field that is a pointer.
    #[inline(always)]
    pub(crate) fn follow(self, offset: &Global<u32>) -> Option<Self> {
        self.within(offset).read().map(Self)
    }
}
