//! Denials that are no calls.

use abi::Reason;
use audit::{Body, CallRef, Cause, Denial, KernelDenial, Layer};

use super::{Told, Written, denial, rule};
use crate::session::because;

const ALLOWED: [u64; 5] = [0, 0, 1, 0, 0];
const SAME: [u64; 5] = [1, 0, 0, 0, 0];
const UNKNOWN: [u64; 5] = [0, 0, 0, 0, 1];

fn replay(denial: Denial, policy: &str) -> Told {
    let mut log = Written::session();
    log.add(1, Body::Denial(denial));
    let told = log.replay(policy);
    assert_eq!(told.status, 0, "nothing of this narrows: {told:#?}");
    told
}

#[track_caller]
fn judged(denial: &Denial, table: &[(&str, [u64; 5])]) {
    for (policy, expected) in table {
        let told = replay(denial.clone(), policy);
        assert_eq!(told.denials(), *expected, "{policy}: {told:#?}");
    }
}

fn not_granted(cause: Cause, what: &str, detail: &str) -> Denial {
    denial(cause, what, detail, because(Reason::NotGranted))
}

fn during(tool: &str, denial: Denial) -> Denial {
    Denial { calls: vec![CallRef { call: 1, tool: tool.to_owned() }], ..denial }
}

#[test]
fn files_by_the_longest_rule_and_the_calls_in_flight() {
    let read = not_granted(Cause::File, "/data/in/x", "read");
    judged(
        &read,
        &[
            ("", SAME),
            ("filesystem: { read: [/data] }\n", ALLOWED),
            ("filesystem: { write: [/data] }\n", ALLOWED),
            ("filesystem: { read: [/data-evil] }\n", SAME),
            ("filesystem: { read: [/data], deny: [/data/in] }\n", SAME),
            ("filesystem: { read: [/data/in], deny: [/data] }\n", ALLOWED),
            ("filesystem: { read: [/data], deny: [\"**/x\"] }\n", SAME),
            ("tools: { t: { allowed_paths: [/data] } }\n", SAME),
        ],
    );
    let policy = "tools: { t: { allowed_paths: [/data] }, u: {} }\n";
    judged(&during("t", read.clone()), &[(policy, ALLOWED)]);
    judged(&during("u", read.clone()), &[(policy, SAME)]);
    let write = not_granted(Cause::File, "/data/in/x", "write: rename /data/in/x");
    judged(
        &write,
        &[("filesystem: { read: [/data] }\n", SAME), ("filesystem: { write: [/data] }\n", ALLOWED)],
    );
    let granted = "filesystem: { write: [/data] }\n";
    for (reason, expected) in [
        (Reason::Orphan, SAME),
        (Reason::Internal, SAME),
        (Reason::WritableCode, UNKNOWN),
        (Reason::OnTheWay, UNKNOWN),
        (Reason::Name, ALLOWED),
    ] {
        judged(&denial(Cause::File, "/data/in/x", "read", because(reason)), &[(granted, expected)]);
    }
    judged(&not_granted(Cause::File, "…/in/x", "read"), &[(granted, UNKNOWN)]);
    judged(&not_granted(Cause::File, "/data/[redacted:T]", "read"), &[(granted, UNKNOWN)]);
}

#[test]
fn rules_mean_the_places_that_they_lead_to() {
    let room = tempfile::tempdir().unwrap();
    let real = room.path().canonicalize().unwrap();
    std::fs::create_dir(real.join("there")).unwrap();
    std::os::unix::fs::symlink(real.join("there"), real.join("link")).unwrap();
    let read = not_granted(Cause::File, &real.join("there/x").to_string_lossy(), "read");
    judged(&read, &[(&format!("filesystem: {{ read: [\"{}/link\"] }}\n", real.display()), ALLOWED)]);
}

#[test]
fn programs_are_files_that_are_executed() {
    let execute = not_granted(Cause::Program, "/usr/bin/git", "execute /usr/bin/git");
    judged(
        &execute,
        &[
            ("", SAME),
            ("filesystem: { read: [/usr] }\n", SAME),
            ("execution: { allowed_programs: [/usr/bin/git] }\n", ALLOWED),
        ],
    );
    let code = not_granted(Cause::Program, "/opt/x.so", "load code from /opt/x.so");
    judged(&code, &[("", SAME), ("filesystem: { read: [/opt] }\n", UNKNOWN)]);
}

#[test]
fn addresses_by_range_port_and_call() {
    let connect = not_granted(Cause::Network, "203.0.113.7:443", "connect to 203.0.113.7:443");
    judged(
        &connect,
        &[
            ("", SAME),
            ("network: { allowed_cidrs: [203.0.113.0/24] }\n", ALLOWED),
            ("network: { allowed_cidrs: [203.0.112.0/24] }\n", SAME),
            ("network: { allowed_cidrs: [203.0.113.0/24], allowed_ports: [80] }\n", SAME),
            ("network: { allowed_domains: [a.example] }\n", UNKNOWN),
            ("network: { allowed_domains: [a.example], allowed_ports: [80] }\n", SAME),
            ("tools: { t: { allowed_domains: [a.example] } }\n", SAME),
        ],
    );
    judged(&during("t", connect), &[("tools: { t: { allowed_domains: [a.example] } }\n", UNKNOWN)]);
    let listen = not_granted(Cause::Network, "0.0.0.0:8080", "listen on 0.0.0.0:8080");
    judged(
        &listen,
        &[("", SAME), ("network: { listen: [8080] }\n", ALLOWED), ("network: { listen: [0] }\n", ALLOWED)],
    );
    let unix = not_granted(Cause::Network, "/run/db.sock", "connect to the unix socket /run/db.sock");
    judged(&unix, &[("", SAME), ("network: { unix_sockets: [/run/db.sock] }\n", ALLOWED)]);
    judged(&not_granted(Cause::Network, "family 17", "make a socket of family 17"), &[("", SAME)]);
}

#[test]
fn names_by_rule_and_reason() {
    let asked = |reason| denial(Cause::Network, "api.example.com", "look up api.example.com", reason);
    judged(
        &asked("no rule names it"),
        &[
            ("", SAME),
            ("network: { allowed_domains: [api.example.com] }\n", ALLOWED),
            ("network: { allowed_domains: [\"*.example.com\"] }\n", ALLOWED),
            ("network: { allowed_domains: [example.com] }\n", SAME),
            ("network: { allowed_cidrs: [public] }\n", ALLOWED),
        ],
    );
    let named = "network: { allowed_domains: [api.example.com] }\n";
    let rebound = "it stands for 10.0.0.7, which is neither public nor in a range of the policy";
    judged(
        &asked(rebound),
        &[
            (named, SAME),
            ("network: { allowed_domains: [api.example.com], allowed_cidrs: [10.0.0.0/8] }\n", ALLOWED),
        ],
    );
    judged(&asked("records of type 16 are not looked up for it"), &[("", SAME), (named, UNKNOWN)]);
    judged(&asked("records of class 3 are not looked up"), &[(named, SAME)]);
    let spoken =
        denial(Cause::Network, "api.example.com", "connect to 203.0.113.7:8443", "no rule names this host");
    judged(
        &spoken,
        &[
            (named, SAME),
            ("network: { allowed_domains: [api.example.com], allowed_ports: [8443] }\n", ALLOWED),
        ],
    );
}

#[test]
fn rates_by_their_limits() {
    let over = |text: &str, limit| Denial {
        rule: Some(rule(text)),
        limit,
        ..denial(Cause::Rate, "/usr/bin/git", "execute /usr/bin/git", because(Reason::Rate))
    };
    let execs =
        |n: u32| format!("execution: {{ allowed_programs: [/usr/bin/git], max_execs_per_minute: {n} }}\n");
    judged(
        &over("execution.max_execs_per_minute: 30", Some(30)),
        &[
            // No rate any more, and no program either.
            ("", SAME),
            ("execution: { allowed_programs: [/usr/bin/git] }\n", ALLOWED),
            (&execs(30), SAME),
            (&execs(10), SAME),
            (&execs(31), UNKNOWN),
            ("execution: { allowed_programs: [/usr/bin/env], max_execs_per_minute: 31 }\n", SAME),
        ],
    );
    let open = |what: &str| Denial {
        rule: Some(rule("filesystem.max_opens_per_minute: 10")),
        limit: Some(10),
        ..denial(Cause::Rate, what, "write /w/a", because(Reason::Rate))
    };
    judged(
        &open("/w/a"),
        &[
            ("", SAME),
            ("filesystem: { read: [/nowhere] }\n", SAME),
            ("filesystem: { write: [/w] }\n", ALLOWED),
            ("filesystem: { read: [/w] }\n", UNKNOWN),
        ],
    );
    let connect = Denial {
        rule: Some(rule("network.max_connections_per_minute: 3")),
        limit: Some(3),
        ..denial(Cause::Rate, "203.0.113.7:443", "connect to 203.0.113.7:443", because(Reason::Rate))
    };
    judged(&connect, &[("", SAME), ("network: { allowed_cidrs: [203.0.113.0/24] }\n", ALLOWED)]);
    let sent = Denial { what: "something without a name".to_owned(), ..connect };
    judged(&sent, &[("", UNKNOWN)]);
    judged(&over("execution.max_execs_per_minute: 30", None), &[(&execs(30), SAME), (&execs(10), UNKNOWN)]);
    judged(&over("tools.x.max_connections_per_call: 3", Some(3)), &[("", UNKNOWN)]);
}

#[test]
fn methods_and_requests_of_the_server() {
    let method = denial(Cause::UnknownMethod, "example/ping", "from the client", "");
    judged(&method, &[("", SAME), ("session: { extra_methods: [example/ping] }\n", ALLOWED)]);
    let asks = denial(Cause::ServerRequest, "sampling/createMessage", "request 7", "");
    judged(
        &asks,
        &[
            ("", SAME),
            ("server_requests: { sampling: allow }\n", ALLOWED),
            ("server_requests: { roots: allow }\n", SAME),
        ],
    );
    let long =
        denial(Cause::MessageSize, "message", "from the client, 70000 bytes: {", "longer than 65536 bytes");
    judged(&long, &[("session: { max_message_bytes: 64KiB }\n", SAME), ("", UNKNOWN)]);
    for cause in [Cause::Malformed, Cause::Protocol, Cause::Privilege, Cause::Escape, Cause::Internal] {
        judged(&denial(cause, "message", "", ""), &[("", SAME)]);
    }
}

/// A request that the doorman refused.
fn at_the_door(cause: Cause, what: &str, detail: &str, by: Option<&str>) -> Denial {
    Denial { layer: Layer::Doorman, rule: by.map(rule), ..denial(cause, what, detail, "it is closed") }
}

#[test]
fn prompts_and_resources_by_their_names() {
    let prompt = |cause| at_the_door(cause, "deploy", "prompts/get, request 3", Some("prompts.deploy"));
    for cause in [Cause::Disabled, Cause::Scope] {
        judged(
            &prompt(cause),
            &[
                ("", ALLOWED),
                ("prompts: { deploy: { enabled: false } }\n", SAME),
                ("prompts: { \"dep*\": { enabled: false } }\n", SAME),
                ("prompts: { other: { enabled: false } }\n", ALLOWED),
                ("prompts: { defaults: { require_scope: deploy } }\n", SAME),
                ("resources: { defaults: { enabled: false } }\n", ALLOWED),
            ],
        );
    }
    let (uri, closed) = ("file:///etc/passwd", "resources: { \"file:*\": { enabled: false } }\n");
    let read = |by| at_the_door(Cause::Disabled, uri, "resources/read, request 3", by);
    judged(&read(Some("resources.file:*")), &[("", ALLOWED), (closed, SAME)]);
    // No rule: it could be written in another way.
    judged(&read(None), &[("", ALLOWED), (closed, SAME), ("resources: { x: {} }\n", SAME)]);
    let completed = at_the_door(Cause::Disabled, uri, "completion/complete, request 3", Some("resources.x"));
    judged(&completed, &[("", ALLOWED), (closed, UNKNOWN)]);
    let long = at_the_door(Cause::Disabled, &"x".repeat(128), "prompts/get, request 3", Some("prompts.x*"));
    judged(&long, &[("", ALLOWED), ("prompts: { \"*y\": { enabled: false } }\n", UNKNOWN)]);
    let told = replay(prompt(Cause::Disabled), closed);
    assert!(told.summary["not_judged"][0].as_str().unwrap().contains("resources"), "{told:#?}");
}

#[test]
fn answers_to_other_requests() {
    let answer = |cause, reason: &str, limit| Denial {
        limit,
        ..Denial { layer: Layer::Doorman, ..denial(cause, "resources/read", "answer to request 3", reason) }
    };
    judged(
        &answer(Cause::ResponseSize, "the answer is too large", Some(1024)),
        &[
            ("responses: { max_bytes: 1KiB }\n", SAME),
            ("responses: { max_bytes: 10MiB }\n", UNKNOWN),
            ("", UNKNOWN),
        ],
    );
    judged(
        &answer(Cause::ServerRequest, "it asks for sampling/createMessage", None),
        &[("", SAME), ("server_requests: { sampling: allow }\n", ALLOWED)],
    );
    let closed = at_the_door(Cause::Quarantine, "prompts/get", "request 3", None);
    judged(&closed, &[("", ALLOWED), ("prompts: { x: { enabled: false } }\n", UNKNOWN)]);
}

#[test]
fn system_calls_by_profile_and_network() {
    let socket = denial(Cause::Syscall, "socket", "(0x2, 0x1, 0x0, 0x0, 0x0, 0x0) = errno 13", "");
    let open = "network: { allowed_domains: [a.example] }\n";
    judged(&socket, &[("", SAME), (open, UNKNOWN)]);
    let packet = denial(Cause::Syscall, "socket", "(0x11, 0x3, 0x0, 0x0, 0x0, 0x0) = errno 97", "");
    judged(&packet, &[(open, SAME)]);
    judged(&denial(Cause::Syscall, "ptrace", "(0x0)", "it looks into other processes"), &[("", SAME)]);
    let strict = denial(Cause::Syscall, "execve", "(0x0)", "the profile `strict` starts no program");
    judged(&strict, &[("", ALLOWED), ("execution: { seccomp: strict }\n", SAME)]);
}

#[test]
fn tools_that_were_hidden_may_be_shown() {
    let hidden = Denial {
        count: 2,
        ..denial(Cause::ToolDisabled, "disabled tools in an answer to tools/list", "a_x, b_x", "")
    };
    judged(
        &hidden,
        &[
            ("tools: { \"*_x\": { enabled: false } }\n", [2, 0, 0, 0, 0]),
            ("tools: { a_x: { enabled: false } }\n", [1, 0, 1, 0, 0]),
            ("", [0, 0, 2, 0, 0]),
        ],
    );
    let more = Denial { count: 300, ..hidden };
    judged(&more, &[("", [0, 0, 0, 0, 300])]);
}

#[test]
fn what_the_daemon_heard_of_the_kernel_is_judged_as_well() {
    let mut log = Written::empty();
    for (session, sequence) in [("a1", 1), ("b2", 1), ("a1", 2)] {
        session.clone_into(&mut log.session);
        let denial = Denial { count: 3, ..not_granted(Cause::File, "/data/x", "read") };
        let sequence = std::num::NonZeroU64::new(sequence).unwrap();
        log.add(1, Body::KernelDenial(KernelDenial { sequence, denial }));
    }
    let told = log.replay("filesystem: { read: [/data] }\n");
    assert_eq!(told.denials(), [0, 0, 9, 0, 0], "{told:#?}");
    assert_eq!(told.summary["sessions_without_start"], 2);
}
