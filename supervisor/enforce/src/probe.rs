//! What this host can enforce, found by asking the kernel. Changes nothing in this process.

use policy::Support;

use crate::sys;

/// Asks the kernel for each mechanism. eBPF and control groups are other layers' and stay `false` here.
pub fn probe() -> Support {
    let filter = sys::filters_available();
    Support {
        kernel: kernel_release(),
        landlock_abi: sys::abi(),
        seccomp_filter: filter,
        seccomp_notify: filter && sys::notifications_available(),
        server_is_root: nix::unistd::geteuid().is_root(),
        ebpf: false,
        cgroup: false,
    }
}

fn kernel_release() -> String {
    nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default()
}
