//! A plan on a host: which layers are there, and what would bring those that are not.

use super::{State, enforced, uncovered};
use crate::plan::Plan;
use crate::support::{Layer, Support};

/// A plan on a host.
pub(super) struct Host<'a> {
    pub(super) plan: &'a Plan,
    pub(super) support: &'a Support,
}

/// The first kernel version with a Landlock ABI (kernel documentation, `userspace-api/landlock.rst`).
pub(super) fn kernel_of(abi: u32) -> &'static str {
    match abi {
        0 | 1 => "Linux 5.13 with `landlock` among its security modules",
        2 => "Linux 5.19",
        3 => "Linux 6.2",
        4 => "Linux 6.7",
        5 => "Linux 6.10",
        6 => "Linux 6.12",
        7 => "Linux 6.15",
        8 => "Linux 7.0",
        9 => "Linux 7.1",
        _ => "Linux 7.2",
    }
}

impl Host<'_> {
    pub(super) fn abi(&self) -> u32 {
        self.support.landlock_abi
    }

    /// Whether eBPF programs stand on the security hooks.
    pub(super) fn hooks(&self) -> bool {
        self.support.ebpf.hooks.is_some()
    }

    /// Whether eBPF programs stand on the session's control group.
    pub(super) fn packets(&self) -> bool {
        self.support.ebpf.network
    }

    /// Whether the supervisor can carry out what the server connects, sends and binds.
    pub(super) fn carries_out(&self) -> bool {
        self.support.seccomp_filter && self.support.seccomp_notify && self.support.seccomp_gate
    }

    /// Landlock where it is there, and eBPF: what both hold.
    pub(super) fn both(&self, landlock: bool, note: Option<&str>) -> State {
        let landlock = landlock.then_some(Layer::Landlock);
        let by: Vec<Layer> = landlock.into_iter().chain([Layer::Ebpf]).collect();
        enforced(&by, note)
    }

    pub(super) fn landlock(&self, abi: u32, note: Option<&str>) -> State {
        match self.abi() >= abi {
            true => enforced(&[Layer::Landlock], note),
            false => self.no_landlock(abi, None),
        }
    }

    pub(super) fn no_landlock(&self, abi: u32, floor: Option<String>) -> State {
        let reason = match self.abi() {
            0 => "Landlock is absent or disabled in this kernel".to_owned(),
            found => format!("this kernel has Landlock ABI {found}; ABI {abi} is needed"),
        };
        uncovered(floor, reason, kernel_of(abi))
    }

    pub(super) fn seccomp(&self) -> State {
        match self.support.seccomp_filter {
            true => enforced(&[Layer::Seccomp], None),
            false => uncovered(None, "seccomp filters cannot be installed here", SECCOMP),
        }
    }

    pub(super) fn seccomp_closes(&self, what: &str) -> State {
        let reason = format!("seccomp must close {what}, and its filters cannot be installed here");
        uncovered(None, reason, SECCOMP)
    }

    pub(super) fn only_hooks(&self, reason: &str) -> State {
        match self.hooks() {
            true => enforced(&[Layer::Ebpf], None),
            false => uncovered(None, reason, self.hooks_remedy()),
        }
    }

    /// Connections, and where they go, are counted where they are decided: by the programs on the control group, or by the
    /// supervisor that makes them.
    pub(super) fn connections(&self) -> State {
        match self.addresses() {
            Some(layer) => enforced(&[layer], None),
            None => {
                uncovered(None, "connections are made without asking the supervisor", self.addresses_remedy())
            }
        }
    }

    /// What is sent is counted packet by packet.
    pub(super) fn sent_bytes(&self) -> State {
        match self.packets() {
            true => enforced(&[Layer::Ebpf], None),
            false => uncovered(None, "bytes are sent without asking the supervisor", self.network_remedy()),
        }
    }

    /// A budget of calls: nobody can tell which of two calls a server connects for.
    pub(super) fn spent_by_calls(&self, counted: State) -> State {
        match counted {
            State::Enforced { by, note: None } => {
                enforced(&by, Some("what may be for any of the calls in flight is charged to each of them"))
            }
            other => other,
        }
    }

    /// The resolver, which is asked only where somebody leads there.
    pub(super) fn resolver(&self) -> State {
        match self.addresses() {
            Some(_) => enforced(&[Layer::Resolver], None),
            None => uncovered(
                None,
                "names are looked up without asking the session's resolver",
                self.addresses_remedy(),
            ),
        }
    }

    pub(super) fn hooks_remedy(&self) -> String {
        remedy("eBPF programs on the kernel's security hooks", self.support.ebpf.hooks_missing.as_deref())
    }

    pub(super) fn network_remedy(&self) -> String {
        let missing = self.support.ebpf.network_missing.as_deref();
        remedy("eBPF programs on the session's control group", missing)
    }

    /// What would decide about addresses: either of two.
    pub(super) fn addresses_remedy(&self) -> String {
        format!("{}, or {CARRYING_OUT}", self.network_remedy())
    }

    pub(super) fn cgroup_remedy(&self) -> String {
        remedy("a control group for the session", self.support.cgroup.missing.as_deref())
    }

    pub(super) fn layer(&self, layer: Layer) -> State {
        match layer {
            Layer::Landlock => self.landlock(1, None),
            Layer::Seccomp => self.seccomp(),
            Layer::Rlimit | Layer::Spawn | Layer::Doorman | Layer::Audit => enforced(&[layer], None),
            Layer::Ebpf => self.ebpf(),
            Layer::Resolver => self.resolver(),
            Layer::Cgroup if self.support.cgroup.identity => enforced(&[Layer::Cgroup], None),
            Layer::Cgroup => uncovered(None, "the session has no control group", self.cgroup_remedy()),
        }
    }

    /// Required by name it means all of it: half of it would leave out what the author counted on.
    fn ebpf(&self) -> State {
        let half = |text: &str| Some(text.to_owned());
        match (self.hooks(), self.packets()) {
            (true, true) => enforced(&[Layer::Ebpf], None),
            (true, false) => uncovered(
                half("eBPF programs decide about files and programs"),
                "no eBPF program decides about the session's packets",
                self.network_remedy(),
            ),
            (false, true) => uncovered(
                half("eBPF programs decide about addresses and ports"),
                "no eBPF program decides about files and programs",
                self.hooks_remedy(),
            ),
            (false, false) => {
                uncovered(None, "no eBPF program enforces for this session", self.hooks_remedy())
            }
        }
    }
}

const SECCOMP: &str = "a kernel with CONFIG_SECCOMP_FILTER";

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV` (Linux 5.19) and `pidfd_getfd` (5.6).
pub(super) const CARRYING_OUT: &str =
    "seccomp user notification by which the supervisor carries out the server's connections (Linux 5.19)";

fn remedy(what: &str, missing: Option<&str>) -> String {
    match missing {
        Some(why) => format!("{what} (missing here: {why})"),
        None => format!("{what}: run mcpguard as root"),
    }
}
