//! Limits of each process (`setrlimit(2)`), hard and soft alike, so that none can be raised again.

use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use policy::plan::LimitsPlan;
use serde::{Deserialize, Serialize};

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    pub(crate) kind: LimitKind,
    /// In the resource's own unit: bytes or a count.
    pub(crate) value: u64,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LimitKind {
    /// Bytes of a core dump. A dump would hold the server's secrets.
    Core,
    /// Bytes in POSIX message queues.
    MessageQueues,
    /// Real-time priority.
    RealTime,
    /// Open files of one process.
    OpenFiles,
    /// Bytes of private writable memory of one process.
    Data,
    /// Bytes of a file that is written.
    FileSize,
    /// Processes and threads of the user, all sessions together.
    Processes,
}

impl LimitKind {
    fn resource(self) -> Resource {
        match self {
            Self::Core => Resource::RLIMIT_CORE,
            Self::MessageQueues => Resource::RLIMIT_MSGQUEUE,
            Self::RealTime => Resource::RLIMIT_RTPRIO,
            Self::OpenFiles => Resource::RLIMIT_NOFILE,
            Self::Data => Resource::RLIMIT_DATA,
            Self::FileSize => Resource::RLIMIT_FSIZE,
            Self::Processes => Resource::RLIMIT_NPROC,
        }
    }
}

/// The limits that a plan asks for. `running` is how many threads the user has now.
///
/// The kernel counts `RLIMIT_NPROC` for each user, not for each session, so the plan's number is added to what runs
/// already: an honest bound for a fork bomb, not an exact one. It does not hold for root at all.
pub(crate) fn of(plan: &LimitsPlan, running: Option<u64>) -> Vec<Limit> {
    let fixed =
        [LimitKind::Core, LimitKind::MessageQueues, LimitKind::RealTime].map(|kind| Limit { kind, value: 0 });
    let processes = running.zip(plan.max_processes).map(|(running, more)| running + u64::from(more));
    let asked = [
        (LimitKind::OpenFiles, plan.max_open_files),
        (LimitKind::Data, plan.memory_bytes),
        (LimitKind::FileSize, plan.max_file_bytes),
        (LimitKind::Processes, processes),
    ];
    let asked = asked.into_iter().filter_map(|(kind, value)| Some(Limit { kind, value: value? }));
    fixed.into_iter().chain(asked).collect()
}

/// Sets the limit for this process and all that it starts. A limit that is already lower stays as it is.
pub(crate) fn engage(limit: Limit) -> Result<(), Errno> {
    let resource = limit.kind.resource();
    let (_, hard) = nix::sys::resource::getrlimit(resource)?;
    let value = limit.value.min(hard);
    setrlimit(resource, value, value)
}

/// How many threads this process's user has, counted in `/proc`.
pub(crate) fn threads_of_user() -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let user = nix::unistd::getuid().as_raw();
    let mut threads = 0;
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let is_process = entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit);
        // A process may end while it is counted. The link count of `task` is its threads and two.
        if let Some(tasks) = is_process.then(|| entry.path().join("task").metadata().ok()).flatten()
            && tasks.uid() == user
        {
            threads += tasks.nlink().saturating_sub(2).max(1);
        }
    }
    Ok(threads)
}
