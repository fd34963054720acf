//! Attaching programs, and pinning what attaches them.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use aya_obj::generated::{bpf_attach_type, bpf_cmd, bpf_link_info};
use nix::errno::Errno;

use super::bpf::{address, bpf, descriptor, info, number};

#[repr(C)]
#[derive(Default)]
struct TracepointAttributes {
    name: u64,
    program: u32,
    padding: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkAttributes {
    program: u32,
    target: u32,
    attach: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct PathAttributes {
    path: u64,
    object: u32,
    flags: u32,
}

/// Attaches a program to its hook (`None`), or to a raw tracepoint of this name. The link lives as long as its
/// descriptor or a pin of it.
pub(crate) fn attach_tracing(program: BorrowedFd<'_>, name: Option<&CStr>) -> Result<OwnedFd, Errno> {
    let mut attributes = TracepointAttributes {
        name: name.map_or(0, |name| address(name.as_ptr())),
        program: number(program),
        padding: 0,
    };
    // SAFETY: the name is null or a live string that a zero byte ends.
    descriptor(unsafe { bpf(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attributes) }?)
}

/// Attaches a program to a control group and everything beneath (Linux 5.7).
pub(crate) fn attach_cgroup(
    program: BorrowedFd<'_>,
    cgroup: BorrowedFd<'_>,
    attach: bpf_attach_type,
) -> Result<OwnedFd, Errno> {
    let mut attributes =
        LinkAttributes { program: number(program), target: number(cgroup), attach: attach as u32, flags: 0 };
    // SAFETY: the command takes no pointers.
    descriptor(unsafe { bpf(bpf_cmd::BPF_LINK_CREATE, &mut attributes) }?)
}

/// The id of the control group that a link of [`attach_cgroup`] is attached to; 0 once somebody has detached it
/// (`BPF_LINK_DETACH`, Linux 5.9) or the group is gone.
pub(crate) fn link_cgroup(link: BorrowedFd<'_>) -> Result<u64, Errno> {
    // SAFETY: the kernel's structure for links.
    let info: bpf_link_info = unsafe { info(link) }?;
    // SAFETY: the kernel has filled this part for a link to a control group; any bytes are a number.
    Ok(unsafe { info.__bindgen_anon_1.cgroup.cgroup_id })
}

/// Gives a link, map or program a name in a bpf file system; it then lives as long as that name.
pub(crate) fn object_pin(object: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let mut attributes = PathAttributes { path: address(path.as_ptr()), object: number(object), flags: 0 };
    // SAFETY: the path is a live string that a zero byte ends.
    unsafe { bpf(bpf_cmd::BPF_OBJ_PIN, &mut attributes) }.map(|_| ())
}

/// The link, map or program that has this name in a bpf file system.
pub(crate) fn object_get(path: &CStr) -> Result<OwnedFd, Errno> {
    let mut attributes = PathAttributes { path: address(path.as_ptr()), object: 0, flags: 0 };
    // SAFETY: the path is a live string that a zero byte ends.
    descriptor(unsafe { bpf(bpf_cmd::BPF_OBJ_GET, &mut attributes) }?)
}
