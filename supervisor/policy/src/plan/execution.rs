//! Execution: limits of the process tree, and its system call profile.

/// Limits of the process tree. `None` means that the policy sets none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsPlan {
    /// Bytes of memory. Of the whole tree with a cgroup; of each process (`RLIMIT_DATA`) without.
    pub memory_bytes: Option<u64>,
    /// Processor share in thousandths of one processor: 500 is half of one.
    pub cpu_millis: Option<u32>,
    /// Processes and threads at once.
    pub max_processes: Option<u32>,
    /// Executions per minute.
    pub max_execs_per_minute: Option<u32>,
    /// Opened files per minute (`filesystem.max_opens_per_minute`).
    pub max_opens_per_minute: Option<u32>,
    /// Open files of one process; soft and hard limit.
    pub max_open_files: Option<u64>,
    /// Bytes of any file that is written.
    pub max_file_bytes: Option<u64>,
}

/// Which system calls are there at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyscallProfile {
    /// What Node, Python, Go and git need.
    #[default]
    Default,
    /// What a server needs that starts no other program.
    Strict,
}
