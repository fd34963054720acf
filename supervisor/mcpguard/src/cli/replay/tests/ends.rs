//! How calls end: sizes and times.

use audit::{Body, Cause, EndReason, Outcome, SessionEnd, ToolResult};
use serde_json::json;

use super::{FailOn, Written, call, denial, refused, result};

fn ended(number: u64, change: impl FnOnce(&mut ToolResult)) -> Body {
    let Body::ToolResult(mut ended) = result(number, "x", 5) else { unreachable!() };
    change(&mut ended);
    Body::ToolResult(ended)
}

fn session(end: impl FnOnce(&mut ToolResult), after: i64) -> Written {
    let mut log = Written::session();
    log.add(1, call(1, "x", json!({}))).add(after, ended(1, end));
    log
}

#[test]
fn answers_are_compared_with_the_limits() {
    let log = session(|it| it.response_bytes = 5000, 5);
    log.replay("tools: { x: { max_response_bytes: 4KiB } }\n")
        .denied("response_size", "tools.x.max_response_bytes");
    log.replay("tools: { defaults: { max_response_bytes: 4KiB } }\n")
        .denied("response_size", "tools.defaults.max_");
    log.replay("responses: { max_bytes: 4KiB }\n").denied("response_size", "responses.max_bytes");
    log.replay("responses: { max_bytes: 8KiB }\n").nothing();
    let log = session(|it| it.request_bytes = 5000, 5);
    log.replay("tools: { x: { max_request_bytes: 4KiB } }\n")
        .denied("request_size", "tools.x.max_request_bytes");
}

#[test]
fn an_answer_that_was_withheld_may_pass_now() {
    let log = session(
        |it| {
            (it.outcome, it.cause, it.limit) = (Outcome::Refused, Some(Cause::ResponseSize), Some(1000));
            it.response_bytes = 5000;
        },
        5,
    );
    log.replay("responses: { max_bytes: 2KiB }\n").nothing();
    let told = log.replay_with("responses: { max_bytes: 1MiB }\n", FailOn::Widened, None).unwrap();
    assert_eq!((told.status, told.calls()), (1, [0, 0, 1, 0, 0]), "{told:#?}");
    // Refused as a whole now: it did not succeed then.
    log.replay("tools: { x: { enabled: false } }\n").nothing();
}

#[test]
fn what_answers_said_is_not_recorded() {
    let content = |it: &mut ToolResult| (it.outcome, it.cause) = (Outcome::Refused, Some(Cause::Content));
    session(content, 5).replay("content: { answers: { secrets: block } }\n").unknown("what answers say");
    assert_eq!(session(content, 5).replay("").calls(), [0, 0, 1, 0, 0]);
    let told = session(|_| {}, 5).replay("content: { answers: { secrets: block } }\n");
    told.nothing();
    assert_eq!(told.summary["not_judged"].as_array().unwrap().len(), 1);
    let asks = |it: &mut ToolResult| {
        (it.outcome, it.cause) = (Outcome::Refused, Some(Cause::ServerRequest));
        it.reason = Some("it asks for elicitation/create".to_owned());
    };
    session(asks, 5).replay("").nothing();
    assert_eq!(session(asks, 5).replay("server_requests: { elicitation: allow }\n").calls(), [0, 0, 1, 0, 0]);
}

#[test]
fn a_call_that_took_longer_is_timed_out() {
    let log = session(|it| it.duration_us = 5_000_000, 5000);
    log.replay("tools: { x: { timeout_seconds: 2 } }\n").denied("timeout", "tools.x.timeout_seconds: 2");
    log.replay("tools: { x: { timeout_seconds: 6 } }\n").nothing();
    // As long as the log can tell.
    log.replay("tools: { x: { timeout_seconds: 5 } }\n").nothing();
}

#[test]
fn how_long_a_call_would_have_taken_that_was_timed_out_nobody_knows() {
    let late = |it: &mut ToolResult| (it.outcome, it.cause) = (Outcome::TimedOut, Some(Cause::Timeout));
    for after in [1990, 2001, 2030] {
        let log = session(late, after);
        log.replay("tools: { x: { timeout_seconds: 2 } }\n").nothing();
        log.replay("tools: { x: { timeout_seconds: 1 } }\n").nothing();
        log.replay("tools: { x: { timeout_seconds: 3 } }\n").unknown("how long");
    }
}

#[test]
fn a_call_without_an_end_is_judged_as_far_as_it_goes() {
    let mut log = Written::session();
    log.add(1, call(1, "x", json!({})));
    log.replay("").nothing();
    log.replay("tools: { x: { enabled: false } }\n").denied("tool_disabled", "tools.x");
    // An end without a beginning belongs to an older file.
    let mut log = Written::session();
    log.add(1, result(9, "x", 5));
    assert_eq!(log.replay("").calls(), [0; 5]);
}

#[test]
fn time_passes_at_denials_and_at_the_end_of_the_session() {
    let ends = [
        Body::Denial(denial(Cause::File, "/etc/shadow", "read", "x")),
        Body::SessionEnd(SessionEnd {
            reason: EndReason::ServerExited,
            detail: None,
            exit_code: Some(0),
            signal: None,
            calls: 1,
            denials: 0,
            duration_us: 200_000_000,
            processes_killed: 0,
        }),
    ];
    for end in ends {
        let mut log = Written::session();
        log.add(1, call(1, "x", json!({}))).add(200_000, end);
        log.replay("tools: { x: { timeout_seconds: 5 } }\n").denied("timeout", "tools.x.timeout_seconds: 5");
        log.replay("tools: { x: { timeout_seconds: 600 } }\n").nothing();
    }
    let mut log = Written::session();
    log.add(1, call(1, "alone", json!({}))).add(1000, call(2, "x", json!({}))).add(10, result(2, "x", 10));
    let policy = "tools: { alone: { exclusive: true, timeout_seconds: 600 }, x: { timeout_seconds: 5 } }\n";
    // How long it would wait, the log does not tell.
    log.replay(policy).unknown("wait for its turn");
    log.add(200_000, Body::Denial(denial(Cause::File, "/etc/shadow", "read", "x")));
    log.replay(policy).denied("timeout", "tools.x.timeout_seconds: 5");
}

#[test]
fn a_call_that_waits_for_its_rate_has_its_turn() {
    let mut log = Written::session();
    for number in 1..=3 {
        log.lasting(number, "x", json!({}), 5);
    }
    let rate = "max_requests_per_minute: 2, on_rate_limit: throttle";
    log.replay(&format!("tools: {{ x: {{ {rate}, timeout_seconds: 600 }} }}\n")).nothing();
}

#[test]
fn what_cannot_be_told_of_refused_calls() {
    let one = |cause, limit| {
        let mut log = Written::session();
        log.add(1, refused("x", cause, limit));
        log
    };
    one(Cause::Concurrency, None).replay("").unknown("waited");
    one(Cause::Protocol, None).replay("").unknown("another reason");
    one(Cause::RequestSize, Some(1024)).replay("tools: { x: { max_request_bytes: 1KiB } }\n").nothing();
    one(Cause::RequestSize, Some(1024))
        .replay("tools: { x: { max_request_bytes: 2KiB } }\n")
        .unknown("whole request");
    assert_eq!(one(Cause::RequestSize, Some(1024)).replay("").calls(), [0, 0, 1, 0, 0]);
    assert_eq!(one(Cause::Concurrency, Some(1)).replay("").calls(), [0, 0, 1, 0, 0]);
    assert_eq!(one(Cause::Timeout, None).replay("").calls(), [0, 0, 0, 0, 1]);
    let mut log = Written::session();
    let Body::ToolCall(call) = refused("x", Cause::Argument, None) else { unreachable!() };
    let reason = Some("the arguments do not fit the tool's own schema: x".to_owned());
    log.add(1, Body::ToolCall(audit::ToolCall { reason, ..call }));
    log.replay("").unknown("schemas");
    assert_eq!(log.replay("tools: { x: { validate_arguments: false } }\n").calls(), [0, 0, 1, 0, 0]);
}
