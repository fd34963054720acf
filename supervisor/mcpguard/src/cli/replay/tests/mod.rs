//! Sessions that were written by hand, and what another policy says to them.

mod calls;
mod denials;
mod ends;
mod logs;
mod own;
mod untold;

use std::path::PathBuf;

use audit::{
    Body, Cause, CoverageEntry, CoverageState, Denial, Digest, Kernel, Layer, Outcome, Place, Policy,
    RuleRef, SessionId, SessionStart, ToolCall, ToolResult, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Args, FailOn};

/// A log that is written line by line, at times of its own.
struct Written {
    room: tempfile::TempDir,
    lines: Vec<u8>,
    prev: Digest,
    seqs: std::collections::BTreeMap<String, u64>,
    time: Timestamp,
    session: String,
}

/// What a replay told.
#[derive(Debug)]
struct Told {
    status: u8,
    differences: Vec<Value>,
    summary: Value,
}

impl Written {
    /// A log without a session.
    fn empty() -> Self {
        Self {
            room: tempfile::tempdir().unwrap(),
            lines: Vec::new(),
            prev: Digest::GENESIS,
            seqs: std::collections::BTreeMap::new(),
            time: "2026-11-21T02:19:07Z".parse().unwrap(),
            session: "s1".to_owned(),
        }
    }

    /// A session has begun.
    fn session() -> Self {
        let mut log = Self::empty();
        log.add(0, start(&[], &[]));
        log
    }

    /// So many milliseconds later.
    fn add(&mut self, later: i64, body: Body) -> &mut Self {
        self.time = self.time.checked_add(SignedDuration::from_millis(later)).unwrap();
        let seq = self.seqs.entry(self.session.clone()).or_default();
        *seq += 1;
        let session = SessionId::new(&*self.session).unwrap();
        let place = Place { time: self.time, session: &session, seq: *seq, revision: None, prev: self.prev };
        self.prev = audit::write_line(&mut self.lines, &place, &body).unwrap();
        self.lines.push(b'\n');
        self
    }

    /// A call of so many milliseconds that went through.
    fn lasting(&mut self, number: u64, tool: &str, arguments: Value, milliseconds: i64) -> &mut Self {
        self.add(1, call(number, tool, arguments));
        self.add(milliseconds, result(number, tool, milliseconds))
    }

    fn path(&self) -> PathBuf {
        let path = self.room.path().join("log.jsonl");
        std::fs::write(&path, &self.lines).unwrap();
        path
    }

    fn replay(&self, policy: &str) -> Told {
        self.replay_with(policy, FailOn::Narrowed, None).unwrap()
    }

    fn replay_with(&self, policy: &str, fail_on: FailOn, scopes: Option<&str>) -> anyhow::Result<Told> {
        self.replay_of(&[self.path()], policy, fail_on, scopes)
    }

    fn replay_of(
        &self,
        logs: &[PathBuf],
        policy: &str,
        fail_on: FailOn,
        scopes: Option<&str>,
    ) -> anyhow::Result<Told> {
        let file = self.room.path().join("new.yaml");
        std::fs::write(&file, format!("version: 1\nname: new\n{policy}")).unwrap();
        let args = |json| Args {
            logs: logs.to_vec(),
            policy: file.to_string_lossy().into_owned(),
            workspace: None,
            scopes: scopes.map(str::to_owned),
            fail_on,
            json,
            command: Vec::new(),
        };
        let mut out = Vec::new();
        let status = super::run(args(true), &mut out)?;
        let lines = String::from_utf8(out).unwrap();
        let mut all: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = all.pop().unwrap()["summary"].clone();
        let mut people = Vec::new();
        assert_eq!(super::run(args(false), &mut people)?, status);
        assert!(String::from_utf8(people).unwrap().lines().next().unwrap().ends_with("new.yaml)"));
        Ok(Told { status, differences: all, summary })
    }
}

impl Told {
    /// The numbers of calls: as before, denied, allowed, waiting, unknown.
    fn calls(&self) -> [u64; 5] {
        counts(&self.summary["calls"])
    }

    /// The same of denials.
    fn denials(&self) -> [u64; 5] {
        counts(&self.summary["denials"])
    }

    /// The only difference.
    fn only(&self) -> &Value {
        assert_eq!(self.differences.len(), 1, "{self:#?}");
        &self.differences[0]
    }

    /// The only difference is a call that is denied now, for this cause and by this rule.
    #[track_caller]
    fn denied(&self, cause: &str, rule: &str) {
        let only = self.only();
        assert_eq!((&only["change"], &only["cause"]), (&json!("narrowed"), &json!(cause)), "{only:#}");
        assert!(only["rule"]["text"].as_str().unwrap_or_default().starts_with(rule), "{only:#}");
        assert_eq!(self.status, 1);
    }

    /// The only difference cannot be told.
    #[track_caller]
    fn unknown(&self, why: &str) {
        let only = self.only();
        assert_eq!((&only["change"], self.status), (&json!("unknown"), 0), "{only:#}");
        assert!(only["why"].as_str().unwrap_or_default().contains(why), "{only:#}");
    }

    #[track_caller]
    fn nothing(&self) {
        assert_eq!((self.status, &self.differences[..]), (0, &[][..]), "{self:#?}");
    }
}

fn counts(counts: &Value) -> [u64; 5] {
    ["as_before", "denied_now", "allowed_now", "wait_for_approval", "unknown"]
        .map(|key| counts[key].as_u64().unwrap())
}

fn start(scopes: &[&str], rules: &[&str]) -> Body {
    let entry = |text: &&str| CoverageEntry {
        rule: rule(text),
        state: CoverageState::Enforced,
        by: Vec::new(),
        note: None,
    };
    Body::SessionStart(Box::new(SessionStart {
        mcpguard: "0".to_owned(),
        policy: Policy {
            name: "old".to_owned(),
            revision: "0".repeat(64),
            sources: vec!["old.yaml".to_owned()],
        },
        command: vec!["/nowhere/server".to_owned()],
        workspace: "/w".to_owned(),
        uid: 1000,
        pid: 7,
        client: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        kernel: Kernel::default(),
        coverage: rules.iter().map(entry).collect(),
        degraded: Vec::new(),
        unredacted: Vec::new(),
    }))
}

fn rule(text: &str) -> RuleRef {
    RuleRef { text: text.to_owned(), source: "old.yaml".to_owned(), line: 3, column: 5, reason: None }
}

fn call(number: u64, tool: &str, arguments: Value) -> Body {
    let bytes = if arguments.is_null() { 0 } else { arguments.to_string().len() as u64 };
    Body::ToolCall(ToolCall {
        call: number,
        request_id: number.to_string(),
        tool: tool.to_owned(),
        arguments: Some(arguments).filter(|arguments| !arguments.is_null()),
        argument_bytes: bytes,
        caller: None,
        verdict: Verdict::Allowed,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
        waited_ms: 0,
        classes: Vec::new(),
    })
}

fn refused(tool: &str, cause: Cause, limit: Option<u64>) -> Body {
    let Body::ToolCall(call) = call(0, tool, json!({})) else { unreachable!() };
    Body::ToolCall(ToolCall { verdict: Verdict::Refused, cause: Some(cause), limit, ..call })
}

fn result(number: u64, tool: &str, milliseconds: i64) -> Body {
    Body::ToolResult(ToolResult {
        call: number,
        tool: tool.to_owned(),
        outcome: Outcome::Success,
        duration_us: milliseconds.unsigned_abs() * 1000,
        request_bytes: 100,
        response_bytes: 1000,
        error_code: None,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
    })
}

fn denial(cause: Cause, what: &str, detail: &str, reason: &str) -> Denial {
    Denial {
        layer: Layer::Ebpf,
        cause,
        what: what.to_owned(),
        detail: Some(detail.to_owned()),
        action: audit::Action::Denied,
        rule: None,
        reason: Some(reason.to_owned()),
        process: None,
        calls: Vec::new(),
        count: 1,
        limit: None,
    }
}
