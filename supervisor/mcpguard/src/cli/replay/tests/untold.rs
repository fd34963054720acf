//! Sessions whose beginning was rotated away: what hangs on it is unknown, and the rest is judged.

use audit::{Body, Cause, Denial, Digest, Rotated, RotationReason};
use serde_json::{Value, json};

use super::{FailOn, Told, Written, call, denial, result};

/// What is left of a session's log.
fn rest(bodies: impl IntoIterator<Item = Body>) -> Written {
    let mut log = Written::empty();
    log.prev = Digest::of(b"what was rotated away");
    log.seqs.insert(log.session.clone(), 49);
    log.add(0, Body::Rotated(Rotated { from: None, reason: RotationReason::Size, removed: Vec::new() }));
    for body in bodies {
        log.add(5, body);
    }
    log
}

fn reads(path: Value) -> Written {
    rest([call(1, "read", json!({ "path": path })), result(1, "read", 5)])
}

fn denied(cause: Cause, what: &str, detail: &str) -> Written {
    rest([Body::Denial(denial(cause, what, detail, crate::session::because(abi::Reason::NotGranted)))])
}

fn within(place: &str) -> String {
    format!("tools: {{ read: {{ arguments: {{ path: {{ type: path, within: [\"{place}\"] }} }} }} }}\n")
}

fn any(log: &Written, policy: &str) -> Told {
    log.replay_with(policy, FailOn::Any, None).unwrap()
}

#[test]
fn places_that_variables_stand_for_are_unknown() {
    let here = std::env::current_dir().unwrap().join("x");
    for path in [json!(here), json!("/elsewhere/x"), json!("notes/a")] {
        reads(path).replay(&within("${workspace}")).unknown("workspace");
    }
    reads(json!("/w/a")).replay(&within("${home}")).unknown("home");
    // What is asked of paths wherever they lie is asked.
    let odd = rest([call(1, "read", json!({ "path": 7 })), result(1, "read", 5)]);
    odd.replay(&within("${workspace}")).denied("argument", "tools.read.arguments.path");
    let policy = within("/w");
    reads(json!("/w/a")).replay(&policy).nothing();
    reads(json!("/v/a")).replay(&policy).denied("argument", "tools.read.arguments.path");
}

#[test]
fn relative_paths_begin_nobody_knows_where() {
    for place in ["/notes", "/w", "${workspace}"] {
        for path in [json!("notes/a"), json!("../a"), json!("")] {
            reads(path).replay(&within(place)).unknown("beginning");
        }
    }
}

#[test]
fn scopes_are_unknown_where_they_decide() {
    let log = reads(json!("/w/a"));
    let scope = "tools: { read: { require_scope: read } }\n";
    log.replay(scope).unknown("scopes");
    log.replay("roles: { reader: [read] }\n").unknown("scopes");
    // No scope opens it.
    log.replay("roles: { writer: [write] }\n").denied("scope", "roles");
    log.replay_with(scope, FailOn::Any, Some("read")).unwrap().nothing();
    log.replay_with(scope, FailOn::Any, Some("write")).unwrap().denied("scope", "tools.read");
    // With a scope or without, it does not go through at once.
    let told = log.replay("tools: { read: { require_scope: read, require_approval: true } }\n");
    assert_eq!((told.status, told.calls()), (1, [0, 0, 0, 1, 0]), "{told:#?}");
    let hidden = Denial { count: 1, ..denial(Cause::ToolDisabled, "tools", "read", "") };
    let told = any(&rest([Body::Denial(hidden)]), scope);
    assert_eq!(told.denials(), [0, 0, 0, 0, 1], "{told:#?}");
}

#[test]
fn files_are_unknown_where_the_place_of_a_rule_decides() {
    let read = denied(Cause::File, "/home/other/ws/x", "read");
    let write = denied(Cause::File, "/home/other/ws/x", "write: rename /home/other/ws/x");
    for (policy, of_read, of_write) in [
        ("filesystem: { read: [\"${workspace}\"] }\n", "unknown", "same"),
        ("filesystem: { write: [\"${home}/x\"] }\n", "unknown", "unknown"),
        ("filesystem: { read: [\"${server}\"] }\n", "unknown", "unknown"),
        ("filesystem: { read: [/home/other], deny: [\"${workspace}/secret\"] }\n", "unknown", "same"),
        ("filesystem: { read: [/home/other], deny: [\"**/x\", \"${workspace}/a\"] }\n", "same", "same"),
        ("filesystem: { read: [/home/other] }\n", "widened", "same"),
    ] {
        for (log, expected) in [(&read, of_read), (&write, of_write)] {
            let told = any(log, policy);
            let change = told.differences.first().map_or("same", |it| it["change"].as_str().unwrap());
            assert_eq!(change, expected, "{policy}: {told:#?}");
        }
    }
    let socket = denied(Cause::Network, "/run/user/7/bus", "connect to the unix socket /run/user/7/bus");
    any(&socket, "network: { unix_sockets: [\"${home}/bus\"] }\n").unknown("home");
}

#[test]
fn what_does_not_hang_on_it_is_judged() {
    let log = reads(json!("/w/a"));
    log.replay("filesystem: { read: [\"${workspace}\"] }\n").nothing();
    log.replay("tools: { read: { enabled: false } }\n").denied("tool_disabled", "tools.read");
    assert_eq!(log.replay("").summary["sessions_without_start"], 1);
}
