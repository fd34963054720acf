//! Other processes, mounts, and the kernel's own instruments. No policy grants them, and none kills for them.

use abi::EventKind::{Bpf, Mount, Namespace, Signal, Trace, Uring};

use super::rows::{Goal, Row};

pub(super) const SYSTEM: &[Row] = &[
    Row::new("ptrace_access_check", &["read_memory", "%outsider", "%secret", "%length"], &[Trace])
        .goal(Goal::Read),
    Row::new("ptrace_access_check", &["read_memory_file", "%outsider", "%secret", "%length"], &[Trace])
        .goal(Goal::Read),
    Row::new("ptrace_access_check", &["take_descriptor", "%outsider", "0"], &[Trace]),
    Row::new("ptrace_traceme", &["trace_me"], &[Trace]),
    // SIGCONT: harmless to whom it meets.
    Row::new("task_kill", &["kill", "%outsider", "18"], &[Signal]),
    Row::new("task_kill", &["daemon", "kill", "%outsider", "18"], &[Signal]),
    Row::new("bpf", &["bpf_map"], &[Bpf]),
    Row::new("bpf", &["bpf_list"], &[Bpf]),
    Row::new("sb_mount", &["mount_tmpfs", "@empty"], &[Mount]),
    Row::new("sb_mount", &["bind_mount", "@secret", "@empty"], &[Mount]),
    Row::new(
        "sb_mount",
        &["sequence", "unshare", "mount", "--", "bind_mount", "@secret", "@empty"],
        &[Mount],
    ),
    Row::new("sb_umount", &["unmount", "@mounted"], &[Mount]),
    Row::new(
        "sb_pivotroot",
        &["sequence", "unshare", "mount", "--", "chroot", "@root", "--", "change_root", "/new", "/new/old"],
        &[Mount],
    ),
    Row::new("move_mount", &["move_mount", "@secret", "@empty"], &[Mount]),
    Row::new("userns_create", &["unshare", "user"], &[Namespace]).since((6, 1)),
    Row::new("uring_override_creds", &["ring_credentials"], &[Uring]).since((5, 16)),
    Row::new("uring_sqpoll", &["ring_setup", "sqpoll"], &[Uring]).since((5, 16)),
];
