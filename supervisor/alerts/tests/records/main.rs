//! Audit records as events.

mod bodies;

use alerts::{Event, Kind, Layer, Millis, Origin, Pack, Verdict, Watch};
use audit::{
    Actor, Body, Cause, Denial, Finding, FindingKind, Findings, KernelDenial, Lost, LostKind, Operation,
    OperationKind, Outcome, PinState, Pins, Speaker, Treatment,
};
use bodies::{call, denial, result};

const ORIGIN: Origin<'static> =
    Origin { session: "5f3c", server: "github", caller: Some("bob"), scopes: &[] };

#[test]
fn every_event_of_the_log_has_a_kind_of_its_name() {
    for name in Body::EVENTS {
        let kind: Result<Kind, _> = serde_json::from_value(name.into());
        assert!(kind.is_ok(), "{name}");
    }
}

#[test]
fn calls_and_their_ends() {
    let (allowed, refused) = (call(audit::Verdict::Allowed), call(audit::Verdict::Refused));
    let event = Event::of(&allowed, 9, &ORIGIN);
    assert_eq!((event.kind, event.seq, event.session, event.server), (Kind::ToolCall, 9, "5f3c", "github"));
    assert_eq!((event.tool, event.caller), (Some("shell"), Some("alice")), "the record has the last word");
    assert_eq!((event.verdict, event.layer), (Some(Verdict::Allowed), Some(Layer::Tool)));
    assert_eq!(Event::of(&refused, 9, &ORIGIN).verdict, Some(Verdict::Denied));
    for (outcome, verdict) in [
        (Outcome::Success, Verdict::Allowed),
        (Outcome::ToolError, Verdict::Failed),
        (Outcome::ProtocolError, Verdict::Failed),
        (Outcome::Cancelled, Verdict::Failed),
        (Outcome::Abandoned, Verdict::Failed),
        (Outcome::Refused, Verdict::Denied),
        (Outcome::TimedOut, Verdict::Denied),
    ] {
        let body = result(outcome);
        let event = Event::of(&body, 9, &ORIGIN);
        assert_eq!((event.kind, event.verdict), (Kind::ToolResult, Some(verdict)), "{outcome:?}");
        assert_eq!(event.caller, Some("bob"));
    }
}

#[test]
fn what_a_denial_was_about() {
    use audit::Layer as By;
    let node = Some("node");
    for (by, cause, what, layer, host, path, program) in [
        (By::Ebpf, Cause::File, "/etc/shadow", Layer::File, None, Some("/etc/shadow"), node),
        (By::Resolver, Cause::Network, "evil.example", Layer::Network, Some("evil.example"), None, node),
        (By::Proxy, Cause::Network, "evil.example:443", Layer::Network, Some("evil.example"), None, node),
        (By::Ebpf, Cause::Network, "192.0.2.7:80", Layer::Network, Some("192.0.2.7"), None, node),
        (By::Ebpf, Cause::Network, "[2001:db8::1]:443", Layer::Network, Some("2001:db8::1"), None, node),
        (By::Ebpf, Cause::Network, "2001:db8::1", Layer::Network, Some("2001:db8::1"), None, node),
        (By::Ebpf, Cause::Network, "family 17", Layer::Network, None, None, node),
        (By::Ebpf, Cause::Network, "@abstract", Layer::Network, None, None, node),
        (By::Seccomp, Cause::Network, "/run/db.sock", Layer::Network, None, Some("/run/db.sock"), node),
        (By::Ebpf, Cause::Program, "/bin/sh", Layer::Exec, None, Some("/bin/sh"), Some("/bin/sh")),
        (By::Seccomp, Cause::Syscall, "ptrace", Layer::System, None, None, node),
        (By::Doorman, Cause::Malformed, "tools/call", Layer::Tool, None, None, node),
    ] {
        let body = Body::Denial(denial(by, cause, what));
        let event = Event::of(&body, 1, &ORIGIN);
        assert_eq!((event.layer, event.host, event.path), (Some(layer), host, path), "{what}");
        assert_eq!(
            (event.program, event.verdict, event.cause),
            (program, Some(Verdict::Denied), Some(cause)),
            "{what}"
        );
        assert_eq!((event.count, event.in_flight[0].tool.as_str()), (2, "fetch"), "{what}");
    }
}

#[test]
fn what_the_log_calls_a_denial_is_denied_here_and_nothing_else_is() {
    let sequence = std::num::NonZeroU64::MIN;
    let kernel = KernelDenial { sequence, denial: denial(audit::Layer::Ebpf, Cause::File, "/x") };
    let found = Finding {
        name: "a".to_owned(),
        kind: FindingKind::Secret,
        treatment: Treatment::Blocked,
        count: 3,
        rule: None,
        excerpt: None,
    };
    let (tool, method) = (Some("shell".to_owned()), "tools/call".to_owned());
    let findings =
        Findings { from: Speaker::Server, method, call: None, tool, found: vec![found.clone(), found] };
    for body in [
        call(audit::Verdict::Allowed),
        call(audit::Verdict::Refused),
        result(Outcome::Success),
        Body::Denial(denial(audit::Layer::Proxy, Cause::Network, "x")),
        Body::KernelDenial(kernel),
        Body::Findings(findings.clone()),
    ] {
        let event = Event::of(&body, 1, &ORIGIN);
        assert_eq!(event.verdict == Some(Verdict::Denied), body.is_denial(), "{}", body.event());
    }
    let body = Body::Findings(findings);
    let event = Event::of(&body, 1, &ORIGIN);
    assert_eq!((event.kind, event.tool, event.count), (Kind::Findings, Some("shell"), 6));
}

#[test]
fn the_baseline_knows_records() {
    let operation =
        |operation| Body::Operation(Operation { operation, by: Actor::Operator, uid: Some(1), detail: None });
    let lost = |kind| Body::Lost(Lost { count: 5, kind, reason: None });
    let pins = |state, closed: &[&str]| {
        let closed = closed.iter().map(|tool| (*tool).to_owned()).collect();
        Body::Pins(Pins {
            state,
            weight: None,
            changes: vec![],
            closed,
            all_closed: false,
            tools: None,
            rule: None,
        })
    };
    let proof =
        Body::Denial(Denial { calls: vec![], ..denial(audit::Layer::Ebpf, Cause::Proof, "the session") });
    for (body, rules) in [
        (call(audit::Verdict::Allowed), &["shell-tool"][..]),
        (result(Outcome::Success), &[]),
        (Body::Denial(denial(audit::Layer::Resolver, Cause::Network, "evil.example")), &["denied-host"]),
        (Body::Denial(denial(audit::Layer::Ebpf, Cause::File, "/etc/shadow")), &[]),
        (proof, &["canary-failed"]),
        (lost(LostKind::KernelEvents), &["dropped-records"]),
        (lost(LostKind::Records), &["dropped-records"]),
        (operation(OperationKind::Quarantine), &["quarantine"]),
        (operation(OperationKind::Kill), &[]),
        (pins(PinState::Changed, &["add"]), &["quarantined-tool"]),
        (pins(PinState::Changed, &[]), &[]),
        (pins(PinState::Recorded, &[]), &[]),
    ] {
        let mut watch = Watch::new(Pack::baseline().unwrap().into_rules());
        let alerts = watch.event(&Event::of(&body, 1, &ORIGIN), Millis(0));
        let names: Vec<&str> = alerts.iter().map(|alert| alert.rule.as_str()).collect();
        assert_eq!(names, rules, "{}", body.event());
    }
}

/// A tool that sorts first and is closed already does not stand for one that is closed after it.
#[test]
fn each_closed_tool_is_told_of() {
    let pins = |closed: &[&str]| {
        let closed = closed.iter().map(|tool| (*tool).to_owned()).collect();
        let (state, weight, changes) = (PinState::Changed, None, vec![]);
        Body::Pins(Pins { state, weight, changes, closed, all_closed: false, tools: None, rule: None })
    };
    let mut watch = Watch::new(Pack::baseline().unwrap().into_rules());
    let mut told = |body: &Body, at| -> Vec<String> {
        let events = Event::all_of(body, 1, &ORIGIN);
        let alerts = events.iter().flat_map(|event| watch.event(event, Millis(at)));
        alerts.filter_map(|alert| alert.group.map(|group| group.key)).collect()
    };
    assert_eq!(told(&pins(&["aaa"]), 0), ["aaa"]);
    assert_eq!(told(&pins(&["aaa", "send_mail"]), 1000), ["send_mail"]);
}
