//! What real servers said to honest calls, in `tests/corpus/recorded`: how much of it is suspected.
//!
//! A text is whatever one call, one tool's description, one prompt or one resource holds. Lines that are marked `quotes` hold texts
//! about attacks, with the attack's words; they are counted apart.

mod support;

use std::collections::BTreeSet;
use std::fs;

use content::{Classes, Finding, Scanner, invisible};
use serde_json::Value;
use support::{CLASSES, EVERY, Tally, corpus};

/// The eight presets' servers.
const SERVERS: [&str; 8] =
    ["everything", "fetch", "filesystem", "git", "github", "memory", "sequential-thinking", "time"];
/// In halves, so that this file names no registry and no machine.
const UNWANTED: [(&str, &str); 8] = [
    ("npm", "js."),
    ("py", "pi.org"),
    ("python", "hosted"),
    ("crates", ".io"),
    ("/root/", "."),
    ("/wo", "rk/"),
    ("/tm", "p/"),
    ("users.noreply", "."),
];

/// Everything of one answer.
struct Text {
    id: String,
    quotes: bool,
    strings: Vec<String>,
}

fn lines() -> Vec<Value> {
    let read = |server| fs::read_to_string(corpus(&format!("recorded/{server}.jsonl"))).expect("a recording");
    let all: Vec<String> = SERVERS.into_iter().map(read).collect();
    all.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Each tool of a listing is a text of its own.
fn texts(line: &Value) -> Vec<Text> {
    let id = line["id"].as_str().unwrap_or_default();
    let text = |id: String, value: &Value| {
        let mut strings = Vec::new();
        collect(value, &mut strings);
        Text { id, quotes: line["quotes"] == true, strings }
    };
    match line["answer"]["tools"].as_array() {
        Some(tools) => tools.iter().map(|tool| text(format!("{id} {}", tool["name"]), tool)).collect(),
        None => vec![text(id.to_owned(), &line["answer"])],
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, into)),
        Value::Object(members) => members.values().for_each(|member| collect(member, into)),
        _ => {}
    }
}

/// The classes that a text is suspected of, each with what was found.
fn suspicions(scanner: &Scanner, text: &Text) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for string in &text.strings {
        let findings = scanner.scan(string, Classes::ALL);
        assert!(!findings.cut_short(), "{}: the search was cut short", text.id);
        found.extend(findings.iter().map(|finding| told(finding, string)));
        found
            .extend(invisible::find(string).map(|span| ("invisible".to_owned(), format!("{:?}", span.kind))));
    }
    found
}

fn told(finding: &Finding, string: &str) -> (String, String) {
    let around: String = string[finding.span.clone()].chars().take(160).collect();
    (finding.class().to_string(), format!("{} {around:?}", finding.rule.id()))
}

#[test]
fn honest_answers_are_left_alone() {
    let scanner = Scanner::new().expect("the packs can be read");
    let classes = || CLASSES.into_iter().chain([EVERY]);
    let tallies = |hard| classes().map(move |class| Tally::benign("recorded", class, hard));
    let mut tallies: Vec<Tally> = tallies(false).chain(tallies(true)).collect();
    for text in lines().iter().flat_map(texts) {
        let found = suspicions(&scanner, &text);
        for tally in tallies.iter_mut().filter(|tally| tally.hard == text.quotes) {
            let counts = |class: &str| class == tally.class || (tally.class == EVERY && class != "pii");
            let first = found.iter().find(|(class, _)| counts(class)).cloned();
            tally.count(first.is_some(), || format!("{} {}", text.id, first.unwrap_or_default().1));
        }
    }
    tallies.iter().for_each(Tally::print);
    let bad = tallies.iter().find(|tally| !tally.hard && tally.class != "pii" && !tally.is_good());
    assert!(
        bad.is_none(),
        "more than one of 200 honest texts is suspected: {:?}",
        bad.map(|tally| &tally.class)
    );
}

#[test]
fn the_recording_is_whole_and_names_no_machine() {
    let lines = lines();
    let calls = lines.iter().filter(|line| line["kind"] == "call").count();
    let ids: BTreeSet<&str> = lines.iter().filter_map(|line| line["id"].as_str()).collect();
    assert!(
        calls >= 300 && ids.len() == lines.len(),
        "{calls} calls, {} names of {}",
        ids.len(),
        lines.len()
    );
    let mut bytes = 0;
    for server in SERVERS {
        assert!(lines.iter().any(|line| line["server"] == server && line["kind"] == "call"), "{server}");
        let text = fs::read_to_string(corpus(&format!("recorded/{server}.jsonl"))).expect("a recording");
        bytes += text.len();
        for unwanted in UNWANTED.map(|(first, second)| [first, second].concat()) {
            assert!(!text.contains(&unwanted), "{server}: {unwanted}");
        }
    }
    assert!(bytes < 1_500_000, "{bytes} bytes");
}
