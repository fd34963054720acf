//! Attacks and honest calls as data, in `tests/corpus/arguments`: what is found, and what is refused wrongly.
//!
//! A line is one case. `rule` speaks the policy's words, or is `{"type":"schema","schema":…}`; `value` is the argument, or
//! `arguments` the whole call with a rule for `name`; `tree` maps links to where they lead. `hard` marks attacks that this
//! crate alone cannot tell, and honest calls that it refuses by decision.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use arguments::{Rule, Rules, Schema, Unknown, check};
use serde_json::{Map, Value};
use support::Links;
use support::tally::{Side, Tally};
use support::words::{class_of, kind, text};

struct Case {
    id: String,
    /// The type that is tried.
    kind: String,
    hard: bool,
    value: String,
    refused: Option<String>,
}

fn cases(file: &str) -> Vec<Case> {
    let path = format!("{}/../../tests/corpus/arguments/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines()
        .map(|line| case(&serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))))
        .collect()
}

fn case(line: &Value) -> Case {
    Case {
        id: text(&line["id"]),
        kind: class_of(&text(&line["rule"]["type"])).to_owned(),
        hard: line["hard"].as_bool().unwrap_or_default(),
        value: line.get("value").or(line.get("arguments")).map(Value::to_string).unwrap_or_default(),
        refused: judged(line),
    }
}

fn judged(line: &Value) -> Option<String> {
    if line["rule"]["type"] == "schema" {
        return match Schema::compile(&line["rule"]["schema"]) {
            Ok(schema) => schema.validate(&line["value"]).err().map(|mismatch| mismatch.to_string()),
            Err(error) => Some(error.to_string()),
        };
    }
    let name = line["name"].as_str().unwrap_or("argument").to_owned();
    let unknown = if line["unknown"] == "refuse" { Unknown::Refuse } else { Unknown::Pass };
    let call = match &line["arguments"] {
        Value::Object(whole) => whole.clone(),
        _ => Map::from_iter([(name.clone(), line["value"].clone())]),
    };
    let rules = Rules::new([Rule { name, kind: kind(&line["rule"]), from: () }], unknown);
    let links = line["tree"].as_object().into_iter().flatten();
    let tree = Links(links.map(|(link, leads)| (PathBuf::from(link), PathBuf::from(text(leads)))).collect());
    check(&call, &rules, &tree).err().map(|violation| violation.to_string())
}

/// By the type that judged.
fn tell(cases: &[Case], side: Side) {
    let mut tallies: BTreeMap<(&str, bool), Tally> = BTreeMap::new();
    for case in cases {
        let by_type = tallies.entry((&case.kind, case.hard));
        let tally = by_type.or_insert_with(|| Tally::new(&case.kind, side, "written", case.hard));
        tally.count(case.refused.is_some(), || {
            format!("{} {}", case.id, case.refused.as_deref().unwrap_or(&case.value))
        });
    }
    tallies.values().for_each(Tally::print);
    if side == Side::Benign {
        let mut every = Tally::new("every call", side, "written", false);
        let plain = cases.iter().filter(|case| !case.hard);
        plain.for_each(|case| every.count(case.refused.is_some(), || case.id.clone()));
        every.print();
    }
}

/// How many of those that are not hard are refused, of how many.
fn rate(cases: &[Case]) -> (usize, usize) {
    let plain = || cases.iter().filter(|case| !case.hard);
    (plain().filter(|case| case.refused.is_some()).count(), plain().count())
}

#[test]
fn attacks_are_found() {
    let cases = cases("attacks.jsonl");
    tell(&cases, Side::Attack);
    let (found, all) = rate(&cases);
    println!("found {found} of {all}; with the hard ones {} cases", cases.len());
    assert!(cases.len() >= 150);
    assert!(found * 100 >= all * 95, "at least 95 of 100 attacks are found: {found} of {all}");
}

#[test]
fn honest_calls_pass() {
    let cases = cases("benign.jsonl");
    tell(&cases, Side::Benign);
    let (refused, all) = rate(&cases);
    println!("refused {refused} of {all} honest calls");
    assert!(all >= 100);
    assert!(refused * 1000 <= all * 5, "at most 5 of 1000 honest calls are refused: {refused} of {all}");
}

#[test]
fn every_case_has_its_own_name() {
    for file in ["attacks.jsonl", "benign.jsonl"] {
        let mut names: Vec<String> = cases(file).into_iter().map(|case| case.id).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{file}");
    }
}

/// Whatever is refused is refused in one bounded sentence, without control characters.
#[test]
fn a_refusal_can_be_shown() {
    for case in cases("attacks.jsonl").into_iter().chain(cases("benign.jsonl")) {
        let told = case.refused.unwrap_or_default();
        assert!(told.chars().count() < 600 && !told.chars().any(char::is_control), "{}: {told}", case.id);
    }
}
