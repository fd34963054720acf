//! Machine code in memory that is mapped in every way there is, and is really run.

use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};
use nix::sys::personality::{self, Persona};
use nix::sys::uio::pread;

/// `mov eax, 42; ret`.
pub(crate) const CODE: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];

const PAGE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// How code gets where it can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `mmap` with `PROT_EXEC`.
    Map,
    /// The same, shared.
    MapShared,
    /// `mmap`, then `mprotect` with `PROT_EXEC`.
    Protect,
    /// `personality(READ_IMPLIES_EXEC)`, then `mmap` without `PROT_EXEC`.
    Implied,
}

/// Maps a file that begins with [`CODE`] and runs it.
///
/// # Errors
/// The kernel's; `ENOEXEC` where the file begins otherwise.
pub(crate) fn run_file(file: BorrowedFd<'_>, way: Way) -> Result<i32, Errno> {
    let mut begin = CODE.map(|byte| !byte);
    pread(file, &mut begin, 0)?;
    if begin != CODE {
        return Err(Errno::ENOEXEC);
    }
    let (first, then) = match way {
        Way::Map | Way::MapShared => (ProtFlags::PROT_READ | ProtFlags::PROT_EXEC, None),
        Way::Protect => (ProtFlags::PROT_READ, Some(ProtFlags::PROT_READ | ProtFlags::PROT_EXEC)),
        Way::Implied => (ProtFlags::PROT_READ, None),
    };
    if way == Way::Implied {
        personality::set(personality::get()? | Persona::READ_IMPLIES_EXEC)?;
    }
    let flags = if way == Way::MapShared { MapFlags::MAP_SHARED } else { MapFlags::MAP_PRIVATE };
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let place = unsafe { mmap(None, PAGE, first, flags, file, 0) }?;
    let protected = then.map_or(Ok(()), |flags| {
        // SAFETY: the page is the mapping that was just made, and nobody refers to it.
        unsafe { mprotect(place, PAGE.get(), flags) }
    });
    protected.map(|()| run(place))
}

/// Writes [`CODE`] into anonymous memory and runs it, as a just-in-time compiler does.
///
/// # Errors
/// The kernel's.
pub(crate) fn run_anonymous() -> Result<i32, Errno> {
    let writable = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let place = unsafe { mmap_anonymous(None, PAGE, writable, MapFlags::MAP_PRIVATE) }?;
    // SAFETY: the page is ours, writable and longer than the code.
    unsafe { std::ptr::copy_nonoverlapping(CODE.as_ptr(), place.as_ptr().cast(), CODE.len()) };
    // SAFETY: the page is the mapping that was just made, and nobody refers to it.
    unsafe { mprotect(place, PAGE.get(), ProtFlags::PROT_READ | ProtFlags::PROT_EXEC) }?;
    Ok(run(place))
}

/// Puts [`CODE`] into a System V segment and attaches it with `SHM_EXEC`.
///
/// # Errors
/// The kernel's.
pub(crate) fn run_segment() -> Result<i32, Errno> {
    // SAFETY: makes a segment; no memory is touched.
    let segment = Errno::result(unsafe { libc::shmget(libc::IPC_PRIVATE, PAGE.get(), 0o700) })?;
    let attach = |flags| {
        // SAFETY: the address is the kernel's choice, so that no memory of ours is touched.
        let place = unsafe { libc::shmat(segment, std::ptr::null(), flags) };
        if place as isize == -1 { Err(Errno::last()) } else { NonNull::new(place).ok_or(Errno::ENOMEM) }
    };
    let attached = attach(0).and_then(|place| {
        // SAFETY: the segment is a writable page of ours.
        unsafe { std::ptr::copy_nonoverlapping(CODE.as_ptr(), place.as_ptr().cast(), CODE.len()) };
        attach(libc::SHM_EXEC)
    });
    // SAFETY: marks our own segment for removal; it lives on while it is attached.
    unsafe { libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) };
    attached.map(run)
}

/// Calls the code at the beginning of a page and unmaps the page.
fn run(place: NonNull<libc::c_void>) -> i32 {
    // SAFETY: the page is mapped and executable, or the process ends by a signal, which is an outcome like any other;
    // it begins with `CODE`, which is a whole function of this type that changes one register.
    let answer =
        unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> i32>(place.as_ptr())() };
    // SAFETY: nothing refers to the page any more. (A segment is unmapped by this too, shmat(2).)
    let _ = unsafe { munmap(place, PAGE.get()) };
    answer
}
