//! What this kernel offers, found by asking it, and what the matrix expects. A weaker kernel is a failure, never a skip.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::sys;

/// What the matrix expects of a kernel under a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// What `uname -r` begins with.
    pub(crate) release: String,
    /// Landlock ABI; 0 where it is absent or disabled.
    pub(crate) landlock_abi: u32,
    /// Whether a newer ABI is welcome: for the newest kernel, which moves on.
    #[serde(default)]
    pub(crate) landlock_abi_may_grow: bool,
    /// The active security modules, in any order, without [`ALWAYS_LAST`].
    pub(crate) lsm: Vec<String>,
    /// Controllers of cgroup v2 that must be there.
    pub(crate) controllers: Vec<String>,
    /// Type information of the kernel.
    pub(crate) btf: bool,
    /// BPF task storage.
    pub(crate) task_storage: bool,
    /// The kernel preempts itself (`full` or `lazy`), so that it may skip `fmod_ret` programs.
    pub(crate) preempts: bool,
    /// User namespaces can be made by root.
    pub(crate) user_namespaces: bool,
    /// `cgroup.kill`.
    pub(crate) cgroup_kill: bool,
    /// seccomp can report to a supervisor.
    pub(crate) seccomp_reports: bool,
    /// The lockdown level: `none`, `integrity` or `confidentiality`.
    pub(crate) lockdown: String,
}

/// Modules that are on whatever `lsm=` says (since Linux 6.9, `LSM_ORDER_LAST`), and decide nothing without a policy.
const ALWAYS_LAST: &[&str] = &["ima", "evm"];

/// What the probes found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Seen {
    pub(crate) release: String,
    pub(crate) landlock_abi: u32,
    pub(crate) lsm: Vec<String>,
    pub(crate) controllers: Vec<String>,
    pub(crate) btf: bool,
    pub(crate) task_storage: bool,
    pub(crate) preempts: bool,
    pub(crate) user_namespaces: bool,
    pub(crate) cgroup_kill: bool,
    pub(crate) seccomp_reports: bool,
    pub(crate) lockdown: String,
}

/// Asks the kernel.
pub(crate) fn probe() -> Result<Seen> {
    Ok(Seen {
        release: text("/proc/sys/kernel/osrelease")?,
        landlock_abi: sys::landlock_abi(),
        lsm: modules(&text("/sys/kernel/security/lsm")?),
        controllers: words(&text("/sys/fs/cgroup/cgroup.controllers")?, ' '),
        btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
        task_storage: knows("bpf_task_storage_get")?,
        preempts: preempts(),
        user_namespaces: crate::actor::bare("unshare", &["user"])?.is_ok(),
        cgroup_kill: has_cgroup_kill()?,
        seccomp_reports: text("/proc/sys/kernel/seccomp/actions_avail")?.contains("user_notif"),
        lockdown: lockdown()?,
    })
}

/// Since Linux 5.12 the mode stands in debugfs; where it cannot be chosen the kernel's name says it.
fn preempts() -> bool {
    match fs::read_to_string("/sys/kernel/debug/sched/preempt") {
        Ok(modes) => modes.contains("(full)") || modes.contains("(lazy)"),
        Err(_) => text("/proc/sys/kernel/version").is_ok_and(|version| version.contains("PREEMPT")),
    }
}

impl Seen {
    /// Every difference from what is expected, one sentence each.
    pub(crate) fn differences(&self, expected: &Expected) -> Vec<String> {
        // Exhaustive, so that a new fact cannot be forgotten here.
        let Expected {
            release,
            landlock_abi,
            landlock_abi_may_grow,
            lsm,
            controllers,
            btf,
            task_storage,
            preempts,
            user_namespaces,
            cgroup_kill,
            seccomp_reports,
            lockdown,
        } = expected;
        let mut found = Vec::new();
        let mut compare =
            |name: &str, expected: &dyn std::fmt::Debug, seen: &dyn std::fmt::Debug, fits: bool| {
                if !fits {
                    found.push(format!("{name}: the matrix expects {expected:?}, this kernel has {seen:?}"));
                }
            };
        let grown = *landlock_abi_may_grow && self.landlock_abi > *landlock_abi;
        compare("release", release, &self.release, self.release.starts_with(release.as_str()));
        compare(
            "landlock_abi",
            landlock_abi,
            &self.landlock_abi,
            grown || self.landlock_abi == *landlock_abi,
        );
        compare("lsm", lsm, &self.lsm, same(lsm, &self.lsm));
        compare("controllers", controllers, &self.controllers, same(controllers, &self.controllers));
        compare("btf", btf, &self.btf, btf == &self.btf);
        compare("task_storage", task_storage, &self.task_storage, task_storage == &self.task_storage);
        compare("preempts", preempts, &self.preempts, preempts == &self.preempts);
        let namespaces = self.user_namespaces;
        compare("user_namespaces", user_namespaces, &namespaces, *user_namespaces == namespaces);
        compare("cgroup_kill", cgroup_kill, &self.cgroup_kill, cgroup_kill == &self.cgroup_kill);
        let reports = self.seccomp_reports;
        compare("seccomp_reports", seccomp_reports, &reports, *seccomp_reports == reports);
        compare("lockdown", lockdown, &self.lockdown, lockdown == &self.lockdown);
        found
    }
}

fn same(expected: &[String], seen: &[String]) -> bool {
    let sorted = |words: &[String]| {
        let mut words = words.to_vec();
        words.sort();
        words
    };
    sorted(expected) == sorted(seen)
}

fn text(path: &str) -> Result<String> {
    Ok(fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?.trim().to_owned())
}

fn modules(text: &str) -> Vec<String> {
    words(text, ',').into_iter().filter(|module| !ALWAYS_LAST.contains(&module.as_str())).collect()
}

fn words(text: &str, separator: char) -> Vec<String> {
    text.split(separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether the kernel has a function of this name, by the strings of its type information.
fn knows(function: &str) -> Result<bool> {
    let Ok(types) = fs::read("/sys/kernel/btf/vmlinux") else { return Ok(false) };
    let name = [b"\0", function.as_bytes(), b"\0"].concat();
    Ok(memchr::memmem::find(&types, &name).is_some())
}

/// The root of the hierarchy has no `cgroup.kill`, so a child is asked.
fn has_cgroup_kill() -> Result<bool> {
    let child = Path::new("/sys/fs/cgroup/facts");
    fs::create_dir(child).context("cannot make a cgroup")?;
    let there = child.join("cgroup.kill").exists();
    fs::remove_dir(child)?;
    Ok(there)
}

/// The word in brackets of `none [integrity] confidentiality`; `none` where there is no lockdown module.
fn lockdown() -> Result<String> {
    let Ok(levels) = fs::read_to_string("/sys/kernel/security/lockdown") else {
        return Ok("none".to_owned());
    };
    let chosen = levels.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    Ok(chosen.context("no lockdown level is chosen")?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Expected, Seen) {
        let seen = Seen {
            release: "6.12.107".into(),
            landlock_abi: 6,
            lsm: vec!["lockdown".into(), "bpf".into()],
            controllers: vec!["memory".into()],
            btf: true,
            task_storage: true,
            preempts: false,
            user_namespaces: true,
            cgroup_kill: true,
            seccomp_reports: true,
            lockdown: "none".into(),
        };
        let expected = Expected {
            release: "6.12.".into(),
            landlock_abi: 6,
            landlock_abi_may_grow: false,
            lsm: vec!["bpf".into(), "lockdown".into()],
            controllers: seen.controllers.clone(),
            btf: true,
            task_storage: true,
            preempts: false,
            user_namespaces: true,
            cgroup_kill: true,
            seccomp_reports: true,
            lockdown: "none".into(),
        };
        (expected, seen)
    }

    #[test]
    fn the_kernel_of_the_entry_has_no_differences() {
        let (expected, seen) = pair();
        assert_eq!(seen.differences(&expected), Vec::<String>::new());
    }

    #[test]
    fn a_weaker_kernel_differs() {
        let (expected, seen) = pair();
        let weaker = [
            Seen { landlock_abi: 5, ..seen.clone() },
            Seen { lsm: vec!["lockdown".into()], ..seen.clone() },
            Seen { controllers: vec![], ..seen.clone() },
            Seen { btf: false, ..seen.clone() },
            Seen { task_storage: false, ..seen.clone() },
            Seen { cgroup_kill: false, ..seen.clone() },
            Seen { seccomp_reports: false, ..seen.clone() },
            Seen { user_namespaces: false, ..seen.clone() },
            Seen { lockdown: "integrity".into(), ..seen.clone() },
            Seen { release: "6.1.1".into(), ..seen.clone() },
        ];
        for seen in weaker {
            assert_eq!(seen.differences(&expected).len(), 1, "{seen:?}");
        }
    }

    #[test]
    fn only_the_newest_entry_may_grow() {
        let (mut expected, mut seen) = pair();
        seen.landlock_abi = 7;
        assert_eq!(seen.differences(&expected).len(), 1);
        expected.landlock_abi_may_grow = true;
        assert_eq!(seen.differences(&expected).len(), 0);
    }
}
