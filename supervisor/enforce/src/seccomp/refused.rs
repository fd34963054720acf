//! The calls that are refused, in named groups, each with the reason; so that `why` can say it and so that a call is
//! never refused by oversight: a test holds every known call against exactly one list.

use super::groups::Group;

/// Refused whatever their arguments. Unknown calls are refused too; these are the ones we can explain.
pub(crate) const REFUSED: &[Group] = &[
    Group {
        name: "io-uring",
        reason: "io_uring does file and network operations that no seccomp filter sees",
        calls: &["io_uring_setup", "io_uring_enter", "io_uring_register"],
    },
    Group {
        name: "other-processes",
        reason: "reads, writes or steers another process",
        calls: &[
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "pidfd_getfd",
            "kcmp",
            "process_madvise",
            "process_mrelease",
            "move_pages",
            "migrate_pages",
        ],
    },
    Group {
        name: "namespaces-and-mounts",
        reason: "changes what paths mean, or makes a namespace in which the process is its own root",
        calls: &[
            "unshare",
            "setns",
            "mount",
            "umount2",
            "pivot_root",
            "chroot",
            "fsopen",
            "fsconfig",
            "fsmount",
            "fspick",
            "move_mount",
            "open_tree",
            "open_tree_attr",
            "mount_setattr",
            "statmount",
            "listmount",
            "listns",
        ],
    },
    Group {
        name: "file-handles",
        reason: "opens files by number, past every path",
        calls: &["open_by_handle_at", "name_to_handle_at"],
    },
    Group {
        name: "kernel-programs",
        reason: "loads code into the kernel or watches the machine",
        calls: &[
            "bpf",
            "perf_event_open",
            "init_module",
            "finit_module",
            "delete_module",
            "kexec_load",
            "kexec_file_load",
            "lookup_dcookie",
            "fanotify_init",
            "fanotify_mark",
            "syslog",
        ],
    },
    Group {
        name: "exploit-helpers",
        reason: "stops the kernel in the middle of a copy, or hides memory; no server needs it",
        calls: &["userfaultfd", "memfd_secret", "vmsplice", "remap_file_pages"],
    },
    Group {
        name: "keys",
        reason: "the kernel's keyrings hold the user's credentials",
        calls: &["add_key", "request_key", "keyctl"],
    },
    Group {
        name: "filters",
        reason: "a filter of the server's own could hide its refused calls from the audit log",
        calls: &["seccomp"],
    },
    Group {
        name: "owner-and-attributes",
        reason: "changes owner or attributes of files by path, where Landlock does not look",
        calls: &[
            "chown",
            "lchown",
            "fchownat",
            "setxattr",
            "lsetxattr",
            "fsetxattr",
            "setxattrat",
            "removexattr",
            "lremovexattr",
            "fremovexattr",
            "removexattrat",
            "file_setattr",
        ],
    },
    Group {
        name: "identity",
        reason: "the server stays who it is",
        calls: &[
            "setuid",
            "setgid",
            "setreuid",
            "setregid",
            "setresuid",
            "setresgid",
            "setfsuid",
            "setfsgid",
            "setgroups",
        ],
    },
    Group {
        name: "shared-ipc",
        reason: "System V and POSIX message queues and shared memory are shared with every process of the user",
        calls: &[
            "shmget",
            "shmat",
            "shmctl",
            "shmdt",
            "semget",
            "semop",
            "semctl",
            "semtimedop",
            "msgget",
            "msgsnd",
            "msgrcv",
            "msgctl",
            "mq_open",
            "mq_unlink",
            "mq_timedsend",
            "mq_timedreceive",
            "mq_notify",
            "mq_getsetattr",
        ],
    },
    Group {
        name: "asynchronous-io",
        reason: "the older asynchronous interface; databases use it, MCP servers do not",
        calls: &["io_setup", "io_destroy", "io_getevents", "io_pgetevents", "io_submit", "io_cancel"],
    },
    Group {
        name: "the-machine",
        reason: "administers the machine",
        calls: &[
            "reboot",
            "swapon",
            "swapoff",
            "acct",
            "quotactl",
            "quotactl_fd",
            "sethostname",
            "setdomainname",
            "settimeofday",
            "clock_settime",
            "adjtimex",
            "clock_adjtime",
            "vhangup",
            "nfsservctl",
            "iopl",
            "ioperm",
            "modify_ldt",
            "set_thread_area",
            "lsm_get_self_attr",
            "lsm_set_self_attr",
            "lsm_list_modules",
        ],
    },
    Group {
        name: "obsolete",
        reason: "no program of this century calls it",
        calls: &[
            "_sysctl",
            "sysfs",
            "ustat",
            "uselib",
            "afs_syscall",
            "getpmsg",
            "putpmsg",
            "security",
            "tuxcall",
            "vserver",
            "epoll_ctl_old",
            "epoll_wait_old",
        ],
    },
];

/// Refused under `strict`, with the group's own reason.
pub(crate) const REFUSED_WHEN_STRICT: &str =
    "the profile `strict` is for servers that start no other program";

/// Why [`super::groups::LISTENING`] is refused where nobody may connect to the server.
pub(crate) const REFUSED_WITHOUT_LISTENING: &str =
    "the policy lets nobody connect to the server (`network.listen`)";

/// Refused when the policy grants no network.
pub(crate) const REFUSED_WITHOUT_NETWORK: &str = "the policy grants no network";
