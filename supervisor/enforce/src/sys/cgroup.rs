//! Extended attributes of a group's directory. Source: `fgetxattr(2)`.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Whether the attribute is there and has exactly this value.
pub(crate) fn attribute_is(file: BorrowedFd<'_>, name: &CStr, value: &[u8]) -> bool {
    let mut found = [0_u8; 16];
    // SAFETY: the name ends with NUL; the kernel writes at most `found.len()` bytes into a live array.
    let read = check(unsafe {
        libc::fgetxattr(file.as_raw_fd(), name.as_ptr(), found.as_mut_ptr().cast(), found.len())
            as libc::c_long
    });
    read.ok()
        .and_then(|length| usize::try_from(length).ok())
        .is_some_and(|length| found.get(..length) == Some(value))
}
