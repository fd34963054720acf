//! Which files of a group get which values. Pure.

use policy::plan::LimitsPlan;

use super::mounts::Version;
use super::{Controller, GroupError};

/// One file and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) file: &'static str,
    pub(super) value: String,
    /// What becomes of it where the kernel has no such file.
    pub(super) absent: Absent,
}

/// What a missing file means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// The limit cannot be set.
    Refuse,
    /// There is nothing to be limited, or `probe` has a note about it.
    Skip,
}

/// The limits that the plan asks for.
pub(super) fn needed(plan: &LimitsPlan) -> Vec<Controller> {
    // Rates and the limits of single processes are not a group's.
    let LimitsPlan {
        memory_bytes,
        cpu_millis,
        max_processes,
        max_execs_per_minute: _,
        max_opens_per_minute: _,
        max_open_files: _,
        max_file_bytes: _,
    } = plan;
    let asked = [
        (Controller::Memory, memory_bytes.is_some()),
        (Controller::Pids, max_processes.is_some()),
        (Controller::Cpu, cpu_millis.is_some()),
    ];
    asked.into_iter().filter_map(|(controller, asked)| asked.then_some(controller)).collect()
}

/// What a session's group of version 2 gets before anything else: no groups beneath, whoever asks.
pub(super) fn closed() -> Vec<Setting> {
    vec![must("cgroup.max.descendants", 0), must("cgroup.max.depth", 0)]
}

/// The values of one controller, in the order in which they are written.
pub(super) fn of(
    controller: Controller,
    version: Version,
    plan: &LimitsPlan,
) -> Result<Vec<Setting>, GroupError> {
    Ok(match controller {
        Controller::Memory => plan.memory_bytes.map(|bytes| memory(version, bytes)),
        Controller::Pids => plan.max_processes.map(|count| vec![must("pids.max", count.into())]),
        Controller::Cpu => plan.cpu_millis.map(|millis| cpu(version, millis)).transpose()?,
        Controller::Io => None,
    }
    .unwrap_or_default())
}

fn memory(version: Version, bytes: u64) -> Vec<Setting> {
    match version {
        // With swap the tree could use more than its limit. An out-of-memory kill takes the whole tree: a server that
        // lost one of its processes would go on in a state that its author has never seen.
        Version::Unified => {
            vec![must("memory.max", bytes), may("memory.swap.max", 0), may("memory.oom.group", 1)]
        }
        // Memory and swap together; it may not be less than memory alone, so it comes second.
        Version::Legacy => {
            vec![must("memory.limit_in_bytes", bytes), may("memory.memsw.limit_in_bytes", bytes)]
        }
    }
}

/// The kernel takes no quota of less than a millisecond, and no period of more than a second.
fn cpu(version: Version, millis: u32) -> Result<Vec<Setting>, GroupError> {
    let millis = u64::from(millis);
    let period = match millis {
        0 => {
            let remedy = "give at least a thousandth of a processor";
            return Err(GroupError::Limit { controller: Controller::Cpu, value: 0, remedy });
        }
        1..10 => 1_000_000,
        _ => 100_000,
    };
    let quota = period / 1000 * millis;
    Ok(match version {
        Version::Unified => {
            vec![Setting { file: "cpu.max", value: format!("{quota} {period}"), absent: Absent::Refuse }]
        }
        Version::Legacy => vec![must("cpu.cfs_period_us", period), must("cpu.cfs_quota_us", quota)],
    })
}

fn must(file: &'static str, value: u64) -> Setting {
    Setting { file, value: value.to_string(), absent: Absent::Refuse }
}

fn may(file: &'static str, value: u64) -> Setting {
    Setting { file, value: value.to_string(), absent: Absent::Skip }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(controller: Controller, version: Version, plan: &LimitsPlan) -> Vec<(&'static str, String)> {
        let settings = of(controller, version, plan).expect("a limit");
        settings.into_iter().map(|setting| (setting.file, setting.value)).collect()
    }

    #[test]
    fn a_plan_without_limits_sets_none() {
        let plan =
            LimitsPlan { max_open_files: Some(64), max_execs_per_minute: Some(1), ..LimitsPlan::default() };
        assert_eq!(needed(&plan), []);
        for controller in Controller::ALL {
            assert_eq!(written(controller, Version::Unified, &plan), []);
            assert_eq!(written(controller, Version::Legacy, &plan), []);
        }
    }

    #[test]
    fn each_limit_has_its_files() {
        let plan = LimitsPlan {
            memory_bytes: Some(1 << 20),
            cpu_millis: Some(1500),
            max_processes: Some(8),
            ..LimitsPlan::default()
        };
        assert_eq!(needed(&plan), [Controller::Memory, Controller::Pids, Controller::Cpu]);
        let unified = |controller| written(controller, Version::Unified, &plan);
        let legacy = |controller| written(controller, Version::Legacy, &plan);
        let pair = |file, value: &str| (file, value.to_owned());
        assert_eq!(
            unified(Controller::Memory),
            [pair("memory.max", "1048576"), pair("memory.swap.max", "0"), pair("memory.oom.group", "1")]
        );
        assert_eq!(
            legacy(Controller::Memory),
            [pair("memory.limit_in_bytes", "1048576"), pair("memory.memsw.limit_in_bytes", "1048576")]
        );
        assert_eq!(unified(Controller::Cpu), [pair("cpu.max", "150000 100000")]);
        assert_eq!(
            legacy(Controller::Cpu),
            [pair("cpu.cfs_period_us", "100000"), pair("cpu.cfs_quota_us", "150000")]
        );
        assert_eq!(unified(Controller::Pids), [pair("pids.max", "8")]);
        assert_eq!(legacy(Controller::Pids), [pair("pids.max", "8")]);
    }

    #[test]
    fn small_shares_get_a_longer_period_and_none_is_an_error() {
        let share = |millis| LimitsPlan { cpu_millis: Some(millis), ..LimitsPlan::default() };
        let cpu = |millis| written(Controller::Cpu, Version::Unified, &share(millis));
        assert_eq!(cpu(1), [("cpu.max", "1000 1000000".to_owned())]);
        assert_eq!(cpu(9), [("cpu.max", "9000 1000000".to_owned())]);
        assert_eq!(cpu(10), [("cpu.max", "1000 100000".to_owned())]);
        assert!(of(Controller::Cpu, Version::Unified, &share(0)).is_err());
    }
}
