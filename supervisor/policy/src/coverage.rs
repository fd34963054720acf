//! Coverage: for each rule of a plan, the layer that enforces it on this host, or what is missing.

use crate::plan::{Ask, ClassId, OnViolation, PathRule, Plan, Rule, RuleId, ViolationKind};
use crate::support::{Layer, Support};

/// For each rule of a plan, in the order of [`crate::Plan::rules`], who enforces it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Coverage {
    /// One entry a rule.
    pub entries: Vec<Entry>,
}

/// Who enforces one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The rule.
    pub rule: RuleId,
    /// The answer.
    pub state: State,
}

/// Whether a rule is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// These layers enforce it as written; the note says what a reader should know (`per process, not per tree`).
    Enforced {
        /// The layers.
        by: Vec<Layer>,
        /// What a reader should know.
        note: Option<String>,
    },
    /// No layer enforces it as written. Stops the start unless `--allow-degraded` is given.
    Uncovered {
        /// The weaker thing that still holds, if any (`Landlock grants it for the whole session`).
        floor: Option<String>,
        /// Why it is not enforced here.
        reason: String,
        /// What would enforce it.
        remedy: String,
    },
}

/// Who enforces each rule of a plan on a host.
pub fn coverage(plan: &Plan, support: &Support) -> Coverage {
    let numbered = plan.rules.iter().zip(0..);
    Coverage {
        entries: numbered
            .map(|(rule, id)| Entry { rule: RuleId(id), state: state(rule, RuleId(id), plan, support) })
            .collect(),
    }
}

const EBPF: &str = "the eBPF layer: run mcpguard as root or with its daemon";

fn state(rule: &Rule, id: RuleId, plan: &Plan, support: &Support) -> State {
    let host = Host { plan, support };
    match &rule.ask {
        Ask::PathGrant => host.path_grant(id),
        Ask::PathDenyInsideGrant => {
            host.only_ebpf("Landlock only allows; it cannot close a path inside an allowed one")
        }
        Ask::NameDeny => {
            host.only_ebpf("Landlock knows no names; it cannot close a file by what it is called")
        }
        Ask::PathDenyOutsideGrants => host.landlock(1, None),
        Ask::ToolPaths | Ask::ToolPrograms => host.during_a_call(
            (support.landlock_abi >= 1).then(|| "Landlock grants it for the whole session".to_owned()),
        ),
        Ask::ToolDomains => host.during_a_call(host.tcp_floor()),
        Ask::NoNetwork => host.no_network(),
        Ask::Domain | Ask::Cidr => host.hosts(),
        Ask::Ports => host.ports(),
        Ask::Listen => host.listen(),
        Ask::UnixSocket => host.unix_socket(),
        Ask::ConnectRate => host.only_ebpf("connections are made without asking the supervisor"),
        Ask::ExecRate => host.only_ebpf("programs are executed without asking the supervisor"),
        Ask::Programs => host.programs(),
        Ask::Memory => host.memory(),
        Ask::Cpus => host.only_cgroup("a share of processors cannot be set for single processes"),
        Ask::Processes => host.processes(),
        Ask::OpenFiles | Ask::FileSize => enforced(&[Layer::Rlimit], None),
        Ask::SyscallProfile => host.seccomp(),
        Ask::Environment => enforced(&[Layer::Spawn], None),
        Ask::Doorman => enforced(&[Layer::Doorman], None),
        Ask::Scope => not_built("callers are not told apart yet"),
        Ask::Approval => not_built("calls cannot be held for a person yet"),
        Ask::Arguments => not_built("arguments are not checked by type yet"),
        Ask::OutputSchema => not_built("answers are not checked against output schemas yet"),
        Ask::RedactAnswers => not_built("secrets are not cut out of answers yet"),
        Ask::Audit => enforced(&[Layer::Audit], None),
        Ask::Violation(kind, OnViolation::Kill) => host.kill(*kind),
        Ask::Violation(kind, OnViolation::Deny) => host.deny(*kind),
        Ask::Layer(layer) => host.layer(*layer),
    }
}

fn enforced(by: &[Layer], note: Option<&str>) -> State {
    State::Enforced { by: by.to_vec(), note: note.map(str::to_owned) }
}

fn uncovered(floor: Option<String>, reason: impl Into<String>, remedy: impl Into<String>) -> State {
    State::Uncovered { floor, reason: reason.into(), remedy: remedy.into() }
}

fn not_built(reason: &str) -> State {
    uncovered(None, reason, "a later release of mcpguard's doorman")
}

/// The first kernel version with a Landlock ABI (kernel documentation, `userspace-api/landlock.rst`).
fn kernel_of(abi: u32) -> &'static str {
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

/// A plan on a host.
struct Host<'a> {
    plan: &'a Plan,
    support: &'a Support,
}

impl Host<'_> {
    fn abi(&self) -> u32 {
        self.support.landlock_abi
    }

    fn landlock(&self, abi: u32, note: Option<&str>) -> State {
        match self.abi() >= abi {
            true => enforced(&[Layer::Landlock], note),
            false => self.no_landlock(abi, None),
        }
    }

    fn no_landlock(&self, abi: u32, floor: Option<String>) -> State {
        let reason = match self.abi() {
            0 => "Landlock is absent or disabled in this kernel".to_owned(),
            found => format!("this kernel has Landlock ABI {found}; ABI {abi} is needed"),
        };
        uncovered(floor, reason, kernel_of(abi))
    }

    fn seccomp(&self) -> State {
        match self.support.seccomp_filter {
            true => enforced(&[Layer::Seccomp], None),
            false => uncovered(
                None,
                "seccomp filters cannot be installed here",
                "a kernel with CONFIG_SECCOMP_FILTER",
            ),
        }
    }

    fn only_ebpf(&self, reason: &str) -> State {
        match self.support.ebpf {
            true => enforced(&[Layer::Ebpf], None),
            false => uncovered(None, reason, EBPF),
        }
    }

    fn only_cgroup(&self, reason: &str) -> State {
        match self.support.cgroup {
            true => enforced(&[Layer::Cgroup], None),
            false => uncovered(
                None,
                reason,
                "a control group for the session: run mcpguard as root or with its daemon",
            ),
        }
    }

    fn during_a_call(&self, floor: Option<String>) -> State {
        match self.support.ebpf {
            true => enforced(&[Layer::Ebpf], None),
            false => uncovered(
                floor,
                "a Landlock domain cannot follow tool calls: what it grants stays granted",
                EBPF,
            ),
        }
    }

    /// Before ABI 3, Landlock does not see `truncate(2)`, so that a file that may only be read can be emptied.
    fn path_grant(&self, id: RuleId) -> State {
        let read_only = |rule: &PathRule| rule.from.contains(&id) && !rule.write.contains(ClassId::ALWAYS);
        match self.abi() {
            1 | 2 if self.plan.files.rules.iter().any(read_only) => uncovered(
                Some("Landlock closes it to every other change".to_owned()),
                format!(
                    "Landlock ABI {} does not see truncate(2): what may be read can be emptied",
                    self.abi()
                ),
                kernel_of(3),
            ),
            _ => self.landlock(1, None),
        }
    }

    fn no_network(&self) -> State {
        match (self.support.seccomp_filter, self.support.ebpf) {
            (true, true) => enforced(&[Layer::Seccomp, Layer::Ebpf], None),
            (true, false) => enforced(&[Layer::Seccomp], Some("IP sockets cannot be created")),
            (false, true) => enforced(&[Layer::Ebpf], None),
            (false, false) => self.seccomp(),
        }
    }

    /// What Landlock holds of the network section: ports, not hosts.
    fn tcp_floor(&self) -> Option<String> {
        let ports: Vec<String> = self.plan.network.ports.iter().map(u16::to_string).collect();
        let udp = if self.abi() >= 10 { "" } else { "; UDP is open to any host and port" };
        (self.abi() >= 4 && self.support.seccomp_filter)
            .then(|| format!("Landlock allows TCP to port {} only, but of any host{udp}", ports.join(", ")))
    }

    fn hosts(&self) -> State {
        match self.support.ebpf {
            true => enforced(&[Layer::Ebpf], None),
            false => uncovered(self.tcp_floor(), "Landlock knows ports, not hosts", EBPF),
        }
    }

    /// seccomp must let datagram sockets be created, or no name could be resolved.
    fn ports(&self) -> State {
        match (self.support.ebpf, self.abi()) {
            (true, _) => enforced(&[Layer::Ebpf], None),
            (false, 0..=3) => self.no_landlock(4, None),
            (false, _) if !self.support.seccomp_filter => {
                self.seccomp_closes("MPTCP, which Landlock does not see")
            }
            (false, abi @ 4..=9) => uncovered(
                Some("Landlock and seccomp hold it for TCP".to_owned()),
                format!(
                    "UDP is open to every port: names are resolved over it, and Landlock ABI {abi} does not see it"
                ),
                format!("{} (Landlock ABI 10), or {EBPF}", kernel_of(10)),
            ),
            (false, _) => enforced(&[Layer::Landlock, Layer::Seccomp], None),
        }
    }

    fn listen(&self) -> State {
        match (self.support.ebpf, self.abi(), self.support.seccomp_filter) {
            (true, ..) => enforced(&[Layer::Ebpf], None),
            (false, 0..=3, _) => self.no_landlock(4, None),
            (false, _, false) => self.seccomp_closes("MPTCP, which Landlock does not see"),
            (false, 4..=9, true) => {
                enforced(&[Layer::Landlock, Layer::Seccomp], Some("TCP; UDP ports can be bound"))
            }
            (false, _, true) => enforced(&[Layer::Landlock, Layer::Seccomp], None),
        }
    }

    fn seccomp_closes(&self, what: &str) -> State {
        uncovered(
            None,
            format!("seccomp must close {what}, and its filters cannot be installed here"),
            "a kernel with CONFIG_SECCOMP_FILTER",
        )
    }

    fn unix_socket(&self) -> State {
        match (self.support.ebpf, self.abi()) {
            (true, _) => enforced(&[Layer::Ebpf], None),
            (false, 9..) => enforced(&[Layer::Landlock], None),
            (false, abi) => uncovered(
                (abi >= 6).then(|| "Landlock closes abstract sockets of other processes".to_owned()),
                "sockets by path are told apart from Landlock ABI 9 on; before, allowing one allows all",
                format!("{} (Landlock ABI 9), or {EBPF}", kernel_of(9)),
            ),
        }
    }

    fn programs(&self) -> State {
        let note = "a file that the dynamic loader or an interpreter loads is not executed, only read";
        match (self.abi(), self.support.seccomp_filter) {
            (0, _) => self.no_landlock(1, None),
            (_, true) => enforced(&[Layer::Landlock, Layer::Seccomp], Some(note)),
            (_, false) => self.seccomp_closes("execution of memory files, which Landlock does not see"),
        }
    }

    fn memory(&self) -> State {
        match self.support.cgroup {
            true => enforced(&[Layer::Cgroup], None),
            false => enforced(&[Layer::Rlimit], Some("per process (RLIMIT_DATA), not per tree")),
        }
    }

    /// `RLIMIT_NPROC` does not hold for uid 0 (getrlimit(2)).
    fn processes(&self) -> State {
        match (self.support.cgroup, self.support.server_is_root) {
            (true, _) => enforced(&[Layer::Cgroup], None),
            (false, false) => enforced(
                &[Layer::Rlimit],
                Some("all processes of the user count (RLIMIT_NPROC), not the tree's alone"),
            ),
            (false, true) => self.only_cgroup("the server runs as root, for whom RLIMIT_NPROC does not hold"),
        }
    }

    fn kill(&self, kind: ViolationKind) -> State {
        let denied = || Some("the operation is denied".to_owned());
        match kind {
            ViolationKind::Tool => enforced(&[Layer::Doorman], None),
            ViolationKind::Syscall if self.support.seccomp_filter && self.support.seccomp_notify => {
                enforced(&[Layer::Seccomp], None)
            }
            ViolationKind::Syscall => uncovered(
                denied(),
                "this kernel does not report refused system calls to the supervisor",
                "a kernel with seccomp user notification (Linux 5.0)",
            ),
            ViolationKind::File | ViolationKind::Network | ViolationKind::Exec if self.support.ebpf => {
                enforced(&[Layer::Ebpf], None)
            }
            ViolationKind::File | ViolationKind::Network | ViolationKind::Exec => {
                uncovered(denied(), "Landlock denies without telling the supervisor", EBPF)
            }
        }
    }

    fn deny(&self, kind: ViolationKind) -> State {
        match kind {
            ViolationKind::File | ViolationKind::Exec => self.landlock(1, None),
            ViolationKind::Network => self.no_network(),
            ViolationKind::Tool => enforced(&[Layer::Doorman], None),
            ViolationKind::Syscall => self.seccomp(),
        }
    }

    fn layer(&self, layer: Layer) -> State {
        match layer {
            Layer::Landlock => self.landlock(1, None),
            Layer::Seccomp => self.seccomp(),
            Layer::Rlimit | Layer::Spawn | Layer::Doorman | Layer::Audit => enforced(&[layer], None),
            Layer::Ebpf => self.only_ebpf("no eBPF program enforces for this session"),
            Layer::Cgroup => self.only_cgroup("the session has no control group"),
        }
    }
}
