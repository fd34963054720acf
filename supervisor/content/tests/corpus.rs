//! How much of the corpus is found, and how much of what is honest is suspected.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;

use content::{Classes, Finding, Scanner, Severity, invisible};
use serde::Deserialize;

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    via: String,
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/answers").join(file);
    let lines = read_to_string(&path).expect("the corpus is there");
    lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn is_found(scanner: &Scanner, entry: &Entry) -> bool {
    let text = entry.text();
    let has = |wanted| !scanner.scan(&text, wanted).is_empty();
    match entry.class.as_str() {
        "invisible" => invisible::find(&text).next().is_some(),
        // What is a hidden order and what is a leak depends on how one looks at it.
        "injection" | "exfiltration" => has(Classes::INJECTION | Classes::EXFILTRATION),
        "secret" => has(Classes::SECRET),
        "pii" => has(Classes::PII),
        _ => has(Classes::ALL),
    }
}

#[test]
fn attacks_are_found() {
    let scanner = Scanner::new().expect("the packs can be read");
    let mut table: BTreeMap<(String, bool), (usize, usize)> = BTreeMap::new();
    let attacks = entries("attacks.jsonl");
    assert!(attacks.len() >= 150);
    for entry in &attacks {
        let found = is_found(&scanner, entry);
        let (hits, all) = table.entry((entry.class.clone(), entry.hard)).or_default();
        *hits += usize::from(found);
        *all += 1;
        if !found {
            println!(
                "missed{} {} {} {}: {:?}",
                if entry.hard { " (hard)" } else { "" },
                entry.id,
                entry.class,
                entry.via,
                entry.text()
            );
        }
    }
    for ((class, hard), (hits, all)) in &table {
        println!("{class}{}: {hits} of {all}", if *hard { " (hard)" } else { "" });
        assert!(*hard || hits * 100 >= all * 95, "{class}: {hits} of {all}");
    }
}

#[test]
fn honest_texts_are_left_alone() {
    let scanner = Scanner::new().expect("the packs can be read");
    let benign = entries("benign.jsonl");
    assert!(benign.len() >= 150);
    let (mut suspected, mut all, mut hard) = (0, 0, (0, 0));
    for entry in &benign {
        let text = entry.text();
        let findings = scanner.scan(&text, Classes::ALL).at_least(Severity::High);
        let hidden: Vec<_> = invisible::find(&text).collect();
        let is_suspected = !findings.is_empty() || !hidden.is_empty();
        if is_suspected {
            let rules: Vec<&str> = findings.iter().map(|finding: &Finding| finding.rule.id()).collect();
            println!(
                "suspected{} {}: {rules:?} {hidden:?} {text:?}",
                if entry.hard { " (hard)" } else { "" },
                entry.id
            );
        }
        let (counted, of) = if entry.hard { (&mut hard.0, &mut hard.1) } else { (&mut suspected, &mut all) };
        *counted += usize::from(is_suspected);
        *of += 1;
    }
    println!("suspected: {suspected} of {all}, hard: {} of {}", hard.0, hard.1);
    assert!(suspected * 200 <= all, "{suspected} of {all} honest texts are suspected");
}
