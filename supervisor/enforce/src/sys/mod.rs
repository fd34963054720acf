//! The system calls that neither `nix` nor `caps` nor `landlock` wraps: the only unsafe code of mcpguard.
//!
//! Each function checks what it can, wraps one call, and turns its result into an `Errno`. Nothing here decides anything.
#![expect(unsafe_code, reason = "system calls without a safe wrapper; every block says why it is sound")]

mod descriptors;
mod landlock;
mod process;
mod seccomp;

pub(crate) use descriptors::{close_from, move_descriptor, pidfd_open, receive_descriptors, signal_pidfd};
pub(crate) use landlock::{abi, restrict_udp};
pub(crate) use process::{close_secure_bits, fork, has_one_thread, parent_death_signal, reset_signals};
pub(crate) use seccomp::{
    Listen, Notification, answer_notification, check_notification, filters_available, install,
    notifications_available, receive_notification,
};

use nix::errno::Errno;

/// `-1` means that `errno` holds the reason.
fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}
