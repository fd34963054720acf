//! A session that is replayed under its own policy changes nothing, whatever was called.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Body, Detail, Redactor};
use mcp::{Caller, Engine, Fact, Frames, Judgement};
use serde_json::{Value, json};

use super::super::judge::Judge;
use super::super::untold::Known;
use super::{Written, start};
use crate::compose::{Warnings, compose_for_replay};
use crate::session::{Translator, orders, surroundings_in};

const POLICY: &str = r#"
session: { max_requests_per_minute: 90, max_concurrent_calls: 3 }
content: { arguments: { secrets: block } }
tools:
  defaults: { timeout_seconds: 3 }
  "off_*": { enabled: false }
  rated: { max_requests_per_minute: 20 }
  alone: { exclusive: true }
  scoped: { require_scope: admin }
  path: { arguments: { p: { type: path, within: [/w/in] } } }
  small: { max_response_bytes: 1KiB }
  brief: { timeout_seconds: 1 }
"#;
const TOOLS: [&str; 9] = ["off_x", "rated", "rated", "alone", "scoped", "path", "small", "brief", "other"];

/// Numbers that look random (Knuth's linear congruence, MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A doorman that writes down what he does, each record a little late.
struct Door {
    engine: Engine,
    client: Frames,
    server: Frames,
    translator: Translator,
    begun: Instant,
    now: Instant,
    log: Written,
    /// When the calls at the server are answered, by their ids.
    due: BTreeMap<(Instant, i64), usize>,
    dice: Dice,
}

impl Door {
    fn line(&mut self, from_client: bool, line: &Value) {
        let text = format!("{line}\n");
        let frames = if from_client { &mut self.client } else { &mut self.server };
        frames.space()[..text.len()].copy_from_slice(text.as_bytes());
        frames.filled(text.len());
        let frame = frames.next().unwrap();
        let judgement = match from_client {
            true => self.engine.from_client(&frame, self.now),
            false => self.engine.from_server(&frame, self.now),
        };
        self.written(judgement);
    }

    fn written(&mut self, judgement: Judgement) {
        for fact in judgement.facts {
            if let Fact::CallAdmitted { id: mcp::RequestId::Number(id), .. } = &fact {
                let (takes, bytes) = (self.dice.below(1500), [100, 2000][self.dice.below(2) as usize]);
                self.due.insert((self.now + Duration::from_millis(takes), *id), bytes);
            }
            let body = self.translator.fact(fact);
            self.wrote(body);
        }
    }

    fn wrote(&mut self, body: Body) {
        let since = (self.now - self.begun).as_micros() as i64 + self.dice.below(900) as i64;
        let at = "2026-11-21T02:19:07Z".parse::<jiff::Timestamp>().unwrap();
        let at = at.checked_add(jiff::SignedDuration::from_micros(since)).unwrap();
        self.log.time = self.log.time.max(at);
        self.log.add(0, body);
    }

    /// Everything that happens until this instant.
    fn until(&mut self, end: Instant) {
        loop {
            let answer = self.due.first_key_value().map(|((at, id), bytes)| (*at, *id, *bytes));
            match (answer.filter(|(at, ..)| *at <= end), self.engine.deadline().filter(|at| *at <= end)) {
                (Some((at, id, bytes)), up) if up.is_none_or(|up| at < up) => {
                    self.due.remove(&(at, id));
                    self.now = self.now.max(at);
                    let text = "x".repeat(bytes);
                    self.line(false, &json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [{ "type": "text", "text": text }] } }));
                }
                (_, Some(up)) => {
                    self.now = self.now.max(up);
                    let judgement = self.engine.expire(self.now);
                    self.written(judgement);
                }
                _ => break,
            }
        }
        self.now = self.now.max(end);
    }
}

fn session(seed: u64, calls: i64, pause: u64) -> Written {
    let mut log = Written::empty();
    let file = log.room.path().join("new.yaml");
    std::fs::write(&file, format!("version: 1\nname: new\n{POLICY}")).unwrap();
    let composed =
        compose_for_replay(&file.to_string_lossy(), Some("/w".as_ref()), &[], Warnings::Kept).unwrap();
    let judge = Judge::new(composed.plan, composed.source, Known::ALL);
    let rules = judge.plan.rules.clone();
    let around = surroundings_in("/w".as_ref());
    let texts: Vec<&str> = rules.iter().map(|rule| &rule.text[..]).collect();
    log.add(0, start(&[], &texts));
    let begun = Instant::now();
    let mut door = Door {
        engine: Engine::new(orders(&judge.plan), &rules, Caller::default(), &around),
        client: Frames::new(1 << 20),
        server: Frames::new(1 << 20),
        translator: Translator::new(rules, Arc::new(Redactor::none()), Detail::Redacted),
        begun,
        now: begun,
        log,
        due: BTreeMap::new(),
        dice: Dice(seed),
    };
    for id in 1..=calls {
        let pause = Duration::from_millis(door.dice.below(pause));
        door.until(door.now + pause);
        let tool = TOOLS[door.dice.below(TOOLS.len() as u64) as usize];
        let path = ["/w/in/a", "/w/out/a", "/w/in/../a"][door.dice.below(3) as usize];
        let params = json!({ "name": tool, "arguments": { "p": path, "n": door.dice.below(9) } });
        door.line(true, &json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }));
    }
    door.until(door.now + Duration::from_secs(10));
    door.log
}

#[test]
fn a_session_changes_nothing_under_its_own_policy() {
    for seed in 0..12 {
        let log = session(seed, 400, 20 + 90 * (seed % 8));
        let told = log.replay(POLICY);
        let known = told.differences.iter().all(|it| it["change"] == "unknown");
        assert!(told.status == 0 && known, "seed {seed}: {told:#?}");
        let [same, .., unknown] = told.calls();
        assert_eq!(same + unknown, 400, "seed {seed}: {told:#?}");
        assert!(unknown < 40, "seed {seed}: {told:#?}");
        assert_eq!(told.summary["widened"], 0, "seed {seed}");
    }
}

#[test]
fn each_rule_of_it_that_is_broken_is_found() {
    let log = session(7, 400, 400);
    for (rule, broken, cause) in [
        ("rated: { max_requests_per_minute: 20 }", "rated: { max_requests_per_minute: 2 }", "tool_rate"),
        ("\"off_*\": { enabled: false }", "\"o*\": { enabled: false }", "tool_disabled"),
        ("within: [/w/in]", "within: [/w/in/b]", "argument"),
        ("max_concurrent_calls: 3", "max_concurrent_calls: 1", "concurrency"),
        ("max_response_bytes: 1KiB", "max_response_bytes: 64B", "response_size"),
        ("defaults: { timeout_seconds: 3 }", "defaults: { timeout_seconds: 1 }", "timeout"),
        ("alone: { exclusive: true }", "alone: { exclusive: true, require_scope: x }", "scope"),
    ] {
        assert!(POLICY.contains(rule), "{rule}");
        let told = log.replay(&POLICY.replace(rule, broken));
        assert_eq!(told.status, 1, "{broken}");
        let found = told.differences.iter().any(|it| it["change"] == "narrowed" && it["cause"] == cause);
        assert!(found, "{broken}: {told:#?}");
    }
}
