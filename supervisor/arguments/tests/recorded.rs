//! Honest calls that real servers answered, in `tests/corpus/recorded`: what is refused wrongly.
//!
//! The shipped presets rule no arguments, so each argument gets the type that its name suggests (`recorder/rules.json`), and no
//! argument is without one. Each call is held against the tool's own schema as well.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arguments::{Rule, Rules, Schema, Tree, TreeError, Unknown, check};
use serde_json::{Map, Value};
use support::tally::{Side, Tally};
use support::words::{class_of, kind, text};

/// The workspace as it was recorded: every path is itself.
struct Workspace;

impl Tree for Workspace {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        Ok(path.to_owned())
    }

    fn current_directory(&self) -> &Path {
        Path::new("/workspace")
    }
}

/// One server: its lines, and the types of its arguments.
struct Recording {
    lines: Vec<Value>,
    rules: Rules<usize>,
    /// The classes of the rules, by their numbers.
    classes: Vec<String>,
    names: Vec<String>,
}

impl Recording {
    fn of(server: &str, types: &Map<String, Value>) -> Self {
        let lines = read(&format!("recorded/{server}.jsonl"));
        let lines = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let rule = |(from, (name, rule)): (usize, (&String, &Value))| Rule {
            name: name.clone(),
            kind: kind(rule),
            from,
        };
        let classes = types.values().map(|rule| class_of(&text(&rule["type"])).to_owned()).collect();
        let rules = Rules::new(types.iter().enumerate().map(rule), Unknown::Refuse);
        Self { lines, rules, classes, names: types.keys().cloned().collect() }
    }

    fn calls(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line["kind"] == "call")
    }

    /// The schema of a tool, as the server listed it.
    fn schema(&self, tool: &Value) -> Schema {
        let tools = self.lines.iter().filter_map(|line| line["answer"]["tools"].as_array()).flatten();
        let found = tools.into_iter().find(|listed| listed["name"] == *tool).expect("the tool is listed");
        Schema::compile(&found["inputSchema"]).unwrap_or_else(|error| panic!("{tool}: {error}"))
    }

    /// The classes of types that a call has arguments of.
    fn classes_in(&self, arguments: &Map<String, Value>) -> BTreeSet<&str> {
        let has = |name: &String| arguments.contains_key(name.split('.').next().unwrap_or(name));
        let names = self.names.iter().zip(&self.classes);
        names.filter(|(name, _)| has(name)).map(|(_, class)| class.as_str()).collect()
    }
}

fn read(file: &str) -> String {
    let path = format!("{}/../../tests/corpus/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Counts one call for each class; returns whether anything was refused.
fn judge(recording: &Recording, call: &Value, tallies: &mut BTreeMap<String, Tally>) -> bool {
    let mut count = |class: &str, why: Option<String>| {
        let fresh = || Tally::new(class, Side::Benign, "recorded", false);
        let tally = tallies.entry(class.to_owned()).or_insert_with(fresh);
        tally
            .count(why.is_some(), || format!("{} {}", text(&call["id"]), why.as_deref().unwrap_or_default()));
    };
    let arguments = call["arguments"].as_object().expect("arguments");
    let violation = check(arguments, &recording.rules, &Workspace).err();
    let refusing =
        violation.as_ref().map(|violation| violation.rule.map_or("text", |rule| &recording.classes[rule]));
    for class in recording.classes_in(arguments) {
        let why = violation.as_ref().filter(|_| refusing == Some(class)).map(ToString::to_string);
        count(class, why);
    }
    let mismatch = recording.schema(&call["tool"]).validate(&call["arguments"]).err();
    count("schema", mismatch.as_ref().map(ToString::to_string));
    violation.is_some() || mismatch.is_some()
}

#[test]
fn honest_calls_pass() {
    let types: Value = serde_json::from_str(&read("recorder/rules.json")).expect("JSON");
    let mut tallies = BTreeMap::new();
    let mut every = Tally::new("every call", Side::Benign, "recorded", false);
    let (mut refused, mut all) = (0, 0);
    for (server, types) in types.as_object().expect("servers") {
        let recording = Recording::of(server, types.as_object().expect("types"));
        for call in recording.calls() {
            let is_refused = judge(&recording, call, &mut tallies);
            every.count(is_refused, || text(&call["id"]));
            refused += usize::from(is_refused);
            all += 1;
        }
    }
    every.print();
    tallies.values().for_each(Tally::print);
    println!("refused {refused} of {all} recorded calls");
    assert!(all >= 300 && refused * 200 <= all, "{refused} of {all} honest calls are refused");
}
