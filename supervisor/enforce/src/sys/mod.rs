//! The system calls that neither `nix` nor `caps` nor `landlock` wraps: the only unsafe code of mcpguard.
//!
//! Each function checks what it can, wraps one call, and turns its result into an `Errno`. Nothing here decides anything.
#![expect(unsafe_code, reason = "system calls without a safe wrapper; every block says why it is sound")]

mod bpf;
mod bpf_element;
mod bpf_layout;
mod bpf_link;
mod bpf_map;
mod bpf_memory;
mod bpf_program;
mod bpf_request;
mod bpf_ring;
mod capabilities;
mod cgroup;
mod descriptors;
mod gate_probe;
mod landlock;
mod process;
mod seccomp;
mod sockets;
mod threads;

pub(crate) use bpf_element::Elements;
#[cfg(test)]
pub(crate) use bpf_layout::event_bytes;
pub(crate) use bpf_layout::{Plain, read_event};
pub(crate) use bpf_link::{attach_cgroup, attach_tracing, link_cgroup, object_get, object_pin};
pub(crate) use bpf_map::{MapShape, Mutability, map_by_id, map_create, map_entries, section_create};
pub(crate) use bpf_memory::ActiveMemory;
pub(crate) use bpf_program::{Program, program_info, program_load, types_load};
pub(crate) use bpf_request::process_request;
pub(crate) use bpf_ring::{RingMemory, RingRecord};
pub(crate) use capabilities::Unprivileged;
pub(crate) use cgroup::attribute_is;
pub(crate) use descriptors::{
    Received, close_from, inherited, move_descriptor, pidfd_open, receive_descriptors, signal_pidfd,
};
pub(crate) use gate_probe::{ASKED, Reporter, start_reporter};
pub(crate) use landlock::{abi, restrict_udp};
pub(crate) use process::{
    close_secure_bits, dies_with, execute, fork, fork_beside_threads, fork_for_parent, goes_first,
    has_one_thread, parent_death_signal, reset_signals,
};
pub(crate) use seccomp::{
    Listen, Notification, Waking, answer_notification, answer_with, check_notification, filters_available,
    install, notifications_available, receive_notification, set_waking,
};
pub(crate) use sockets::{
    End, LONGEST_ADDRESS, Outgoing, bind, connect, listen, name, option, peer_groups, receive, send,
};
pub(crate) use threads::{duplicate_of, open_thread, signal_thread};

use nix::errno::Errno;

/// `-1` means that `errno` holds the reason.
fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}
