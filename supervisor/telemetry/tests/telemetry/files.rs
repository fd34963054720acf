//! The dashboard and the alert rules that are given out name metrics and labels that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use audit::{Actor, EndReason, SessionId};
use serde_json::Value;
use serde_yaml::{Event, Parser};
use telemetry::{Proof, SessionUsage, Sinks, SinksSection};

use super::room::Room;

fn given_out(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../dist").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Every series that is shown after everything was counted once: names, each with its labels and their values.
fn shown() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let room = Room::new();
    let sinks: SinksSection = serde_json::from_str(r#"{"journald":{"socket":"/nowhere"}}"#).unwrap();
    let _sinks = Sinks::start(&sinks, &room.metrics).unwrap();
    let metrics = &room.metrics;
    metrics.refused("limit");
    metrics.ended(EndReason::ClientGone);
    metrics.denied("open", "name", 1);
    metrics.killed(Actor::Owner);
    metrics.proved(Proof::Ok);
    room.reaches("mcpguard_sink_records_total{sink=\"journald\"}", 0.0);
    let (policy, user) = ("github".to_owned(), "1000".to_owned());
    let session = SessionId::new("a").unwrap();
    metrics.usage(&[SessionUsage { session, policy, user, memory_bytes: 1, cpu_us: 1 }]);
    let mut log = room.log_to(&serde_json::from_str(r#"{"syslog":{"socket":"/nowhere"}}"#).unwrap());
    log.append(super::room::noise("a", "x")).unwrap();
    room.reaches("mcpguard_sink_failures_total{sink=\"syslog\"}", 1.0);

    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for line in metrics.render().lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let known = found.entry(name.to_owned()).or_default();
        for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').unwrap();
            known.entry(label.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
        }
    }
    found
}

/// The words of an expression that begin like a metric of ours, with what follows each.
fn metrics_in(expression: &str) -> Vec<(String, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("mcpguard_") {
        let rest = &expression[at..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let selector = rest[end..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
        found.push((
            rest[..end].to_owned(),
            selector.map(|(inside, _)| inside.to_owned()).unwrap_or_default(),
        ));
    }
    found
}

/// Checks names, the labels that are selected and grouped by, and the values that are asked for.
fn check(expression: &str) -> Vec<String> {
    let shown = shown_once();
    let metrics = metrics_in(expression);
    let mut known_labels: BTreeSet<&str> = BTreeSet::from(["instance", "job"]);
    for (name, selector) in &metrics {
        let labels = shown.get(name).unwrap_or_else(|| panic!("no metric is named `{name}`: {expression}"));
        known_labels.extend(labels.keys().map(String::as_str));
        for condition in selector.split(',').filter(|condition| !condition.is_empty()) {
            let (label, value) = condition.split_once('=').unwrap();
            if label == "instance" {
                continue;
            }
            let values = labels.get(label).unwrap_or_else(|| panic!("`{name}` has no label `{label}`"));
            for value in value.trim_start_matches('~').trim_matches('"').split('|') {
                assert!(values.contains(value), "`{name}` never has {label}=\"{value}\": {values:?}");
            }
        }
    }
    for (_, grouped) in expression.match_indices("by (").map(|(at, by)| (at, &expression[at + by.len()..])) {
        for label in grouped.split(')').next().unwrap().split(", ") {
            assert!(known_labels.contains(label), "nothing has the label `{label}`: {expression}");
        }
    }
    metrics.into_iter().map(|(name, _)| name).collect()
}

fn shown_once() -> &'static BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    static SHOWN: std::sync::OnceLock<BTreeMap<String, BTreeMap<String, BTreeSet<String>>>> =
        std::sync::OnceLock::new();
    SHOWN.get_or_init(shown)
}

/// The scalars of a YAML text in their order; mappings give a key and its value one after the other.
fn scalars(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for event in Parser::new_from_str(text) {
        if let (Event::Scalar(value, ..), _) = event.unwrap() {
            found.push(value.to_string());
        }
    }
    found
}

fn after<'s>(scalars: &'s [String], key: &str) -> Vec<&'s str> {
    scalars.windows(2).filter(|pair| pair[0] == key).map(|pair| pair[1].as_str()).collect()
}

#[test]
fn alert_rules_ask_for_metrics_that_there_are() {
    let scalars = scalars(&given_out("prometheus/alerts.yml"));
    let (alerts, expressions) = (after(&scalars, "alert"), after(&scalars, "expr"));
    assert_eq!(alerts.len(), expressions.len());
    assert_eq!(after(&scalars, "severity").len(), alerts.len());
    assert_eq!(after(&scalars, "description").len(), alerts.len());
    let named: Vec<String> = expressions.iter().flat_map(|expression| check(expression)).collect();
    // What must be alerted on.
    for name in [
        "mcpguard_kills_total",
        "mcpguard_denials_total",
        "mcpguard_kernel_events_dropped_total",
        "mcpguard_canary_proofs_total",
    ] {
        assert!(named.iter().any(|found| found == name), "{name}");
    }
    assert!(expressions.iter().any(|expression| expression.starts_with("up{job=\"mcpguard\"} == 0")));
    for text in after(&scalars, "description") {
        for label in text.match_indices("$labels.").map(|(at, word)| &text[at + word.len()..]) {
            let label = label.split(' ').next().unwrap();
            assert!(["by", "kind", "reason", "sink", "instance"].contains(&label), "{text}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are_and_for_all_of_them() {
    let dashboard: Value = serde_json::from_str(&given_out("grafana/mcpguard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut named = BTreeSet::new();
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
        let names = check(target["expr"].as_str().unwrap());
        assert!(!names.is_empty(), "{target}");
        named.extend(names);
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let hosts = variables.iter().find_map(|variable| variable["query"]["query"].as_str()).unwrap();
    named.extend(check(hosts));
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len());
    let all: BTreeSet<String> = shown_once().keys().cloned().collect();
    assert_eq!(named, all);
}

#[test]
fn a_name_that_there_is_not_is_found() {
    for expression in [
        "mcpguard_kill_total",
        "mcpguard_sessions{stat=\"x\"}",
        "mcpguard_sessions{state=\"x\"}",
        "sum by (x) (mcpguard_sessions)",
    ] {
        assert!(std::panic::catch_unwind(|| check(expression)).is_err(), "{expression}");
    }
}
