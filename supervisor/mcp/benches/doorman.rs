//! Figures of the inside: framing and judging, without pipes.
//!
//! `cargo bench -p mcpguard-mcp`. Each figure includes the copy that stands for the `read(2)` of 64 KiB.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use mcp::{Engine, Forward, Frame, Frames, Orders, Surroundings};
use policy::plan::{
    ApprovalsPlan, Ask, ClassId, ContentPlan, OnViolation, Origin, ResponsesPlan, Rule, RuleId, SessionPlan,
    ToolRule, ToolsPlan,
};

fn main() {
    divan::main();
}

const LIMIT: u64 = 32 << 20;

fn engine() -> Engine {
    let rule = |key: &str, class| ToolRule {
        key: key.to_owned(),
        enabled: true,
        scope: None,
        approval: None,
        arguments: Vec::new(),
        unknown_arguments: None,
        schema: policy::plan::SchemaCheck::Known,
        max_requests_per_minute: None,
        throttle: false,
        timeout: Some(Duration::from_secs(30)),
        exclusive: false,
        max_request_bytes: None,
        max_response_bytes: None,
        class: ClassId::new(class).unwrap_or(ClassId::ALWAYS),
        reason: None,
        from: RuleId(0),
    };
    let globs = vec![("search_*".to_owned(), rule("search_*", 1)), ("get_*".to_owned(), rule("get_*", 2))];
    let tools = ToolsPlan { default: rule("defaults", 0), exact: BTreeMap::new(), globs, roles: None };
    let session = SessionPlan {
        max_requests_per_minute: None,
        throttle: false,
        max_message_bytes: LIMIT,
        max_concurrent_calls: 256,
        extra_methods: Vec::new(),
        sampling: false,
        elicitation: false,
        roots: false,
    };
    let origin = Origin { source: "bench.yaml".to_owned(), line: 1, column: 1 };
    let rules = [Rule { text: "tools.defaults".to_owned(), origin, reason: None, ask: Ask::Doorman }];
    let approvals = ApprovalsPlan { timeout: Duration::from_secs(300), command: None, ask_client: false };
    let orders = Orders {
        tools,
        access: policy::plan::AccessPlan::default(),
        approvals,
        session,
        responses: ResponsesPlan::default(),
        content: ContentPlan::default(),
        pins: None,
        on_refusal: OnViolation::Deny,
    };
    Engine::new(orders, &rules, mcp::Caller::default(), &Surroundings::none())
}

fn feed(frames: &mut Frames, bytes: &[u8]) {
    for chunk in bytes.chunks(64 * 1024) {
        frames.space()[..chunk.len()].copy_from_slice(chunk);
        frames.filled(chunk.len());
    }
}

/// One echo call and its answer through both directions of the doorman; facts are made and dropped.
#[divan::bench]
fn echo_round_trip(bencher: Bencher<'_, '_>) {
    let call = br#"{"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello, this is an echo"},"_meta":{"progressToken":17}},"jsonrpc":"2.0","id":17}
"#;
    let answer = br#"{"result":{"content":[{"type":"text","text":"Echo: hello, this is an echo"}]},"jsonrpc":"2.0","id":17}
"#;
    let mut engine = engine();
    let (mut client, mut server) = (Frames::new(LIMIT), Frames::new(LIMIT));
    let now = Instant::now();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        feed(&mut client, call);
        let judgement = client.next().map(|frame| engine.from_client(&frame, now));
        assert!(matches!(judgement, Some(judgement) if judgement.forward == Forward::Unchanged));
        feed(&mut server, answer);
        let judgement = server.next().map(|frame| engine.from_server(&frame, now));
        assert!(matches!(judgement, Some(judgement) if judgement.forward == Forward::Unchanged));
    });
}

/// Framing alone: one line of 200 bytes.
#[divan::bench]
fn frame_200_bytes(bencher: Bencher<'_, '_>) {
    let mut line = br#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"/workspace/src/main.rs","head":100,"tail":null,"options":{"a":[1,2,3],"b":true,"c":"x"}}}}"#.to_vec();
    line.resize(199, b' ');
    line.push(b'\n');
    frames(bencher, &line);
}

/// What server-filesystem answers for a file of 10 MB: the text twice, with an escape at each end of line.
#[divan::bench(sample_count = 20)]
fn text_answer_23_mb(bencher: Bencher<'_, '_>) {
    frames(
        bencher,
        &answer(&"the quick brown fox jumps over the lazy dog, again and again\\n".repeat(182_000)),
    );
}

/// A binary file in base64: no escapes at all.
#[divan::bench(sample_count = 20)]
fn base64_answer_23_mb(bencher: Bencher<'_, '_>) {
    frames(bencher, &answer(&"VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw".repeat(198_000)));
}

/// Text that is not ASCII.
#[divan::bench(sample_count = 20)]
fn chinese_answer_23_mb(bencher: Bencher<'_, '_>) {
    frames(bencher, &answer(&"敏捷的棕色狐狸跳过了懒狗。".repeat(295_000)));
}

/// Many small values: a table of numbers.
#[divan::bench(sample_count = 20)]
fn structured_answer_23_mb(bencher: Bencher<'_, '_>) {
    let row = r#"{"id":123456,"name":"row","ok":true,"values":[1,2.5,-3e7,null]}"#;
    let rows = vec![row; 350_000].join(",");
    let line = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"structuredContent\":{{\"rows\":[{rows}]}}}}}}\n"
    );
    frames(bencher, line.as_bytes());
}

/// The floor: the same bytes through the buffer, where scanning ends at the first byte.
#[divan::bench(sample_count = 20)]
fn no_json_23_mb(bencher: Bencher<'_, '_>) {
    let line = [vec![b'x'; 23_000_000], b"\n".to_vec()].concat();
    let mut frames = Frames::new(LIMIT);
    bencher.counter(BytesCount::new(line.len())).bench_local(|| {
        feed(&mut frames, &line);
        assert!(matches!(frames.next(), Some(Frame::Malformed { .. })));
    });
}

fn answer(text: &str) -> Vec<u8> {
    format!(
        "{{\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\"structuredContent\":{{\"content\":\"{text}\"}}}},\"jsonrpc\":\"2.0\",\"id\":1}}\n"
    )
    .into_bytes()
}

fn frames(bencher: Bencher<'_, '_>, line: &[u8]) {
    let mut frames = Frames::new(LIMIT);
    bencher.counter(BytesCount::new(line.len())).bench_local(|| {
        feed(&mut frames, line);
        assert!(matches!(black_box(frames.next()), Some(Frame::Message(_))));
    });
}
