//! What the processes of sessions use, by `/proc`.

use std::collections::BTreeMap;

use enforce::Standing;
use nix::unistd::Pid;
use procfs::process::{Stat, all_processes};

use super::Running;

/// What a session's processes use together; mcpguard's own process is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// How many there are.
    pub(crate) processes: u64,
    /// Memory in bytes; what several of them share counts for each (RSS).
    pub(crate) memory: u64,
    /// Processor time in milliseconds, of those that live and of the children that they have waited for.
    pub(crate) cpu_ms: u64,
}

/// All processes of the machine at one moment.
pub(crate) struct Processes {
    stats: BTreeMap<i32, Stat>,
    children: BTreeMap<i32, Vec<i32>>,
}

impl Processes {
    /// Looks. Processes that end meanwhile are left out.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let stats: BTreeMap<i32, Stat> = all_processes()?
            .filter_map(|process| process.and_then(|process| process.stat()).ok())
            .map(|stat| (stat.pid, stat))
            .collect();
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        stats.values().for_each(|stat| children.entry(stat.ppid).or_default().push(stat.pid));
        Ok(Self { stats, children })
    }

    /// The processes of a session: those of its control group, or all that descend from its supervisor.
    pub(crate) fn of(&self, session: &Running) -> Vec<Pid> {
        let members = session.standing.as_ref().and_then(Standing::members);
        members.unwrap_or_else(|| self.beneath(session.pid))
    }

    /// What a session uses. Where its processes are hidden from this user (`hidepid`, proc(5)) the daemon tells.
    pub(crate) fn used_by(&self, session: &Running) -> Usage {
        let seen = self.usage(&self.of(session));
        match &session.hosted {
            Some(told) if seen.processes == 0 => Usage {
                processes: told.processes.unwrap_or(0),
                memory: told.memory.unwrap_or(0),
                cpu_ms: told.cpu_us.unwrap_or(0) / 1000,
            },
            _ => seen,
        }
    }

    fn beneath(&self, supervisor: Pid) -> Vec<Pid> {
        let (mut found, mut next) = (Vec::new(), vec![supervisor.as_raw()]);
        while let Some(parent) = next.pop() {
            let children = self.children.get(&parent).into_iter().flatten();
            next.extend(children.clone());
            found.extend(children.map(|child| Pid::from_raw(*child)));
        }
        found
    }

    /// What these processes use.
    pub(crate) fn usage(&self, processes: &[Pid]) -> Usage {
        let ticks = procfs::ticks_per_second().max(1);
        let stats = processes.iter().filter_map(|process| self.stats.get(&process.as_raw()));
        stats.fold(Usage::default(), |usage, stat| Usage {
            processes: usage.processes + 1,
            memory: usage.memory + stat.rss.saturating_mul(procfs::page_size()),
            cpu_ms: usage.cpu_ms + spent(stat).saturating_mul(1000) / ticks,
        })
    }
}

/// Processor time in ticks. A child's is its parent's once that has waited for it, so that none is lost or counted twice.
fn spent(stat: &Stat) -> u64 {
    let of_children = stat.cutime.max(0).unsigned_abs() + stat.cstime.max(0).unsigned_abs();
    stat.utime + stat.stime + of_children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_tree_beneath_a_supervisor_counts() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & wait"])
            .spawn()
            .expect("a shell is there");
        let beneath = |parent: u32| {
            let parent = Pid::from_raw(parent.cast_signed());
            let processes = Processes::now().expect("/proc is mounted");
            let found = processes.beneath(parent);
            (processes.usage(&found), found)
        };
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        // A process that is just becoming another program has no memory.
        while beneath(child.id()).0.memory == 0 {
            assert!(std::time::Instant::now() < until, "the shell starts nothing");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (usage, found) = beneath(child.id());
        assert_eq!((usage.processes, found.len()), (1, 1), "{found:?}");
        assert!(usage.memory > 0);
        let own = beneath(std::process::id()).1;
        assert!(own.contains(&Pid::from_raw(child.id().cast_signed())) && own.contains(&found[0]));
        let _ = nix::sys::signal::kill(found[0], nix::sys::signal::Signal::SIGKILL);
        child.wait().expect("it ends");
    }

    #[test]
    fn the_time_of_a_child_that_has_ended_is_not_lost() {
        // A subshell counts and ends; who waited for it does nothing.
        let counts = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let line = format!("sh -c '({counts}); exec sleep 60' & wait");
        let mut child =
            std::process::Command::new("sh").args(["-c", &line]).spawn().expect("a shell is there");
        let look = || {
            let processes = Processes::now().expect("/proc is mounted");
            let found = processes.beneath(Pid::from_raw(child.id().cast_signed()));
            let is_sleep = |process: &Pid| {
                processes.stats.get(&process.as_raw()).is_some_and(|stat| stat.comm == "sleep")
            };
            found.iter().any(is_sleep).then(|| (processes.usage(&found), found))
        };
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let (usage, found) = loop {
            if let Some(seen) = look() {
                break seen;
            }
            assert!(std::time::Instant::now() < until, "the counting does not end");
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        let _ = nix::sys::signal::kill(found[0], nix::sys::signal::Signal::SIGKILL);
        child.wait().expect("it ends");
        assert!(usage.processes == 1 && usage.cpu_ms >= 50, "{usage:?}");
    }
}
