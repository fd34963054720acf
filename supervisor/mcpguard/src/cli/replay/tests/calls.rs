//! Calls.

use audit::{Approval, ApprovalState, Body, Cause, ToolCall};
use serde_json::{Value, json};

use super::{FailOn, Written, call, refused, result, start};

fn held(number: u64, tool: &str, approvers: u8) -> Body {
    Body::Approval(Approval {
        call: number,
        tool: tool.to_owned(),
        state: ApprovalState::Held,
        digest: String::new(),
        arguments: None,
        by: None,
        missing: approvers,
        rule: None,
    })
}

#[test]
fn a_tool_that_a_glob_disables_is_named_with_its_place() {
    let mut log = Written::session();
    log.lasting(1, "write_file", json!({}), 5).lasting(2, "read_file", json!({}), 5);
    log.lasting(3, "write_file", json!({}), 5);
    let told = log.replay("tools:\n  \"*_file\": { enabled: false, reason: a slip }\n  read_file: {}\n");
    told.denied("tool_disabled", "tools.*_file.enabled: false");
    let only = told.only();
    assert_eq!((&only["rule"]["line"], &only["count"]), (&json!(4), &json!(2)), "{only:#}");
    assert_eq!((&only["first"]["seq"], &only["then"]), (&json!(2), &json!("allowed")));
    assert_eq!(told.calls(), [1, 2, 0, 0, 0]);
    // What `why` would say of it.
    assert_eq!(only["yaml"], "tools:\n  write_file: { enabled: true }\n", "{only:#}");
    assert!(only["where"].as_str().unwrap().ends_with("new.yaml"), "{only:#}");
    log.replay("tools: { \"x_*\": { enabled: false } }\n").nothing();
}

#[test]
fn what_was_refused_may_be_allowed_now() {
    let mut log = Written::session();
    log.add(1, refused("delete_repo", Cause::ToolDisabled, None));
    let told = log.replay("");
    assert_eq!((told.status, told.calls()), (0, [0, 0, 1, 0, 0]), "{told:#?}");
    assert_eq!(
        (&told.only()["change"], &told.only()["then_cause"]),
        (&json!("widened"), &json!("tool_disabled"))
    );
    assert_eq!(log.replay_with("", FailOn::Widened, None).unwrap().status, 1);
    assert_eq!(log.replay_with("", FailOn::Any, None).unwrap().status, 1);
    // Denied by another rule is denied.
    log.replay("tools: { \"delete_*\": { require_scope: admin } }\n").nothing();
}

#[test]
fn rates_are_judged_at_recorded_times() {
    let (mut fast, mut slow) = (Written::session(), Written::session());
    for number in 1..=5 {
        fast.lasting(number, "x", json!({}), 9);
        slow.lasting(number, "x", json!({}), 29_999);
    }
    let policy = "tools: { x: { max_requests_per_minute: 3 } }\n";
    let told = fast.replay(policy);
    told.denied("tool_rate", "tools.x.max_requests_per_minute: 3");
    assert_eq!(told.calls(), [3, 2, 0, 0, 0]);
    slow.replay(policy).nothing();
    fast.replay("session: { max_requests_per_minute: 4 }\n")
        .denied("session_rate", "session.max_requests_per_minute: 4");
}

#[test]
fn a_rate_that_is_written_down_a_moment_late_is_the_same_rate() {
    let mut log = Written::session();
    let policy = "tools: { x: { max_requests_per_minute: 2 } }\n";
    log.lasting(1, "x", json!({}), 1).lasting(2, "x", json!({}), 1);
    // The next token comes after 30 s: 20 ms before that it was allowed, 20 ms after that it was refused.
    log.lasting(3, "x", json!({}), 1);
    log.replay(policy).denied("tool_rate", "tools.x");
    let mut log = Written::session();
    log.add(0, call(1, "x", json!({}))).add(0, call(2, "x", json!({})));
    log.add(29_980, call(3, "x", json!({}))).add(30_040, refused("x", Cause::ToolRate, Some(2)));
    log.replay(policy).nothing();
    let told = log.replay("tools: { x: { max_requests_per_minute: 3 } }\n");
    assert_eq!(told.calls(), [3, 0, 1, 0, 0]);
}

#[test]
fn calls_at_once_are_counted_until_their_ends() {
    let mut log = Written::session();
    log.add(1, call(1, "x", json!({}))).add(500, call(2, "x", json!({})));
    log.add(500, result(1, "x", 1000)).add(1, result(2, "x", 501));
    let policy = "session: { max_concurrent_calls: 1 }\n";
    log.replay(policy).denied("concurrency", "session.max_concurrent_calls: 1");
    // An end that was written down right behind the next call came before it.
    let mut log = Written::session();
    log.add(1, call(1, "x", json!({}))).add(500, call(2, "x", json!({})));
    log.add(3, result(1, "x", 499)).add(100, result(2, "x", 103));
    log.replay(policy).nothing();
}

#[test]
fn an_exclusive_call_makes_others_wait_and_refuses_none() {
    let mut log = Written::session();
    log.add(1, call(1, "alone", json!({}))).add(500, call(2, "x", json!({})));
    log.add(100, result(2, "x", 100)).add(4000, result(1, "alone", 4600));
    log.replay("tools: { alone: { exclusive: true }, x: {} }\n").nothing();
    let told = log.replay("tools: { alone: { exclusive: true }, x: { timeout_seconds: 1 } }\n");
    told.denied("timeout", "tools.x.timeout_seconds: 1");
    assert_eq!(told.only()["subject"], "x");
}

#[test]
fn arguments_are_judged_where_the_log_holds_them() {
    let mut log = Written::session();
    log.lasting(1, "read", json!({ "path": "/w/notes/a" }), 1);
    log.lasting(2, "read", json!({ "path": "/w/other/a" }), 1);
    let policy =
        "tools: { read: { arguments: { path: { type: path, within: [\"${workspace}/notes\"] } } } }\n";
    let told = log.replay(policy);
    told.denied("argument", "tools.read.arguments.path");
    assert!(told.only()["why"].as_str().unwrap().contains("/w/other/a"), "{told:#?}");
    assert_eq!(told.calls(), [1, 1, 0, 0, 0]);
}

#[test]
fn arguments_that_the_log_does_not_hold_are_never_allowed() {
    let recorded = |arguments: Value, bytes: u64| {
        let mut log = Written::session();
        let Body::ToolCall(whole) = call(1, "read", arguments) else { unreachable!() };
        let arguments = whole.arguments.filter(|arguments| !arguments.is_null());
        log.add(1, Body::ToolCall(ToolCall { arguments, argument_bytes: bytes, ..whole }));
        log
    };
    let policies = [
        "tools: { read: { arguments: { path: { type: path, within: [/w] } } } }\n",
        "tools: { read: { unknown_arguments: deny } }\n",
        "content: { arguments: { secrets: block } }\n",
    ];
    for log in [
        recorded(Value::Null, 20),
        recorded(json!({ "path": "string" }), 200),
        recorded(json!({ "path": "/w/aaa…[cut: 9000 bytes in all]" }), 9012),
        recorded(json!({ "path": "/w/[redacted:TOKEN]" }), 30),
        recorded(json!({ "path": "12345678901234567890123" }), 33),
    ] {
        for policy in policies {
            log.replay(policy).unknown("no whole arguments");
        }
        // What the arguments do not decide is decided.
        log.replay("tools: { read: { enabled: false } }\n").denied("tool_disabled", "tools.read");
        log.replay("tools: { other: { unknown_arguments: deny } }\n").nothing();
    }
    // The policy of that time wrote down names only.
    let mut log = Written::empty();
    log.add(0, start(&[], &["audit.arguments: names"])).add(1, call(1, "read", json!({ "p": "null" })));
    log.replay(policies[1]).unknown("no whole arguments");
}

#[test]
fn numbers_that_are_recorded_as_texts_are_not_taken_for_texts() {
    let sized = |value: &str, bytes: u64| {
        let mut log = Written::session();
        let Body::ToolCall(whole) = call(1, "x", json!({ "n": value })) else { unreachable!() };
        log.add(1, Body::ToolCall(ToolCall { argument_bytes: bytes, ..whole })).add(5, result(1, "x", 5));
        log
    };
    let text = "tools: { x: { arguments: { n: { type: text, max_length: 9 } } } }\n";
    // `{"n": 1e5 }`
    sized("1e5", 11).replay(text).unknown("no whole arguments");
    sized("1.50", 12).replay(text).unknown("no whole arguments");
    // This number would have been recorded as one.
    sized("15", 10).replay(text).nothing();
    sized("15", 14)
        .replay("tools: { x: { arguments: { n: { type: number } } } }\n")
        .denied("argument", "tools.x");
}

#[test]
fn what_certainly_does_not_go_through_at_once_is_narrowed_whatever_else_is_unknown() {
    let mut log = Written::session();
    let Body::ToolCall(whole) = call(1, "x", json!({ "path": "/w/[redacted:TOKEN]" })) else {
        unreachable!()
    };
    log.add(1, Body::ToolCall(ToolCall { argument_bytes: 30, ..whole })).add(5, result(1, "x", 5));
    for policy in [
        "tools: { x: { require_approval: true, arguments: { path: { type: path, within: [/w] } } } }\n",
        "tools: { x: { require_approval: true, validate_arguments: true } }\n",
        "responses: { validate_output_schema: true }\ntools: { x: { require_approval: true } }\n",
    ] {
        let told = log.replay(policy);
        assert_eq!((told.status, told.calls()), (1, [0, 0, 0, 1, 0]), "{policy}: {told:#?}");
    }
    log.replay("responses: { validate_output_schema: true, max_bytes: 100B }\n")
        .denied("response_size", "responses.max_bytes");
    log.replay("content: { arguments: { secrets: block } }\nresponses: { max_bytes: 100B }\n")
        .denied("response_size", "responses.max_bytes");
    // What was refused may be refused still.
    let mut log = Written::session();
    log.add(1, refused("x", Cause::ToolRate, Some(1)));
    log.replay("tools: { x: { require_approval: true, validate_arguments: true } }\n").unknown("schemas");
}

#[test]
fn arguments_that_are_too_long_by_themselves_are_too_long() {
    let sized = |body: Body, bytes: u64| match body {
        Body::ToolCall(call) => Body::ToolCall(ToolCall { argument_bytes: bytes, ..call }),
        other => other,
    };
    let mut log = Written::session();
    log.add(1, sized(call(1, "x", json!({ "t": "…[cut: 3000000 bytes in all]" })), 3_000_012));
    let policy = "session: { max_message_bytes: 1MiB }\n";
    log.replay(policy).denied("message_size", "session.max_message_bytes");
    log.replay("session: { max_message_bytes: 8MiB }\n").nothing();
    let mut log = Written::session();
    log.add(1, sized(refused("x", Cause::ToolDisabled, None), 3_000_012));
    log.replay_with(policy, FailOn::Any, None).unwrap().nothing();
    log.replay_with("tools: { x: { max_request_bytes: 1MiB } }\n", FailOn::Any, None).unwrap().nothing();
}

#[test]
fn more_held_calls_than_are_remembered_are_not_taken_for_calls_that_were_not_held() {
    let mut log = Written::session();
    for number in 1..=4097 {
        log.add(1, held(number, "x", 1));
    }
    log.add(1, call(4097, "x", json!({}))).add(1, result(4097, "x", 1));
    let policy = "tools: { x: { require_approval: true } }\n";
    log.replay(policy).unknown("held");
    log.replay("tools: { x: { enabled: false } }\n").denied("tool_disabled", "tools.x");
    // Those that were denied are not waited for.
    let mut log = Written::session();
    for number in 1..=4097 {
        log.add(1, held(number, "x", 1));
        let Body::Approval(denied) = held(number, "x", 1) else { unreachable!() };
        if number < 4097 {
            log.add(1, Body::Approval(Approval { state: ApprovalState::Denied, ..denied }));
        }
    }
    log.add(1, call(4097, "x", json!({}))).add(1, result(4097, "x", 1));
    log.replay(policy).nothing();
}

#[test]
fn a_clock_that_was_set_back_tells_nothing_about_rates() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 5);
    log.add(-86_400_000, call(2, "x", json!({}))).add(5, result(2, "x", 5));
    for number in 3..=8 {
        log.add(30_000, call(number, "x", json!({}))).add(5, result(number, "x", 5));
    }
    let told = log.replay("tools: { x: { max_requests_per_minute: 3 } }\n");
    assert_eq!((told.status, told.calls()), (0, [1, 0, 0, 0, 7]), "{told:#?}");
    log.replay("tools: { x: { timeout_seconds: 5 } }\n").nothing();
    // Less is the time of writing.
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 5).add(-2_000, call(2, "x", json!({}))).add(5, result(2, "x", 5));
    log.replay("tools: { x: { max_requests_per_minute: 1 } }\n").denied("tool_rate", "tools.x");
    // Time goes on after it.
    let mut log = Written::session();
    log.add(1, call(1, "x", json!({}))).add(-90_000, call(2, "x", json!({})));
    log.add(9_000, result(2, "x", 9_000)).add(1, result(1, "x", 9_000));
    let told = log.replay("tools: { x: { timeout_seconds: 5 } }\n");
    assert_eq!(told.calls(), [0, 2, 0, 0, 0], "{told:#?}");
    let told = log.replay("tools: { x: { timeout_seconds: 60 } }\n");
    assert_eq!(told.calls(), [1, 0, 0, 0, 1], "{told:#?}");
    log.replay("").nothing();
}

#[test]
fn content_of_arguments_is_judged() {
    let mut log = Written::session();
    log.lasting(1, "say", json!({ "text": "mongodb://ada:hunter2hunter2@db.internal.example/x" }), 1);
    log.lasting(2, "say", json!({ "text": "hello" }), 1);
    let told = log.replay("content: { arguments: { secrets: block } }\n");
    told.denied("content", "content.arguments.secrets");
    assert_eq!(told.calls(), [1, 1, 0, 0, 0]);
}

#[test]
fn schemas_are_not_in_the_log() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1);
    log.replay("tools: { x: { validate_arguments: true } }\n").unknown("schemas");
    let told = log.replay("responses: { validate_output_schema: true }\n");
    told.unknown("schemas");
    assert_eq!(told.summary["not_judged"].as_array().unwrap().len(), 1);
    log.replay("tools: { x: { validate_arguments: false } }\n").nothing();
}

#[test]
fn a_call_that_would_wait_for_an_approval_is_a_difference() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1).add(1, refused("x", Cause::ToolRate, Some(1)));
    let told = log.replay("tools: { x: { require_approval: true } }\n");
    assert_eq!((told.status, told.calls()), (1, [0, 0, 0, 2, 0]), "{told:#?}");
    assert_eq!((&told.summary["narrowed"], &told.summary["widened"]), (&json!(1), &json!(1)));
    assert!(told.differences.iter().all(|it| it["rule"]["text"] == "tools.x.require_approval: true"));
}

#[test]
fn a_call_that_was_approved_waits_as_before() {
    let mut log = Written::session();
    log.add(1, held(1, "x", 1)).add(900, call(1, "x", json!({}))).add(1, result(1, "x", 1));
    log.add(1, refused("x", Cause::Approval, None));
    log.replay("tools: { x: { require_approval: true } }\n").nothing();
    let told = log.replay("tools: { x: { sensitive: true } }\n");
    assert_eq!((told.status, told.calls()), (1, [1, 0, 0, 1, 0]), "{told:#?}");
    assert_eq!(log.replay("").calls(), [1, 0, 1, 0, 0]);
}

#[test]
fn scopes_are_those_of_the_log_or_of_the_option() {
    let mut log = Written::empty();
    log.add(0, start(&["write"], &[])).lasting(1, "x", json!({}), 1);
    let policy = "tools: { x: { require_scope: write } }\n";
    log.replay(policy).nothing();
    let told = log.replay_with(policy, FailOn::Narrowed, Some("read, other")).unwrap();
    told.denied("scope", "tools.x.require_scope: write");
    log.replay("roles: { admin: [x] }\n").denied("scope", "roles.admin");
    assert!(log.replay_with(policy, FailOn::Narrowed, Some("a\"b")).is_err());
}

#[test]
fn requests_about_tasks_are_no_calls_that_could_be_judged() {
    let mut log = Written::session();
    log.add(1, call(1, "x", json!({})));
    let super::Body::ToolResult(ended) = result(1, "x", 1) else { unreachable!() };
    log.add(
        1,
        Body::ToolResult(audit::ToolResult { reason: Some("it goes on as task t".to_owned()), ..ended }),
    );
    log.add(1, call(2, "x", Value::Null)).add(1, call(3, "*", Value::Null));
    let told = log.replay("");
    assert_eq!((told.status, told.calls()), (0, [1, 0, 0, 0, 2]), "{told:#?}");
    assert_eq!(log.replay("tools: { x: { enabled: false } }\n").calls(), [0, 2, 0, 0, 1]);
}

#[test]
fn a_refusal_that_would_end_the_session_is_told() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1);
    let told = log.replay("on_violation: { tool: kill }\ntools: { x: { enabled: false } }\n");
    assert_eq!(told.summary["sessions_ended_by_refusal"], 1);
}
