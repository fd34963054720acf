//! What this host can enforce: facts found by trying, as plain data, so that decisions about them are pure.

use std::fmt;

/// A layer that enforces rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Landlock: files, TCP ports, IPC scopes.
    Landlock,
    /// seccomp: system calls and their scalar arguments.
    Seccomp,
    /// Resource limits of each process.
    Rlimit,
    /// The spawn stage: environment, descriptors, privileges.
    Spawn,
    /// The doorman on the MCP pipe.
    Doorman,
    /// The audit log.
    Audit,
    /// eBPF programs on kernel hooks.
    Ebpf,
    /// Control groups.
    Cgroup,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Rlimit => "rlimit",
            Self::Spawn => "spawn",
            Self::Doorman => "doorman",
            Self::Audit => "audit",
            Self::Ebpf => "ebpf",
            Self::Cgroup => "cgroup",
        })
    }
}

/// What this host can enforce. `Default` is a host that can enforce nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Support {
    /// `uname -r`.
    pub kernel: String,
    /// Landlock ABI as the kernel reports it; 0 when it is absent or disabled.
    pub landlock_abi: u32,
    /// seccomp filters can be installed.
    pub seccomp_filter: bool,
    /// Denied system calls can be reported to the supervisor (user notification).
    pub seccomp_notify: bool,
    /// The server runs with uid 0: `RLIMIT_NPROC` does not hold for it.
    pub server_is_root: bool,
    /// eBPF programs enforce for this session. False until the eBPF layer exists.
    pub ebpf: bool,
    /// The session has a control group of its own. False until the cgroup layer exists.
    pub cgroup: bool,
}
