//! The system calls that neither `nix` nor `caps` nor `landlock` wraps: the only unsafe code of mcpguard.
//!
//! Each function checks what it can, wraps one call, and turns its result into an `Errno`. Nothing here decides anything.
#![expect(unsafe_code, reason = "system calls without a safe wrapper; every block says why it is sound")]

mod bpf;
mod bpf_layout;
mod bpf_link;
mod bpf_map;
mod bpf_memory;
mod bpf_program;
mod bpf_request;
mod cgroup;
mod descriptors;
mod landlock;
mod process;
mod seccomp;

#[cfg(test)]
pub(crate) use bpf_layout::event_bytes;
pub(crate) use bpf_layout::{Plain, read_event};
pub(crate) use bpf_link::{attach_cgroup, attach_tracing, link_cgroup, object_pin};
pub(crate) use bpf_map::{MapShape, Mutability, map_create, section_create};
pub(crate) use bpf_memory::ActiveMemory;
pub(crate) use bpf_program::{Program, program_info, program_load, types_load};
pub(crate) use bpf_request::process_request;
pub(crate) use cgroup::attribute_is;
pub(crate) use descriptors::{close_from, move_descriptor, pidfd_open, receive_descriptors, signal_pidfd};
pub(crate) use landlock::{abi, restrict_udp};
pub(crate) use process::{
    close_secure_bits, dies_with, fork, has_one_thread, parent_death_signal, reset_signals,
};
pub(crate) use seccomp::{
    Listen, Notification, answer_notification, check_notification, filters_available, install,
    notifications_available, receive_notification,
};

use nix::errno::Errno;

/// `-1` means that `errno` holds the reason.
fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}
