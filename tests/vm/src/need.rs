//! What a case needs of a kernel. What is missing has one name, and the matrix must allow it by that name.

use std::fmt;

use crate::facts::Expected;

/// A property of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "a vocabulary for cases; not every word is used by every set of cases")]
pub(crate) enum Need {
    /// Landlock of at least this ABI. Where it is older the case is skipped.
    Landlock(u32),
    /// No Landlock of this ABI: the case is about its absence, and does not exist where there is one.
    LandlockBelow(u32),
    /// `bpf` among the active security modules, so that BPF LSM programs are called.
    BpfLsm,
    /// No `bpf` among the active security modules; elsewhere the case does not exist.
    NoBpfLsm,
    /// Type information of the kernel.
    Btf,
    /// The eBPF layer stands on the security hooks: as LSM programs, or as `fmod_ret` on a kernel that does not preempt.
    Hooks,
    /// The eBPF layer cannot stand on the security hooks; elsewhere the case does not exist.
    NoHooks,
    /// BPF task storage (Linux 5.11).
    TaskStorage,
    /// No BPF task storage; elsewhere the case does not exist.
    NoTaskStorage,
    /// User namespaces can be made.
    UserNamespaces,
    /// A controller of cgroup v2.
    Controller(&'static str),
    /// No such controller of cgroup v2; elsewhere the case does not exist.
    NoController(&'static str),
    /// `cgroup.kill` (Linux 5.14).
    CgroupKill,
}

/// What a need comes to on a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// It is there.
    Yes,
    /// It is missing: the case is skipped, and counted as that.
    Missing,
    /// The case is about a weaker kernel than this one: there is nothing to test.
    BesideThePoint,
}

impl Need {
    /// Whether the kernel with these facts has it.
    pub(crate) fn on(self, facts: &Expected) -> Met {
        let required = |there: bool| if there { Met::Yes } else { Met::Missing };
        let absent = |there: bool| if there { Met::BesideThePoint } else { Met::Yes };
        let module = |name: &str| facts.lsm.iter().any(|module| module == name);
        let controller = |name: &str| facts.controllers.iter().any(|controller| controller == name);
        match self {
            Self::Landlock(abi) => required(facts.landlock_abi >= abi),
            Self::LandlockBelow(abi) => absent(facts.landlock_abi >= abi),
            Self::BpfLsm => required(module("bpf")),
            Self::NoBpfLsm => absent(module("bpf")),
            Self::Btf => required(facts.btf),
            Self::Hooks => required(hooks(facts)),
            Self::NoHooks => absent(hooks(facts)),
            Self::TaskStorage => required(facts.task_storage),
            Self::NoTaskStorage => absent(facts.task_storage),
            Self::UserNamespaces => required(facts.user_namespaces),
            Self::Controller(name) => required(controller(name)),
            Self::NoController(name) => absent(controller(name)),
            Self::CgroupKill => required(facts.cgroup_kill),
        }
    }
}

/// Whether the eBPF layer can stand on the security hooks.
fn hooks(facts: &Expected) -> bool {
    facts.task_storage && (!facts.preempts || facts.lsm.iter().any(|module| module == "bpf"))
}

/// The name that the matrix knows a missing property by.
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Landlock(abi) => write!(f, "landlock-{abi}"),
            Self::LandlockBelow(abi) => write!(f, "landlock-below-{abi}"),
            Self::BpfLsm => f.write_str("bpf-lsm"),
            Self::NoBpfLsm => f.write_str("no-bpf-lsm"),
            Self::Btf => f.write_str("btf"),
            Self::Hooks => f.write_str("hooks"),
            Self::NoHooks => f.write_str("no-hooks"),
            Self::TaskStorage => f.write_str("task-storage"),
            Self::NoTaskStorage => f.write_str("no-task-storage"),
            Self::UserNamespaces => f.write_str("user-namespaces"),
            Self::Controller(name) => write!(f, "controller-{name}"),
            Self::NoController(name) => write!(f, "no-controller-{name}"),
            Self::CgroupKill => f.write_str("cgroup-kill"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_skipped_and_what_is_about_less_is_not_there() {
        let facts = Expected { landlock_abi: 2, lsm: vec!["landlock".into()], ..Expected::default() };
        assert_eq!(Need::Landlock(2).on(&facts), Met::Yes);
        assert_eq!(Need::Landlock(3).on(&facts), Met::Missing);
        assert_eq!(Need::LandlockBelow(3).on(&facts), Met::Yes);
        assert_eq!(Need::LandlockBelow(2).on(&facts), Met::BesideThePoint);
        assert_eq!(Need::BpfLsm.on(&facts), Met::Missing);
        assert_eq!(Need::NoBpfLsm.on(&facts), Met::Yes);
        assert_eq!(Need::Landlock(3).to_string(), "landlock-3");
    }
}
