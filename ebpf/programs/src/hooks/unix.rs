//! Unix sockets: whose they are, or where they lie.

use abi::{EventKind, Reason};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use verdict::{Denial, network};

use crate::climb;
use crate::fields::{CGROUP_NODE, NODE_ID, PATH_DENTRY, PATH_MOUNT, SOCK_CGROUP, SOCKET_SOCK, UNIX_PATH};
use crate::kernel::{Memory, Typed};
use crate::rules;
use crate::scope::{self, Subject};

#[lsm(hook = "unix_stream_connect")]
pub(crate) fn unix_stream_connect(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Unix, |subject| peer(subject, Typed::new(ctx.arg(1))))
}

#[lsm(hook = "unix_may_send")]
pub(crate) fn unix_may_send(ctx: LsmContext) -> i32 {
    scope::judge(EventKind::Unix, |subject| peer(subject, Typed::new(ctx.arg(1)).follow(&SOCKET_SOCK)))
}

/// A peer of the same session, or one whose path is granted.
#[inline(always)]
fn peer(subject: &Subject, other: Typed) -> Result<(), Denial> {
    // SAFETY: the session is a map value, the decision the task's own storage.
    let own = unsafe {
        (*subject.task).decision.access = u32::from(network::AF_UNIX);
        (*subject.task).decision.address.family = network::AF_UNIX;
        (*subject.session).cgroup
    };
    if other.is_null() {
        return Err(Denial::of(Reason::Foreign));
    }
    if own != 0 && other.follow(&SOCK_CGROUP).follow(&CGROUP_NODE).long(&NODE_ID) == own {
        return Ok(());
    }
    let path = other.address(subject.task).within(&UNIX_PATH);
    let mut memory = Memory::new();
    let (mount, dentry) = (memory.follow(path, &PATH_MOUNT), memory.follow(path, &PATH_DENTRY));
    if memory.has_failed() || dentry.0 == 0 {
        return Err(Denial::of(Reason::Foreign));
    }
    climb::from_address(subject, mount, dentry)?;
    rules::socket(subject)
}
