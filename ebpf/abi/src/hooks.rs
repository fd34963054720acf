//! The security hooks that the programs stand on.
//!
//! Each program is loaded in one of two ways, with the same instructions: as `lsm/HOOK`, or, where `bpf` is not among the
//! active security modules, as `fmod_ret/security_HOOK`. The context is the hook's arguments either way.

/// When a hook is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// For every session; a kernel that lacks it has no eBPF layer.
    Always,
    /// For every session; a kernel may lack it (the note says since when it exists).
    WhereItExists,
    /// Only where a policy says `on_violation: { network: kill }`: it costs every `sendmsg` of the host, and the cgroup
    /// programs, which deny in its place, cannot send signals before Linux 6.16.
    ToKillSenders,
}

/// One hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The hook's name, without `security_`; the program has the same name.
    pub name: &'static str,
    /// When it is attached.
    pub need: Need,
}

impl Hook {
    /// The kernel function behind the hook, for `fmod_ret`; two of them have names of their own.
    pub fn function(&self) -> (&'static str, &'static str) {
        let name = match self.name {
            "bprm_check_security" => "bprm_check",
            "userns_create" => "create_user_ns",
            name => name,
        };
        ("security_", name)
    }
}

const fn always(name: &'static str) -> Hook {
    Hook { name, need: Need::Always }
}

const fn may_lack(name: &'static str) -> Hook {
    Hook { name, need: Need::WhereItExists }
}

/// Every hook.
pub const HOOKS: &[Hook] = &[
    always("task_alloc"),
    always("file_open"),
    always("file_receive"),
    always("bprm_creds_for_exec"),
    always("bprm_check_security"),
    always("mmap_file"),
    always("file_mprotect"),
    always("path_mknod"),
    always("path_mkdir"),
    always("path_symlink"),
    always("path_link"),
    always("path_unlink"),
    always("path_rmdir"),
    always("path_rename"),
    always("path_truncate"),
    always("path_chmod"),
    always("path_chown"),
    always("socket_create"),
    always("socket_connect"),
    always("socket_bind"),
    always("unix_stream_connect"),
    always("unix_may_send"),
    always("ptrace_access_check"),
    always("ptrace_traceme"),
    always("task_kill"),
    always("bpf"),
    always("sb_mount"),
    always("sb_umount"),
    always("sb_pivotroot"),
    always("move_mount"),
    may_lack("userns_create"),        // Linux 6.1
    may_lack("uring_override_creds"), // Linux 5.16
    may_lack("uring_sqpoll"),         // Linux 5.16
    Hook { name: "socket_sendmsg", need: Need::ToKillSenders },
];
