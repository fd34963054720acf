//! Coverage of the network: by programs on the session's control group, by the supervisor that carries out the server's
//! calls, by neither.

use policy::Support;
use policy::coverage::State;

use crate::host::plan;
use crate::hosts::{POLICY, everything, host, on_packets, plan_closed, show, state};

/// The rows that programs on the session's control group change, those on the security hooks being absent.
const PACKETS: &[(&str, &str)] = &[
    ("filesystem.read", "landlock"),
    ("filesystem.deny: /w/no", "- Landlock only allows; it cannot close a path inside an allowed one"),
    ("filesystem.max_opens", "- files are opened without asking the supervisor"),
    ("network.allowed_domains", "ebpf+resolver (port 443: checked by name; port 5432: by address only)"),
    ("network.allowed_cidrs", "ebpf"),
    ("network.allowed_ports", "ebpf (port 53 of any host leads to the session's own resolver)"),
    ("network.listen", "ebpf"),
    (
        "network.unix_sockets",
        "- sockets by path are told apart from Landlock ABI 9 on; before, allowing one allows all \
         [Landlock closes abstract sockets of other processes]",
    ),
    ("network.max_connections", "ebpf"),
    ("network.max_sent_bytes", "ebpf"),
    ("network.max_lookups", "resolver"),
    ("network.max_destinations", "ebpf"),
    (
        "tools.t.max_connections_per_call",
        "ebpf (what may be for any of the calls in flight is charged to each of them)",
    ),
    (
        "tools.t.max_sent_bytes_per_call",
        "ebpf (what may be for any of the calls in flight is charged to each of them)",
    ),
    ("tools.t.allowed_domains", "ebpf+resolver (port 443: checked by name; port 5432: by address only)"),
    (
        "tools.t.allowed_paths",
        "- a Landlock domain cannot follow tool calls: what it grants stays granted \
         [Landlock grants it for the whole session]",
    ),
    ("on_violation.file", "- Landlock denies without telling the supervisor [the operation is denied]"),
    (
        "on_violation.network",
        "ebpf (the connection is denied at once; the session ends when the supervisor has read of it)",
    ),
    (
        "require: ebpf",
        "- no eBPF program decides about files and programs [eBPF programs decide about addresses and ports]",
    ),
];

#[test]
fn programs_on_the_control_group_alone_hold_the_network() {
    let plan = plan(POLICY).expect("valid");
    let host = Support { ebpf: on_packets(), ..host(7) };
    for (text, expected) in PACKETS {
        assert_eq!(&show(&state(&plan, &host, text)), expected, "{text}");
    }
    assert_eq!(show(&plan_closed(&Support { seccomp_filter: false, ..host.clone() })), "ebpf");
}

/// The rows that the supervisor changes when it carries out the server's calls, on a host without root.
const CARRIED_OUT: &[(&str, &str)] = &[
    ("filesystem.read", "landlock"),
    ("network.allowed_domains", "seccomp+resolver (port 443: checked by name; port 5432: by address only)"),
    ("network.allowed_cidrs", "seccomp"),
    ("network.allowed_ports", "seccomp (port 53 of any host leads to the session's own resolver)"),
    ("network.listen", "seccomp"),
    ("network.unix_sockets", "seccomp"),
    ("network.max_connections", "seccomp"),
    ("network.max_sent_bytes", "- bytes are sent without asking the supervisor"),
    ("network.max_lookups", "resolver"),
    ("network.max_destinations", "seccomp"),
    (
        "tools.t.max_connections_per_call",
        "seccomp (what may be for any of the calls in flight is charged to each of them)",
    ),
    ("tools.t.max_sent_bytes_per_call", "- bytes are sent without asking the supervisor"),
    (
        "tools.t.allowed_domains",
        "seccomp+resolver (port 443: checked by name; port 5432: by address only; a connection that goes straight to \
         an address stays open after the call)",
    ),
    (
        "tools.t.allowed_paths",
        "- a Landlock domain cannot follow tool calls: what it grants stays granted \
         [Landlock grants it for the whole session]",
    ),
    (
        "on_violation.network",
        "seccomp (the connection is denied at once; the session ends when the supervisor has read of it)",
    ),
    ("require: ebpf", "- no eBPF program enforces for this session"),
];

#[test]
fn without_root_the_supervisor_holds_the_network() {
    let plan = plan(POLICY).expect("valid");
    for abi in [0, 7, 10] {
        let host = Support { seccomp_gate: true, ..host(abi) };
        for (text, expected) in CARRIED_OUT.iter().filter(|(text, _)| abi > 0 || text.starts_with("network."))
        {
            assert_eq!(&show(&state(&plan, &host, text)), expected, "ABI {abi} {text}");
        }
    }
}

#[test]
fn a_part_of_what_carrying_out_needs_is_not_enough() {
    let plan = plan(POLICY).expect("valid");
    let whole = Support { seccomp_gate: true, ..host(7) };
    for part in [
        Support { seccomp_gate: false, ..whole.clone() },
        Support { seccomp_notify: false, ..whole.clone() },
        Support { seccomp_filter: false, ..whole.clone() },
    ] {
        for text in [
            "network.allowed_domains",
            "network.allowed_cidrs",
            "network.max_lookups",
            "tools.t.allowed_domains",
        ] {
            assert!(matches!(state(&plan, &part, text), State::Uncovered { .. }), "{text} {part:?}");
        }
    }
}

#[test]
fn where_programs_decide_the_supervisor_is_not_asked() {
    let plan = plan(POLICY).expect("valid");
    let both = Support { seccomp_gate: true, ..everything() };
    for text in
        ["network.allowed_cidrs", "network.listen", "network.max_connections", "network.max_sent_bytes"]
    {
        assert_eq!(show(&state(&plan, &both, text)), "ebpf", "{text}");
    }
    assert_eq!(show(&state(&plan, &both, "network.unix_sockets")), "landlock+ebpf");
}

/// An item of `allowed_domains`, the ports, and what is noted beside the layers.
const NOTES: &[(&str, &str, &str)] = &[
    ("a.example", "[443]", "port 443: checked by name"),
    ("a.example", "[443, 80]", "port 80, 443: checked by name"),
    ("a.example", "[22, 5432]", "port 22, 5432: by address only"),
    (
        "{ domain: a.example, verify: name }",
        "[443, 22]",
        "port 443: checked by name; port 22: by address only",
    ),
    ("{ domain: a.example, verify: address-only }", "[443, 22]", "port 22, 443: by address only"),
    (
        "\"*.a.example\"",
        "[443]",
        "port 443: checked by name; the wildcard opens no address, only names that were looked up do",
    ),
];

#[test]
fn how_a_domain_is_checked_is_noted() {
    for (item, ports, expected) in NOTES {
        let text = format!("version: 1\nnetwork: {{ allowed_domains: [{item}], allowed_ports: {ports} }}\n");
        let plan = plan(&text).expect("valid");
        for (host, layer) in [(everything(), "ebpf"), (Support { seccomp_gate: true, ..host(7) }, "seccomp")]
        {
            let told = show(&state(&plan, &host, "network.allowed_domains"));
            assert_eq!(told, format!("{layer}+resolver ({expected})"), "{item} {ports}");
        }
    }
}

#[test]
fn names_that_no_rule_spells_out_are_counted_unsaid() {
    let rate = "network.max_names_per_minute";
    for (network, expected) in [
        ("allowed_domains: [\"*.a.example\"]", Some("network.max_names_per_minute: 120")),
        ("allowed_cidrs: [public]", Some("network.max_names_per_minute: 120")),
        (
            "allowed_domains: [\"*.a.example\"], max_names_per_minute: 7",
            Some("network.max_names_per_minute: 7"),
        ),
        (
            "allowed_domains: [{ domain: a.example, records: [srv] }]",
            Some("network.max_names_per_minute: 120"),
        ),
        ("allowed_domains: [a.example]", None),
        ("allowed_cidrs: [10.0.0.0/8]", None),
    ] {
        let plan = plan(&format!("version: 1\nnetwork: {{ {network} }}\n")).expect("valid");
        let found = plan.rules.iter().find(|rule| rule.text.starts_with(rate)).map(|rule| &rule.text[..]);
        assert_eq!(found, expected, "{network}");
        if expected.is_some() {
            assert_eq!(show(&state(&plan, &everything(), rate)), "resolver");
            assert!(matches!(state(&plan, &host(10), rate), State::Uncovered { .. }));
        }
    }
}

#[test]
fn the_resolver_can_be_required() {
    let plan = plan("version: 1\nrequire: [resolver]\n").expect("valid");
    assert_eq!(show(&state(&plan, &everything(), "require")), "resolver");
    assert_eq!(
        show(&state(&plan, &host(10), "require")),
        "- names are looked up without asking the session's resolver"
    );
}
