//! How much of the corpus is found, and how much of what is honest is suspected.
//!
//! Both sides are judged by the same measure: whether anything is found, be a rule sure of it or not.

mod support;

use std::collections::BTreeMap;
use std::fs::read_to_string;

use content::{Classes, Scanner, invisible};
use serde::Deserialize;
use support::{CLASSES, EVERY, Tally, corpus};

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    class: String,
    text: Text,
    #[serde(default)]
    hard: bool,
}

/// Texts that look like real keys are in parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Parts(Vec<String>),
}

impl Entry {
    fn text(&self) -> String {
        match &self.text {
            Text::Whole(text) => text.clone(),
            Text::Parts(parts) => parts.concat(),
        }
    }
}

fn entries(file: &str) -> Vec<Entry> {
    let lines = read_to_string(corpus("answers").join(file)).expect("the corpus is there");
    lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn is_found(scanner: &Scanner, text: &str, class: &str) -> bool {
    let has = |wanted| !scanner.scan(text, wanted).is_empty();
    match class {
        "invisible" => invisible::find(text).next().is_some(),
        // What is a hidden order and what is a leak depends on how one looks at it.
        "injection" | "exfiltration" => has(Classes::INJECTION | Classes::EXFILTRATION),
        "secret" => has(Classes::SECRET),
        "pii" => has(Classes::PII),
        _ => has(Classes::ALL),
    }
}

/// What a text is suspected of, each class by itself.
fn is_suspected(scanner: &Scanner, text: &str, class: &str) -> bool {
    let findings = scanner.scan(text, Classes::ALL);
    if class == EVERY {
        return CLASSES.iter().any(|class| *class != "pii" && is_suspected(scanner, text, class));
    }
    let found = findings.iter().any(|finding| finding.class().to_string() == class);
    found || (class == "invisible" && invisible::find(text).next().is_some())
}

#[test]
fn attacks_are_found() {
    let scanner = Scanner::new().expect("the packs can be read");
    let attacks = entries("attacks.jsonl");
    assert!(attacks.len() >= 150);
    let mut tallies: BTreeMap<(String, bool), Tally> = BTreeMap::new();
    for entry in &attacks {
        let (text, Entry { id, class, hard, .. }) = (entry.text(), entry);
        let tally = tallies.entry((class.clone(), *hard)).or_insert_with(|| Tally::attack(class, *hard));
        tally.count(is_found(&scanner, &text, class), || {
            format!("{id} {}", text.chars().take(100).collect::<String>())
        });
    }
    tallies.values().for_each(Tally::print);
    assert!(tallies.values().all(|tally| tally.hard || tally.is_good()));
}

#[test]
fn honest_texts_are_left_alone() {
    let scanner = Scanner::new().expect("the packs can be read");
    let benign = entries("benign.jsonl");
    assert!(benign.len() >= 150);
    let classes = CLASSES.iter().chain([&EVERY]);
    for (class, hard) in classes.flat_map(|class| [(class, false), (class, true)]) {
        let mut tally = Tally::benign("written", class, hard);
        for entry in benign.iter().filter(|entry| entry.hard == hard) {
            let text = entry.text();
            tally.count(is_suspected(&scanner, &text, class), || format!("{} {text}", entry.id));
        }
        tally.print();
        // Addresses in honest texts are addresses.
        let counts = !hard && *class != "pii";
        assert!(!counts || tally.is_good(), "{class}: more than one of 200 honest texts is suspected");
    }
}
