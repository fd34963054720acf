//! What a control group can limit.

use std::fmt;

/// A resource controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Memory of the whole tree.
    Memory,
    /// Processes and threads at once.
    Pids,
    /// Share of processor time.
    Cpu,
    /// Bandwidth of block devices. No limit of a policy needs it yet.
    Io,
}

impl Controller {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Pids, Self::Cpu, Self::Io];

    /// Its name in version 2.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
            Self::Io => "io",
        }
    }

    /// Its name in version 1.
    pub(super) fn legacy_name(self) -> &'static str {
        match self {
            Self::Io => "blkio",
            other => other.name(),
        }
    }

    /// The file that is there in a child group of version 1 if the limit can be set.
    pub(super) fn legacy_file(self) -> &'static str {
        match self {
            Self::Memory => "memory.limit_in_bytes",
            Self::Pids => "pids.max",
            Self::Cpu => "cpu.cfs_quota_us",
            Self::Io => "blkio.throttle.read_bps_device",
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}
