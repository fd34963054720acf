//! What this host can enforce, found by asking the kernel. Changes nothing in this process.

use policy::{CgroupSupport, Ebpf, Support};

use crate::sys;

/// Asks the kernel for each mechanism. What eBPF and control groups can do is found
/// out by those layers and stays absent here.
pub fn probe() -> Support {
    let filter = sys::filters_available();
    Support {
        kernel: kernel_release(),
        landlock_abi: sys::abi(),
        seccomp_filter: filter,
        seccomp_notify: filter && sys::notifications_available(),
        server_is_root: nix::unistd::geteuid().is_root(),
        ebpf: Ebpf::default(),
        cgroup: CgroupSupport::default(),
    }
}

fn kernel_release() -> String {
    nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default()
}
