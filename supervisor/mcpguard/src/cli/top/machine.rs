//! The machine's own figures, by `/proc`. What cannot be read is left out.

use procfs::{Current, LoadAverage, Meminfo};

use super::sample::Machine;

/// Looks.
pub(super) fn machine() -> Machine {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Machine {
        name: name.trim().to_owned(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        memory: Meminfo::current().ok().and_then(|memory| used(&memory)),
        load: LoadAverage::current().ok().map(|load| [load.one, load.five, load.fifteen].map(hundredths)),
    }
}

/// What no process could have for the asking is in use (proc_meminfo(5), `MemAvailable`, since Linux 3.14).
fn used(memory: &Meminfo) -> Option<(u64, u64)> {
    memory.mem_available.map(|available| (memory.mem_total.saturating_sub(available), memory.mem_total))
}

/// The number as the kernel wrote it, with two digits.
fn hundredths(number: f32) -> f64 {
    (f64::from(number) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_machine_has_all_of_it() {
        let found = super::machine();
        assert!(!found.name.is_empty() && found.processors > 0, "{found:?}");
        assert!(found.memory.is_some_and(|(used, all)| 0 < used && used < all), "{found:?}");
        assert!(found.load.is_some(), "{found:?}");
    }
}
