//! What a group uses now.

use super::group::Group;
use super::mounts::Version;

/// What is counted. `None` where no controller counts it here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupUsage {
    /// Bytes of memory.
    pub(crate) memory: Option<u64>,
    /// Processor time in microseconds, since the group was made.
    pub(crate) cpu_us: Option<u64>,
    /// Processes and threads.
    pub(crate) processes: Option<u64>,
}

impl Group {
    /// Reads the counts; some are there only where the group has a limit of the kind.
    pub(crate) fn usage(&self) -> GroupUsage {
        let number = |version, file: &str| {
            let seats = self.seats.iter().filter(|seat| seat.version == version);
            seats.filter_map(|seat| seat.directory.read(file).ok()).find_map(|text| text.trim().parse().ok())
        };
        let stat = self.unified().and_then(|directory| directory.read("cpu.stat").ok());
        let used =
            stat.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("usage_usec ")));
        let legacy = |file| number(Version::Legacy, file);
        GroupUsage {
            memory: number(Version::Unified, "memory.current").or_else(|| legacy("memory.usage_in_bytes")),
            cpu_us: used
                .and_then(|text| text.parse().ok())
                .or_else(|| legacy("cpuacct.usage").map(|nanoseconds: u64| nanoseconds / 1000)),
            processes: number(Version::Unified, "pids.current").or_else(|| legacy("pids.current")),
        }
    }
}
