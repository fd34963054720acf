//! What this host can enforce, found by asking the kernel. Changes nothing in this process.

use policy::{CgroupSupport, Ebpf, Support};

use crate::{bpf, cgroup, notify, sys};

/// Asks the kernel for each mechanism, by trying; one is tried in a child that ends at once. As root that loads eBPF programs and makes control groups, and takes them
/// away again; it takes some milliseconds.
pub fn probe() -> Support {
    let (ebpf, cgroup) = of_root();
    Support { ebpf, cgroup, ..probe_without_root() }
}

/// The same without what only root has: no eBPF program is tried, no control group made.
pub fn probe_without_root() -> Support {
    let filter = sys::filters_available();
    let notify = filter && sys::notifications_available();
    Support {
        kernel: kernel_release(),
        landlock_abi: sys::abi(),
        seccomp_filter: filter,
        seccomp_notify: notify,
        seccomp_gate: notify && notify::is_possible(),
        server_is_root: nix::unistd::geteuid().is_root(),
        ebpf: Ebpf::default(),
        cgroup: CgroupSupport::default(),
    }
}

/// What only root has. The programs of the network stand on the session's control group.
fn of_root() -> (Ebpf, CgroupSupport) {
    if !nix::unistd::geteuid().is_root() {
        return (Ebpf::default(), CgroupSupport::default());
    }
    let cgroup = cgroup::probe().support();
    let mut ebpf = bpf::probe().support().clone();
    if ebpf.network && !cgroup.identity {
        ebpf.network = false;
        ebpf.network_missing = Some("there is no control group of version 2 to attach them to".to_owned());
    }
    (ebpf, cgroup)
}

fn kernel_release() -> String {
    nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default()
}
