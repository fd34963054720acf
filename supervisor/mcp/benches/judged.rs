//! What the checks of meaning cost beside the bare doorman: arguments, schemas, texts.
//!
//! `cargo bench -p mcpguard-mcp --bench judged`. Compare `bare` and `judged` of one run: the machine is the same for both. Each
//! figure includes framing and the copy that stands for `read(2)`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use mcp::{Caller, Engine, Frames, Orders, Surroundings};
use policy::plan::{
    AbsolutePath, AccessPlan, ApprovalsPlan, ArgumentKind, ArgumentRule, Ask, ClassId, ContentPlan,
    OnViolation, Origin, ResponsesPlan, Rule, RuleId, SchemaCheck, SessionPlan, ToolRule, ToolsPlan,
    Treatment, Treatments,
};

fn main() {
    divan::main();
}

const LIMIT: u64 = 32 << 20;
/// With nothing but the protocol's own rules, and with every check of meaning.
const BOTH: [&str; 2] = ["bare", "judged"];

fn tools(judged: bool) -> ToolsPlan {
    let argument = |name: &str, kind| ArgumentRule { name: name.to_owned(), kind, from: RuleId(0) };
    let within = AbsolutePath::new("/workspace").into_iter().collect();
    let arguments = vec![
        argument("path", ArgumentKind::Path { within }),
        argument("content", ArgumentKind::Text { max_length: 1 << 20 }),
    ];
    let default = ToolRule {
        key: "defaults".to_owned(),
        enabled: true,
        scope: None,
        approval: None,
        arguments: if judged { arguments } else { Vec::new() },
        unknown_arguments: None,
        schema: if judged { SchemaCheck::Known } else { SchemaCheck::Never },
        max_requests_per_minute: None,
        throttle: false,
        timeout: Some(Duration::from_secs(30)),
        exclusive: false,
        max_request_bytes: None,
        max_response_bytes: None,
        class: ClassId::ALWAYS,
        reason: None,
        from: RuleId(0),
    };
    ToolsPlan { default, exact: BTreeMap::new(), globs: Vec::new(), roles: None }
}

fn engine(kind: &str) -> Engine {
    let judged = kind == "judged";
    let flag = judged.then_some((Treatment::Flag, RuleId(0)));
    let treatments = Treatments {
        secrets: judged.then_some((Treatment::Redact, RuleId(0))),
        personal_data: None,
        hidden_instructions: flag,
        exfiltration: flag,
        invisible_characters: flag,
    };
    let orders = Orders {
        tools: tools(judged),
        session: SessionPlan {
            max_requests_per_minute: None,
            throttle: false,
            max_message_bytes: LIMIT,
            max_concurrent_calls: 256,
            extra_methods: Vec::new(),
            sampling: false,
            elicitation: false,
            roots: false,
        },
        access: AccessPlan::default(),
        approvals: ApprovalsPlan { timeout: Duration::from_secs(300), command: None, ask_client: false },
        responses: ResponsesPlan::default(),
        content: ContentPlan { answers: treatments, arguments: treatments, ..ContentPlan::default() },
        pins: None,
        on_refusal: OnViolation::Deny,
    };
    let origin = Origin { source: "bench.yaml".to_owned(), line: 1, column: 1 };
    let rules = [Rule { text: "tools.defaults".to_owned(), origin, reason: None, ask: Ask::Doorman }];
    let mut engine = Engine::new(orders, &rules, Caller::default(), &Surroundings::none());
    list(&mut engine);
    engine
}

/// The server tells the tool's schema.
fn list(engine: &mut Engine) {
    let asked = br#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;
    let told = br#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"write_file","description":"Writes a file.","inputSchema":{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"],"additionalProperties":false}}]}}"#;
    pass(engine, asked, true);
    pass(engine, told, false);
}

fn pass(engine: &mut Engine, line: &[u8], client: bool) {
    let mut frames = Frames::new(LIMIT);
    for chunk in [line, b"\n"].concat().chunks(64 * 1024) {
        frames.space()[..chunk.len()].copy_from_slice(chunk);
        frames.filled(chunk.len());
    }
    let now = Instant::now();
    while let Some(frame) = frames.next() {
        let _ =
            black_box(if client { engine.from_client(&frame, now) } else { engine.from_server(&frame, now) });
    }
}

fn call(content: &str) -> Vec<u8> {
    let content = serde_json::Value::from(content);
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"write_file","arguments":{{"path":"/workspace/src/main.rs","content":{content}}}}}}}"#).into_bytes()
}

fn answer(text: &str) -> Vec<u8> {
    let text = serde_json::Value::from(text);
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":{text}}}]}}}}"#)
        .into_bytes()
}

const SMALL_ANSWER: &[u8] = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"ok"}]}}"#;
const PROSE: &str =
    "The quick brown fox jumps over the lazy dog; 12 of 30 files were changed, see src/main.rs.\n";

fn prose(bytes: usize) -> String {
    PROSE.repeat(bytes / PROSE.len() + 1)[..bytes].to_owned()
}

/// A call of 1 KB and a small answer.
#[divan::bench(args = BOTH)]
fn call_1_kb(bencher: Bencher<'_, '_>, kind: &str) {
    let (mut engine, line) = (engine(kind), call(&prose(900)));
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        pass(&mut engine, &line, true);
        pass(&mut engine, SMALL_ANSWER, false);
    });
}

fn round_trip(bencher: Bencher<'_, '_>, kind: &str, text: &str) {
    let (mut engine, asked, line) = (engine(kind), call("x"), answer(text));
    bencher.counter(BytesCount::new(line.len())).bench_local(|| {
        pass(&mut engine, &asked, true);
        pass(&mut engine, &line, false);
    });
}

/// An answer of 10 KB to a small call.
#[divan::bench(args = BOTH)]
fn answer_10_kb(bencher: Bencher<'_, '_>, kind: &str) {
    round_trip(bencher, kind, &prose(10_000));
}

/// An answer of 1 MB.
#[divan::bench(args = BOTH, sample_count = 20)]
fn answer_1_mb(bencher: Bencher<'_, '_>, kind: &str) {
    round_trip(bencher, kind, &prose(1 << 20));
}

/// The worst texts of 1 MB that are known, against `answer_1_mb`: each is what one part of the search likes least.
#[divan::bench(args = ["keywords", "escapes", "base64", "styled", "quotes", "invisible", "percent"], sample_count = 10)]
fn worst_1_mb(bencher: Bencher<'_, '_>, kind: &str) {
    let piece = match kind {
        "keywords" => "ignore password token secret:// do not tell ",
        "escapes" => "\\u0069\\u0067\\n\\t",
        "base64" => "SWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnMu",
        "styled" => "ｉｇｎｏｒｅ 𝐚𝐥𝐥 ",
        "quotes" => "\"\"\"\n\n",
        "invisible" => "a\u{200b}b\u{202e}",
        _ => "%69%67%6e ",
    };
    let text = piece.repeat((1 << 20) / piece.len());
    round_trip(bencher, "judged", &text);
}
