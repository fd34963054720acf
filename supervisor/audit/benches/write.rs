//! The price of one record on the path of a tool call: cleaning, sealing, and the system calls.

use std::sync::Arc;

use audit::{Body, Detail, Log, LogConfig, Redactor, Revision, SessionId, ToolCall, Verdict};
use serde_json::json;

fn main() {
    divan::main();
}

fn redactor(secrets: usize) -> Arc<Redactor> {
    Arc::new(Redactor::new((0..secrets).map(|n| (format!("TOKEN_{n}"), format!("ghp_{n:036}")))))
}

fn call(arguments: serde_json::Value) -> Body {
    Body::ToolCall(ToolCall {
        call: 7,
        request_id: "7".to_owned(),
        tool: "get_file_contents".to_owned(),
        argument_bytes: arguments.to_string().len() as u64,
        arguments: Some(arguments),
        caller: None,
        verdict: Verdict::Allowed,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
        waited_ms: 0,
        classes: vec![0, 3],
    })
}

fn small() -> serde_json::Value {
    json!({"owner": "rust-lang", "repo": "rust", "path": "library/core/src/lib.rs", "ref": "master"})
}

/// One whole write, with this many secrets.
#[divan::bench(args = [0, 1, 8])]
fn write(bencher: divan::Bencher, secrets: usize) {
    let room = tempfile::tempdir().expect("a temporary directory");
    let mut log = log(&room, secrets);
    let body = call(small());
    bencher.bench_local(|| log.write(body.clone()).expect("room on the disk"));
}

/// The same with 4 KiB of text in the arguments.
#[divan::bench(args = [1, 8])]
fn write_4_kib(bencher: divan::Bencher, secrets: usize) {
    let room = tempfile::tempdir().expect("a temporary directory");
    let mut log = log(&room, secrets);
    let body = call(json!({"content": "let answer = 42;\n".repeat(240)}));
    bencher.bench_local(|| log.write(body.clone()).expect("room on the disk"));
}

/// Arguments from the wire to the record.
#[divan::bench(args = [0, 1, 8])]
fn arguments(bencher: divan::Bencher, secrets: usize) {
    let redactor = redactor(secrets);
    let text = small().to_string();
    bencher.bench_local(|| redactor.json(divan::black_box(&text), Detail::Redacted));
}

/// The largest arguments that pass the doorman by default.
#[divan::bench(sample_count = 10)]
fn arguments_of_32_mib(bencher: divan::Bencher) {
    let redactor = redactor(4);
    let text = json!({"content": "x".repeat(32 << 20)}).to_string();
    bencher.bench_local(|| redactor.json(divan::black_box(&text), Detail::Redacted));
}

fn log(room: &tempfile::TempDir, secrets: usize) -> Log {
    Log::open(LogConfig {
        path: room.path().join("log.jsonl"),
        max_bytes: 1 << 30,
        keep: 1,
        session: SessionId::generate().expect("random numbers"),
        revision: Revision::of(&"ab".repeat(32)),
        redactor: redactor(secrets),
    })
    .expect("a log")
}
