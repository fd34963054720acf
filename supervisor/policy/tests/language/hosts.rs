//! Coverage: for each kind of rule, who enforces it on which host, and what is said where nobody does.

use policy::coverage::State;
use policy::{CgroupSupport, Ebpf, HookWay, Layer, Plan, Support, coverage};

use crate::host::plan;

pub(crate) fn host(landlock_abi: u32) -> Support {
    Support {
        kernel: "6.18.0".to_owned(),
        landlock_abi,
        seccomp_filter: true,
        seccomp_notify: true,
        ..Support::default()
    }
}

pub(crate) fn everything() -> Support {
    Support { ebpf: Ebpf { hooks: Some(HookWay::Lsm), ..on_packets() }, cgroup: group(), ..host(10) }
}

/// What hosted kernels often give to root: programs on control groups, none on the security hooks.
pub(crate) fn on_packets() -> Ebpf {
    let hooks_missing = Some("the kernel refuses tracing programs (EPERM)".to_owned());
    Ebpf { hooks: None, hooks_missing, network: true, network_missing: None }
}

fn group() -> CgroupSupport {
    CgroupSupport { identity: true, memory: true, cpu: true, processes: true, missing: None }
}

/// What is said about the first rule whose text starts like this.
pub(crate) fn state(plan: &Plan, support: &Support, text: &str) -> State {
    let index =
        plan.rules.iter().position(|rule| rule.text.starts_with(text)).unwrap_or_else(|| panic!("{text}"));
    let entry = coverage(plan, support).entries.swap_remove(index);
    assert_eq!(entry.rule.0 as usize, index);
    entry.state
}

pub(crate) fn show(state: &State) -> String {
    match state {
        State::Enforced { by, note } => {
            let by: Vec<String> = by.iter().map(ToString::to_string).collect();
            format!("{}{}", by.join("+"), note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default())
        }
        State::Uncovered { floor, reason, .. } => {
            format!("- {reason}{}", floor.as_ref().map(|floor| format!(" [{floor}]")).unwrap_or_default())
        }
    }
}

pub(crate) const POLICY: &str = "\
version: 1
environment: { pass: [PATH] }
filesystem: { read: [/r], write: [/w], deny: [/w/no, /elsewhere, \"**/.env\"], max_opens_per_minute: 9 }
network:
  allowed_domains: [a.example]
  allowed_cidrs: [10.0.0.0/8]
  allowed_ports: [443, 5432]
  listen: [0]
  unix_sockets: [/run/db.sock]
  max_connections_per_minute: 9
  max_sent_bytes_per_minute: 1MiB
  max_lookups_per_minute: 9
  max_destinations_per_minute: 9
execution:
  allowed_programs: [node]
  memory_limit: 1GiB
  cpus: 1
  max_processes: 9
  max_execs_per_minute: 9
  max_open_files: 99
  max_file_size: 1GiB
tools:
  t:
    require_scope: s
    require_approval: true
    require_audit_log: true
    arguments: { a: { type: text, max_length: 9 } }
    allowed_paths: [/t]
    allowed_domains: [t.example]
    allowed_programs: [git]
    max_requests_per_minute: 9
    max_connections_per_call: 9
    max_sent_bytes_per_call: 1MiB
responses: { validate_output_schema: true, redact: [secrets] }
on_violation:
  file: kill
  network: kill
  tool: kill
  syscall: kill
  repeated: { count: 20, within_seconds: 60, then: freeze }
require: [landlock, seccomp, rlimit, ebpf, cgroup]
";

const UNROOTED: &[(&str, &str)] = &[
    ("environment.pass", "spawn"),
    ("filesystem.read", "landlock"),
    ("filesystem.write", "landlock"),
    ("filesystem.deny: /w/no", "- Landlock only allows; it cannot close a path inside an allowed one"),
    ("filesystem.deny: /elsewhere", "landlock"),
    ("filesystem.deny: **/.env", "- Landlock knows no names; it cannot close a file by what it is called"),
    ("filesystem.max_opens", "- files are opened without asking the supervisor"),
    (
        "network.allowed_domains",
        "- Landlock knows ports, not hosts [Landlock allows TCP to port 443, 5432 only, but of any host; \
         UDP is open to any host and port]",
    ),
    (
        "network.allowed_cidrs",
        "- Landlock knows ports, not hosts [Landlock allows TCP to port 443, 5432 only, but of any host; \
         UDP is open to any host and port]",
    ),
    (
        "network.allowed_ports",
        "- UDP is open to every port: names are resolved over it, and Landlock ABI 7 does not see it \
         [Landlock and seccomp hold it for TCP]",
    ),
    ("network.listen", "landlock+seccomp (TCP; UDP ports can be bound)"),
    (
        "network.unix_sockets",
        "- sockets by path are told apart from Landlock ABI 9 on; before, allowing one allows all \
         [Landlock closes abstract sockets of other processes]",
    ),
    ("network.max_connections", "- connections are made without asking the supervisor"),
    ("network.max_sent_bytes", "- bytes are sent without asking the supervisor"),
    ("network.max_lookups", "- names are looked up without asking the session's resolver"),
    ("network.max_destinations", "- connections are made without asking the supervisor"),
    (
        "execution.allowed_programs",
        "landlock+seccomp (a file that the dynamic loader or an interpreter loads is not executed, only read)",
    ),
    ("execution.memory_limit", "rlimit (per process (RLIMIT_DATA), not per tree)"),
    ("execution.cpus", "- a share of processors cannot be set for single processes"),
    (
        "execution.max_processes",
        "rlimit (all processes of the user count (RLIMIT_NPROC), not the tree's alone)",
    ),
    ("execution.max_execs", "- programs are executed without asking the supervisor"),
    ("execution.max_open_files", "rlimit"),
    ("execution.max_file_size", "rlimit"),
    ("execution.seccomp", "seccomp"),
    ("tools.t.require_scope", "doorman"),
    ("tools.t.require_approval", "doorman"),
    ("tools.t.require_audit_log", "audit"),
    ("tools.t.arguments.a", "doorman"),
    (
        "tools.t.allowed_paths",
        "- a Landlock domain cannot follow tool calls: what it grants stays granted \
         [Landlock grants it for the whole session]",
    ),
    (
        "tools.t.allowed_programs",
        "- a Landlock domain cannot follow tool calls: what it grants stays granted \
         [Landlock grants it for the whole session]",
    ),
    (
        "tools.t.allowed_domains",
        "- a Landlock domain cannot follow tool calls: what it grants stays granted [Landlock allows TCP to port \
         443, 5432 only, but of any host; UDP is open to any host and port]",
    ),
    ("tools.t.max_requests_per_minute", "doorman"),
    ("tools.t.max_connections_per_call", "- connections are made without asking the supervisor"),
    ("tools.t.max_sent_bytes_per_call", "- bytes are sent without asking the supervisor"),
    ("responses.validate_output_schema", "doorman"),
    ("responses.redact", "doorman"),
    ("on_violation.file", "- Landlock denies without telling the supervisor [the operation is denied]"),
    ("on_violation.network", "- Landlock denies without telling the supervisor [the operation is denied]"),
    ("on_violation.tool", "doorman"),
    ("on_violation.syscall", "seccomp"),
    (
        "on_violation.repeated: 20 within 60 s, then freeze",
        "- Landlock denies without telling the supervisor [the operation is denied]",
    ),
    ("require: landlock", "landlock"),
    ("require: seccomp", "seccomp"),
    ("require: rlimit", "rlimit"),
    ("require: ebpf", "- no eBPF program enforces for this session"),
    ("require: cgroup", "- the session has no control group"),
    ("audit.on_failure", "audit"),
];

#[test]
fn without_root_on_today_s_kernel() {
    let plan = plan(POLICY).expect("valid");
    for (text, expected) in UNROOTED {
        assert_eq!(&show(&state(&plan, &host(7), text)), expected, "{text}");
    }
}

#[test]
fn with_every_layer_nothing_is_uncovered() {
    let plan = plan(POLICY).expect("valid");
    let uncovered: Vec<&str> = coverage(&plan, &everything())
        .entries
        .iter()
        .filter(|entry| matches!(entry.state, State::Uncovered { .. }))
        .filter_map(|entry| plan.rule(entry.rule).map(|rule| &rule.text[..]))
        .collect();
    assert_eq!(uncovered, [""; 0]);
}

#[test]
fn a_host_that_can_nothing_covers_only_user_space() {
    let plan = plan(POLICY).expect("valid");
    let user_space = [Layer::Rlimit, Layer::Spawn, Layer::Doorman, Layer::Audit];
    for entry in coverage(&plan, &Support::default()).entries {
        if let State::Enforced { by, .. } = entry.state {
            assert!(by.iter().all(|layer| user_space.contains(layer)), "{:?} {by:?}", plan.rule(entry.rule));
        }
    }
}

#[test]
fn older_and_newer_landlock() {
    let plan = plan(POLICY).expect("valid");
    let closed = show(&plan_closed(&host(0)));
    assert_eq!(closed, "seccomp (IP sockets cannot be created)");
    for (abi, text, expected) in [
        (
            2,
            "filesystem.read",
            "- Landlock ABI 2 does not see truncate(2): what may be read can be emptied [Landlock closes it to every other change]",
        ),
        (2, "filesystem.write", "landlock"),
        (3, "filesystem.read", "landlock"),
        (0, "filesystem.write", "- Landlock is absent or disabled in this kernel"),
        (3, "network.allowed_ports", "- this kernel has Landlock ABI 3; ABI 4 is needed"),
        (3, "network.allowed_domains", "- Landlock knows ports, not hosts"),
        (3, "network.listen", "- this kernel has Landlock ABI 3; ABI 4 is needed"),
        (
            10,
            "network.allowed_ports",
            "landlock+seccomp (port 53 is open as well, so that the allowed domains can be looked up)",
        ),
        (10, "network.listen", "landlock+seccomp"),
        (
            8,
            "network.unix_sockets",
            "- sockets by path are told apart from Landlock ABI 9 on; before, allowing one allows all [Landlock closes abstract sockets of other processes]",
        ),
        (9, "network.unix_sockets", "landlock"),
    ] {
        assert_eq!(show(&state(&plan, &host(abi), text)), expected, "ABI {abi} {text}");
    }
}

pub(crate) fn plan_closed(support: &Support) -> State {
    state(&plan("version: 1\n").expect("valid"), support, "network: closed")
}

#[test]
fn root_and_missing_seccomp() {
    let plan = plan(POLICY).expect("valid");
    let root = Support { server_is_root: true, ..host(7) };
    assert_eq!(
        show(&state(&plan, &root, "execution.max_processes")),
        "- the server runs as root, for whom RLIMIT_NPROC does not hold"
    );
    let bare = Support { seccomp_filter: false, ..host(10) };
    for text in ["execution.allowed_programs", "network.allowed_ports", "network.listen", "execution.seccomp"]
    {
        assert!(matches!(state(&plan, &bare, text), State::Uncovered { .. }), "{text}");
    }
    assert!(matches!(plan_closed(&bare), State::Uncovered { .. }));
    let silent = Support { seccomp_notify: false, ..host(7) };
    assert!(matches!(state(&plan, &silent, "on_violation.syscall"), State::Uncovered { .. }));
}

/// The rows that programs on the security hooks change, with every other layer there.
const HOOKED: &[(u32, &str, &str)] = &[
    (10, "filesystem.read", "landlock+ebpf"),
    (2, "filesystem.read", "landlock+ebpf"),
    (0, "filesystem.read", "ebpf"),
    (0, "filesystem.deny: /elsewhere", "ebpf"),
    (10, "filesystem.deny: /w/no", "ebpf"),
    (10, "filesystem.deny: **/.env", "ebpf"),
    (10, "filesystem.max_opens", "ebpf"),
    (8, "network.unix_sockets", "ebpf"),
    (9, "network.unix_sockets", "landlock+ebpf"),
    (
        10,
        "execution.allowed_programs",
        "landlock+ebpf (a file that an interpreter loads is not executed, only read)",
    ),
    (0, "execution.allowed_programs", "ebpf (a file that an interpreter loads is not executed, only read)"),
    (10, "execution.memory_limit", "cgroup"),
    (10, "execution.cpus", "cgroup"),
    (10, "execution.max_processes", "cgroup"),
    (10, "tools.t.allowed_paths", "ebpf"),
    (10, "tools.t.allowed_programs", "ebpf"),
    (10, "on_violation.network", "ebpf"),
    (10, "on_violation.repeated", "ebpf+cgroup"),
    (10, "require: ebpf", "ebpf"),
    (10, "require: cgroup", "cgroup"),
];

#[test]
fn programs_on_the_security_hooks_hold_files_and_programs() {
    let plan = plan(POLICY).expect("valid");
    for (abi, text, expected) in HOOKED {
        let host = Support { landlock_abi: *abi, ..everything() };
        assert_eq!(&show(&state(&plan, &host, text)), expected, "ABI {abi} {text}");
    }
}

#[test]
fn a_session_without_a_group_of_its_own_cannot_be_frozen() {
    let text = |then| {
        format!("version: 1\non_violation: {{ repeated: {{ count: 2, within_seconds: 1, then: {then} }} }}\n")
    };
    let missing = Some("no controllers are delegated to this user".to_owned());
    let host = Support { cgroup: CgroupSupport { missing, ..CgroupSupport::default() }, ..everything() };
    let State::Uncovered { remedy, .. } =
        state(&plan(&text("freeze")).expect("valid"), &host, "on_violation")
    else {
        panic!("nothing can freeze it");
    };
    assert_eq!(
        remedy,
        "a control group for the session (missing here: no controllers are delegated to this user)"
    );
    assert_eq!(show(&state(&plan(&text("kill")).expect("valid"), &host, "on_violation")), "ebpf");
}

#[test]
fn a_remedy_names_what_is_missing() {
    let plan = plan(POLICY).expect("valid");
    let remedy = |support: &Support, text| match state(&plan, support, text) {
        State::Uncovered { remedy, .. } => remedy,
        State::Enforced { .. } => panic!("{text}"),
    };
    assert_eq!(
        remedy(&Support { ebpf: on_packets(), ..host(7) }, "filesystem.deny: /w/no"),
        "eBPF programs on the kernel's security hooks (missing here: the kernel refuses tracing programs (EPERM))"
    );
    assert_eq!(
        remedy(&host(7), "network.max_sent_bytes"),
        "eBPF programs on the session's control group: run mcpguard as root"
    );
    assert_eq!(
        remedy(&host(8), "network.unix_sockets"),
        "Linux 7.1 (Landlock ABI 9), or eBPF programs on the kernel's security hooks: run mcpguard as root, or seccomp \
         user notification by which the supervisor carries out the server's connections (Linux 5.19)"
    );
    let either = "eBPF programs on the session's control group: run mcpguard as root, or seccomp user notification by \
                  which the supervisor carries out the server's connections (Linux 5.19)";
    for text in
        ["network.allowed_cidrs", "network.allowed_domains", "network.max_lookups", "tools.t.allowed_domains"]
    {
        assert_eq!(remedy(&host(7), text), either, "{text}");
    }
}
