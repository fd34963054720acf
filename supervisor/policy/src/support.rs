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
    /// The session's own resolver and proxy: which names are looked up, and which are spoken on connections.
    Resolver,
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
            Self::Resolver => "resolver",
        })
    }
}

/// How eBPF programs stand on the kernel's security hooks. The programs and what they deny are the same either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookWay {
    /// As a security module of their own; `bpf` is among the active ones.
    Lsm,
    /// Before the security modules, at the functions that call them.
    FmodRet,
}

impl fmt::Display for HookWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lsm => "lsm",
            Self::FmodRet => "fmod_ret",
        })
    }
}

/// What eBPF programs enforce for a session here. Two facts, because hosted kernels often run the one kind and refuse
/// the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ebpf {
    /// Programs on the security hooks: files, programs, unix sockets, an immediate end.
    pub hooks: Option<HookWay>,
    /// Why there are none, where there are none: a sentence without its full stop.
    pub hooks_missing: Option<String>,
    /// Programs on the session's control group: addresses, ports, connections and bytes.
    pub network: bool,
    /// Why there are none, where there are none: a sentence without its full stop.
    pub network_missing: Option<String>,
}

/// What a control group gives to a session here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupSupport {
    /// The session has a group of its own in the unified hierarchy (version 2), which can be frozen and killed.
    pub identity: bool,
    /// Its memory is limited.
    pub memory: bool,
    /// Its share of processors is limited.
    pub cpu: bool,
    /// Its processes and threads are limited.
    pub processes: bool,
    /// Why something of this is missing, where it is: a sentence without its full stop.
    pub missing: Option<String>,
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
    /// Connecting, sending and binding can be carried out by the supervisor on the server's own sockets (user notification
    /// that no signal interrupts, Linux 5.19, and `pidfd_getfd`), so that addresses are judged without root.
    pub seccomp_gate: bool,
    /// The server runs with uid 0: `RLIMIT_NPROC` does not hold for it.
    pub server_is_root: bool,
    /// eBPF programs.
    pub ebpf: Ebpf,
    /// The session's control group.
    pub cgroup: CgroupSupport,
}
