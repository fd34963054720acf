//! Any bytes from either side: the frames do not depend on the chunks, nothing panics, what the doorman sends is
//! JSON that other readers accept, and a disabled tool is neither called nor listed.
//!
//! The input is a session: two bytes of settings, then lines that begin with `c` (the client sends the rest),
//! `s` (the server sends it) or `w` (time passes).

#![no_main]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use mcp::{Caller, Ending, Engine, Forward, Frame, Frames, Judgement, Orders, Surroundings};
use policy::plan::{
    ApprovalsPlan, ClassId, ClassMask, ContentPlan, OnViolation, ResponsesPlan, RuleId, SchemaCheck, SessionPlan, ToolRule,
    ToolsPlan, Treatment, Treatments,
};
use serde_json::Value;

fn rule(key: &str) -> ToolRule {
    ToolRule {
        key: key.to_owned(),
        enabled: !matches!(key, "rm" | "delete_*"),
        scope: None,
        approval: None,
        arguments: Vec::new(),
        unknown_arguments: None,
        schema: SchemaCheck::Known,
        max_requests_per_minute: (key == "rare").then_some(2),
        throttle: true,
        timeout: (key == "slow").then_some(Duration::from_secs(2)),
        exclusive: key == "alone",
        max_request_bytes: None,
        max_response_bytes: (key == "slow").then_some(200),
        class: ClassId::new(key.len()).expect("short names"),
        reason: None,
        from: RuleId(0),
    }
}

fn engine(limit: u64) -> Engine {
    let exact = ["rm", "alone", "slow", "rare"].map(|key| (key.to_owned(), rule(key)));
    let globs = vec![("delete_*".to_owned(), rule("delete_*"))];
    let tools = ToolsPlan { default: rule(""), exact: BTreeMap::from(exact), globs, roles: None };
    let session = SessionPlan {
        max_requests_per_minute: None,
        throttle: true,
        max_message_bytes: limit,
        max_concurrent_calls: 8,
        extra_methods: vec!["acme/do".to_owned()],
        sampling: false,
        elicitation: false,
        roots: true,
    };
    let redacted = Some((Treatment::Redact, RuleId(0)));
    let treatments = Treatments {
        secrets: redacted,
        personal_data: None,
        hidden_instructions: Some((Treatment::Block, RuleId(0))),
        exfiltration: Some((Treatment::Flag, RuleId(0))),
        invisible_characters: redacted,
    };
    let content = ContentPlan { answers: treatments, ..ContentPlan::default() };
    let responses = ResponsesPlan::default();
    let approvals = ApprovalsPlan { timeout: Duration::from_secs(3), command: None, ask_client: false };
    let orders = Orders { tools, access: policy::plan::AccessPlan::default(), approvals, session, responses, content, pins: None, on_refusal: OnViolation::Deny };
    Engine::new(orders, &[], Caller::default(), &Surroundings::none())
}

/// One side's pipe, read whole and in chunks.
struct Pipe {
    whole: Frames,
    pieces: Frames,
    chunk: usize,
}

impl Pipe {
    fn new(limit: u64, chunk: usize) -> Self {
        Self { whole: Frames::new(limit), pieces: Frames::new(limit), chunk }
    }

    /// Gives every frame of one line to the engine, and that line to what checks the judgement.
    fn send(&mut self, line: &[u8], mut judge: impl FnMut(&Frame<'_>)) {
        let bytes = [line, b"\n"].concat();
        let mut pieces = Vec::new();
        for chunk in bytes.chunks(self.chunk) {
            fill(&mut self.pieces, chunk);
            while let Some(frame) = self.pieces.next() {
                pieces.push(format!("{frame:?}"));
            }
        }
        for chunk in bytes.chunks(60_000) {
            fill(&mut self.whole, chunk);
        }
        let mut whole = Vec::new();
        while let Some(frame) = self.whole.next() {
            whole.push(format!("{frame:?}"));
            judge(&frame);
        }
        assert_eq!(whole, pieces);
    }
}

fn fill(frames: &mut Frames, bytes: &[u8]) {
    frames.space()[..bytes.len()].copy_from_slice(bytes);
    frames.filled(bytes.len());
}

fn check(judgement: Judgement, line: &[u8], from_client: bool) {
    let Judgement { forward, to_client, to_server, facts: _, end } = judgement;
    assert_eq!(end, None);
    let forwarded = match forward {
        Forward::Unchanged => vec![line.to_vec()],
        Forward::Rewritten(line) => vec![line],
        Forward::Nothing => Vec::new(),
    };
    let (for_server, for_client) = if from_client { (forwarded, vec![]) } else { (vec![], forwarded) };
    for_server.iter().chain(&to_server).for_each(|line| check_for_server(line));
    for_client
        .iter()
        .chain(&to_client)
        .for_each(|line| assert!(is_json(line), "{}", String::from_utf8_lossy(line)));
}

fn is_json(line: &[u8]) -> bool {
    !line.contains(&b'\n')
        && std::str::from_utf8(line).is_ok()
        && serde_json::from_slice::<&serde_json::value::RawValue>(line).is_ok()
}

fn check_for_server(line: &[u8]) {
    assert!(is_json(line), "{}", String::from_utf8_lossy(line));
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
    let messages = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    for message in messages.iter().filter(|message| message["method"] == "tools/call") {
        let tool = message["params"]["name"].as_str().expect("a call names its tool");
        assert!(tool != "rm" && !tool.starts_with("delete_"), "a disabled tool was called");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some(([chunk, limit], script)) = data.split_first_chunk().map(|(settings, rest)| (*settings, rest))
    else {
        return;
    };
    let limit = if limit == 0 { 40 } else { 1000 * u64::from(limit) };
    let chunk = usize::from(chunk) + 1;
    let (mut client, mut server) = (Pipe::new(limit, chunk), Pipe::new(limit, chunk));
    let mut engine = engine(limit);
    let mut now = Instant::now();
    for line in script.split(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((b'c', line)) => {
                client.send(line, |frame| check(engine.from_client(frame, now), line_of(frame), true))
            }
            Some((b's', line)) => {
                server.send(line, |frame| check(engine.from_server(frame, now), line_of(frame), false))
            }
            Some((b'w', _)) => {
                now += Duration::from_secs(1);
                check(engine.expire(now), &[], true);
                assert!(engine.deadline().is_none_or(|deadline| deadline > now));
            }
            _ => {}
        }
    }
    engine.finish(Ending::ClientClosed, now);
    assert_eq!(engine.active(), ClassMask::ALWAYS);
});

fn line_of<'a>(frame: &Frame<'a>) -> &'a [u8] {
    match frame {
        Frame::Message(message) => message.line(),
        Frame::Malformed { .. } => &[],
    }
}
