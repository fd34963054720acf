//! How an alert reads, for people and for programs.

use std::time::Duration;

use alerts::{
    Alert, Condition, Event, Filter, GroupBy, Kind, MOST_CHARACTERS, Millis, Pack, Rule, Severity, Verdict,
    Watch,
};

fn baseline(event: &Event<'_>, times: u64) -> Alert {
    let mut watch = Watch::new(Pack::baseline().expect("the pack can be read").into_rules());
    let mut alerts = (1..=times).flat_map(|seq| watch.event(&Event { seq, ..*event }, Millis(seq * 1_000)));
    alerts.next().expect("a rule of the baseline is about it")
}

fn failure() -> Alert {
    let event = Event { session: "5f3c", caller: Some("alice"), ..Event::new(Kind::Authentication) };
    baseline(&Event { verdict: Some(Verdict::Denied), ..event }, 3)
}

#[test]
fn an_alert_is_one_line() {
    assert_eq!(
        failure().to_string(),
        "[critical] authentication-failures: 3 in 5 min, caller alice, to be locked out for 15 min (somebody guesses)"
    );
    let call = Event { session: "5f3c", tool: Some("run_command"), ..Event::new(Kind::ToolCall) };
    assert_eq!(
        baseline(&call, 1).to_string(),
        "[warning] shell-tool: once, `run_command`, session 5f3c (a tool that is named like a shell runs what a model writes)"
    );
    let lost = Event { count: 17, ..Event::new(Kind::Lost) };
    assert!(
        baseline(&lost, 1).to_string().starts_with("[critical] dropped-records: 17 times, session unknown (")
    );
}

#[test]
fn an_alert_is_json() {
    let json = serde_json::to_value(failure()).unwrap();
    let expected = serde_json::json!({
        "rule": "authentication-failures",
        "severity": "critical",
        "occasion": "matched",
        "reason": "somebody guesses",
        "group": { "by": "caller", "key": "alice" },
        "session": "5f3c",
        "count": 3,
        "window_ms": 300_000,
        "first": 1_000,
        "last": 3_000,
        "sample": [1, 2, 3],
        "suppressed": 0,
        "lock_out": { "until": 903_000 },
    });
    assert_eq!(json, expected);
}

#[test]
fn what_others_wrote_does_no_harm() {
    let (name, reason) = ("rule".to_owned(), Some("why\u{9b}31m".to_owned()));
    let (filter, when, quiet) = (Filter::default(), Condition::Any, Duration::from_millis(10));
    let mut watch = Watch::new([Rule {
        name,
        reason,
        severity: Severity::Info,
        filter,
        when,
        group_by: GroupBy::Session,
        quiet,
    }]);
    let evil = Event {
        session: "s\n[critical]",
        tool: Some("\u{1b}[2J\u{202e}lleh\u{200b}s\r"),
        ..Event::new(Kind::ToolCall)
    };
    assert_eq!(
        watch.event(&evil, Millis(0))[0].to_string(),
        "[info] rule: once, `\\u{1b}[2J\\u{202e}lleh\\u{200b}s\\r`, session s\\n[critical] (why\\u{9b}31m)"
    );
    watch.event(&evil, Millis(1));
    let long = Event { tool: Some(&"\u{e0041}".repeat(10_000)), ..evil };
    let line = watch.event(&long, Millis(10))[0].to_string();
    assert!(
        line.contains("…`, session s\\n[critical], suppressed: 1 ("),
        "a long text pushes nothing out: {line}"
    );
    let reason = Some("日".repeat(500));
    let clipped = Alert { reason, ..watch.event(&evil, Millis(20)).remove(0) }.to_string();
    assert_eq!(clipped.chars().count(), MOST_CHARACTERS);
    assert!(clipped.ends_with("日…"), "{clipped}");
}
