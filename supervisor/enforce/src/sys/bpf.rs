//! The bpf system call. Source: `bpf(2)`, `include/uapi/linux/bpf.h`.
//!
//! Every command passes one structure whose first fields are those of the kernel's union; the kernel takes shorter
//! forms and treats what is missing as zero.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use aya_obj::generated::bpf_cmd;
use nix::errno::Errno;

use super::check;

/// The system call itself.
///
/// # Safety
/// Each address in the attributes must be null or valid for what the command does with it.
pub(super) unsafe fn bpf<T>(command: bpf_cmd, attributes: &mut T) -> Result<libc::c_long, Errno> {
    // SAFETY: the attributes are a live structure of the size given; for what is behind them the caller vouches.
    check(unsafe { libc::syscall(libc::SYS_bpf, command as u32, &raw mut *attributes, size_of::<T>()) })
}

#[repr(C)]
#[derive(Default)]
struct InfoAttributes {
    object: u32,
    length: u32,
    info: u64,
}

/// What the kernel tells about a program, a map or a link.
///
/// # Safety
/// `T` must be one of the kernel's structures for it: plain integers, for which all zeroes is a value and asks for no
/// array behind a pointer.
pub(super) unsafe fn info<T>(object: BorrowedFd<'_>) -> Result<T, Errno> {
    // SAFETY: the caller's promise.
    let mut info: T = unsafe { std::mem::zeroed() };
    let mut attributes = InfoAttributes {
        object: number(object),
        length: size(size_of::<T>())?,
        info: address(&raw mut info),
    };
    // SAFETY: the structure lives, has the length given, and all its pointers are null.
    unsafe { bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    Ok(info)
}

pub(super) fn descriptor(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let number = RawFd::try_from(result).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: these commands return a new descriptor (close-on-exec) that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

pub(super) fn number(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

pub(super) fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

pub(super) fn size(length: usize) -> Result<u32, Errno> {
    u32::try_from(length).map_err(|_| Errno::E2BIG)
}

/// What `bpftool` shows: whose it is, and as much of its name as 15 bytes hold. The kernel refuses all but letters,
/// digits, `_` and `.`.
pub(super) fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    for (place, byte) in name[..15].iter_mut().zip(b"mcpg_".iter().copied().chain(text.bytes())) {
        *place = if allowed(byte) { byte } else { b'_' };
    }
    name
}
