//! How user space learns the address of an inode: it asks for the attributes of a descriptor that it holds open.

use aya_ebpf::helpers::generated::bpf_get_current_pid_tgid;
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;

use crate::fields::{DENTRY_INODE, PATH_DENTRY};
use crate::kernel::Typed;
use crate::maps::{REGISTERED, REGISTRAR};

/// Attached only while rules are registered. It changes nothing and denies nothing.
#[lsm(hook = "inode_getattr")]
pub(crate) fn register(ctx: LsmContext) -> i32 {
    let (Some(registrar), Some(registered)) = (REGISTRAR.get(0), REGISTERED.get_ptr_mut(0)) else {
        return 0;
    };
    // SAFETY: the helper has no preconditions.
    if *registrar == unsafe { bpf_get_current_pid_tgid() } {
        let inode = Typed::new(ctx.arg(0)).follow(&PATH_DENTRY).follow(&DENTRY_INODE);
        // SAFETY: a map value.
        unsafe { inode.store(registered) };
    }
    0
}
