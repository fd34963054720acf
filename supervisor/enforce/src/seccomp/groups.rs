//! The calls that run whatever their arguments, in named groups, each with the reason why it is there.
//!
//! What stands in no group here, and has no rule in `arguments` or `network`, is refused: see `refused` for why.

/// Calls that stand or fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// A short name, for reports.
    pub(crate) name: &'static str,
    /// Why a server needs it, or must not have it.
    pub(crate) reason: &'static str,
    /// The calls by name. Those that this architecture lacks are skipped.
    pub(crate) calls: &'static [&'static str],
}

/// What every server needs, also under the profile `strict`.
pub(crate) const ALWAYS: &[Group] = &[
    Group {
        name: "descriptors",
        reason: "reading and writing what is open; Landlock has decided at the open",
        calls: &[
            "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2",
            "lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "flock", "fsync", "fdatasync", "sync",
            "syncfs", "sync_file_range", "ftruncate", "fallocate", "fadvise64", "readahead", "sendfile", "splice",
            "tee", "copy_file_range", "pipe", "pipe2", "cachestat",
        ],
    },
    Group {
        name: "paths",
        reason: "opening and changing files; Landlock decides about each path",
        calls: &[
            "open", "openat", "openat2", "creat", "truncate", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat",
            "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "umask", "chdir", "fchdir",
            "getcwd",
        ],
    },
    Group {
        name: "metadata",
        reason: "asking about files; the kernel's file permissions decide, Landlock does not look",
        calls: &[
            "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
            "readlinkat", "getdents", "getdents64", "statfs", "fstatfs", "getxattr", "lgetxattr", "fgetxattr",
            "listxattr", "llistxattr", "flistxattr", "getxattrat", "listxattrat", "file_getattr",
        ],
    },
    Group {
        name: "modes-and-times",
        reason: "npm, git and editors set the mode and the time of files that they write; only the owner can",
        calls: &[
            "chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat",
        ],
    },
    Group {
        name: "memory",
        reason: "allocators and just-in-time compilers; touches the process's own memory only",
        calls: &[
            "mmap", "munmap", "mprotect", "mremap", "brk", "madvise", "msync", "mincore", "mlock", "mlock2", "munlock",
            "mlockall", "munlockall", "pkey_alloc", "pkey_free", "pkey_mprotect", "membarrier", "mseal",
            "map_shadow_stack", "get_mempolicy", "set_mempolicy", "mbind", "set_mempolicy_home_node",
        ],
    },
    Group {
        name: "signals",
        reason: "signals within the process tree; Landlock's signal scope (ABI 6) holds them in",
        calls: &[
            "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "rt_sigaction",
            "rt_sigprocmask", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigreturn", "sigaltstack",
            "restart_syscall", "pause",
        ],
    },
    Group {
        name: "waiting",
        reason: "event loops and timers",
        calls: &[
            "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
            "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create",
            "timerfd_settime", "timerfd_gettime", "timer_create", "timer_settime", "timer_gettime",
            "timer_getoverrun", "timer_delete", "inotify_init", "inotify_init1", "inotify_add_watch",
            "inotify_rm_watch", "alarm", "getitimer", "setitimer", "nanosleep", "clock_nanosleep",
        ],
    },
    Group {
        name: "clocks",
        reason: "reading clocks, never setting them",
        calls: &["time", "times", "gettimeofday", "clock_gettime", "clock_getres"],
    },
    Group {
        name: "threads",
        reason: "locks and bookkeeping of threads",
        calls: &[
            "futex", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "set_robust_list", "get_robust_list",
            "set_tid_address", "rseq", "arch_prctl", "get_thread_area",
        ],
    },
    Group {
        name: "scheduling",
        reason: "asking how the process is scheduled, and giving way",
        calls: &[
            "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_getattr",
            "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "getpriority", "ioprio_get",
            "getcpu",
        ],
    },
    Group {
        name: "own-process",
        reason: "asking about and bounding the process itself, and ending it",
        calls: &[
            "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
            "getgroups", "getpgid", "getpgrp", "getsid", "setpgid", "setsid", "getrlimit", "setrlimit", "getrusage",
            "capget", "capset", "sysinfo", "uname", "getrandom", "exit", "exit_group",
        ],
    },
    Group {
        name: "children",
        reason: "starting programs that Landlock lets the server execute, and waiting for them",
        calls: &["execve", "wait4", "waitid", "pidfd_open"],
    },
    Group {
        name: "connected-sockets",
        reason: "pipes of child processes are socket pairs; nothing here opens a way to anyone else",
        calls: &["recvfrom", "recvmsg", "recvmmsg", "getsockname", "getpeername", "getsockopt", "shutdown"],
    },
    Group {
        name: "own-sandbox",
        reason: "a server may shut itself in further",
        calls: &["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"],
    },
    Group {
        name: "tracing-stubs",
        reason: "the kernel puts these calls into a process that its administrator traces; they do nothing else",
        calls: &["uretprobe", "uprobe"],
    },
];

/// What a server needs that starts other programs; not under `strict`.
pub(crate) const PROGRAMS: Group = Group {
    name: "fork",
    reason: "a new process; under `strict` only threads may be made",
    calls: &["fork", "vfork"],
};

/// What a server needs that has IP or unix sockets.
pub(crate) const SOCKETS: Group = Group {
    name: "sockets",
    reason: "naming and reaching a peer; only if the policy grants a network",
    calls: &["connect", "bind", "listen", "accept", "accept4"],
};
