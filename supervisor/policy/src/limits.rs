//! What a control group holds a session to, as a person writes it outside of a policy: in the spellings of a policy's
//! `execution.memory_limit`, `execution.max_processes` and `execution.cpus`, and within the same bounds.

use crate::document::decode::FromText;
use crate::document::numbers::{Bytes, Cpus, SHIFTS, Whole};
use crate::host::{HostRule, HostRules};

/// The most bytes of memory that can be written.
pub const MOST_MEMORY_BYTES: u64 = 1 << 62;
/// The most processes and threads that can be written.
pub const MOST_PROCESSES: u32 = 4_194_304;
/// The most thousandths of a processor that can be written.
pub const MOST_CPU_MILLIS: u32 = 1_024_000;

/// Bytes of memory: `512MiB`.
///
/// # Errors
/// What is wrong with the text, and what is probably meant.
pub fn memory(text: &str) -> Result<u64, String> {
    read::<Bytes>(text).map(|Bytes(bytes)| bytes)
}

/// Processes and threads at once: `64`.
///
/// # Errors
/// As [`memory`].
pub fn processes(text: &str) -> Result<u32, String> {
    read::<Whole<1, { MOST_PROCESSES as u64 }>>(text).map(Whole::get32)
}

/// A share of processors, in thousandths of one: `0.5` is 500.
///
/// # Errors
/// As [`memory`].
pub fn cpus(text: &str) -> Result<u32, String> {
    read::<Cpus>(text).map(|Cpus(millis)| millis)
}

fn read<T: FromText>(text: &str) -> Result<T, String> {
    T::from_text(text).map_err(|complaint| match complaint.suggestion {
        Some(instead) => format!("{}; did you mean `{instead}`?", complaint.message),
        None => complaint.message,
    })
}

/// Bytes as [`memory`] reads them, in the largest unit of which they are a whole number.
pub fn spell_memory(bytes: u64) -> String {
    let whole = |shift: u32| bytes != 0 && bytes.trailing_zeros() >= shift;
    let (unit, shift) = SHIFTS.iter().rev().find(|(_, shift)| whole(*shift)).unwrap_or(&SHIFTS[0]);
    format!("{}{unit}", bytes >> shift)
}

/// Thousandths of a processor as [`cpus`] reads them.
pub fn spell_cpus(millis: u32) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The most that a host's rules allow, each with the rule that says so. Absent: the host says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MostLimits {
    /// Bytes of memory.
    pub memory_bytes: Option<(u64, HostRule)>,
    /// Processes and threads at once.
    pub max_processes: Option<(u64, HostRule)>,
    /// Thousandths of a processor.
    pub cpu_millis: Option<(u64, HostRule)>,
}

impl HostRules {
    /// The most that a session's control group may be held to: of several files the smallest number of each kind.
    pub fn most_limits(&self) -> MostLimits {
        let [memory_bytes, max_processes, cpu_millis] = self.group_bounds();
        MostLimits { memory_bytes, max_processes, cpu_millis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn limits_are_read_as_a_policy_spells_them() {
        assert_eq!(memory("512MiB"), Ok(512 << 20));
        assert_eq!(processes("64"), Ok(64));
        assert_eq!((cpus("0.5"), cpus("2")), (Ok(500), Ok(2000)));
        assert!(memory("512MB").unwrap_err().ends_with("did you mean `512MiB`?"));
        assert!(cpus("500m").unwrap_err().ends_with("did you mean `0.5`?"));
        for text in ["", "0", "-1", "4194305", "1e3", "99999999999999999999"] {
            assert!(processes(text).is_err() && memory(text).is_err(), "{text}");
        }
        assert!(cpus("0").is_err() && cpus("1025").is_err());
    }

    #[test]
    fn the_bounds_are_those_of_the_readers() {
        assert_eq!(memory(&spell_memory(MOST_MEMORY_BYTES)), Ok(MOST_MEMORY_BYTES));
        assert!(memory(&format!("{}B", MOST_MEMORY_BYTES + 1)).is_err());
        assert_eq!(processes(&MOST_PROCESSES.to_string()), Ok(MOST_PROCESSES));
        assert_eq!(cpus(&spell_cpus(MOST_CPU_MILLIS)), Ok(MOST_CPU_MILLIS));
        assert!(cpus(&spell_cpus(MOST_CPU_MILLIS + 1)).is_err());
    }

    #[test]
    fn what_is_spelled_is_read_back() {
        for (bytes, text) in [(1, "1B"), (1 << 10, "1KiB"), (1536 << 20, "1536MiB"), (2 << 40, "2TiB")] {
            assert_eq!((spell_memory(bytes).as_str(), memory(text)), (text, Ok(bytes)));
        }
        assert_eq!(spell_memory(0), "0B", "the kernel's word for less than a page");
        for (millis, text) in [(1, "0.001"), (500, "0.5"), (1250, "1.25"), (2000, "2"), (10_000, "10")] {
            assert_eq!((spell_cpus(millis).as_str(), cpus(text)), (text, Ok(millis)));
        }
    }

    #[test]
    fn of_several_host_files_the_smallest_number_holds() {
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            text: format!("version: 1\nmaximum: {{ execution: {{ {text} }} }}\n"),
        };
        let rules = crate::host::load(&[
            source("a.yaml", "memory_limit: 1GiB, cpus: 0.5"),
            source("b.yaml", "memory_limit: 512MiB, cpus: 2"),
        ]);
        let MostLimits { memory_bytes, max_processes, cpu_millis } = rules.expect("rules").most_limits();
        let (bytes, rule) = memory_bytes.expect("a maximum of memory");
        assert_eq!((bytes, rule.origin.source.as_str()), (512 << 20, "b.yaml"));
        let (millis, rule) = cpu_millis.expect("a maximum of processors");
        assert_eq!((millis, rule.origin.source.as_str()), (500, "a.yaml"));
        assert_eq!(max_processes, None);
    }
}
