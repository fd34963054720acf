//! Messages with more than one reading are refused with a JSON-RPC error, and nothing of them is forwarded.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Client, Runtime, Scene, Start};
use serde_json::{Value, json};

/// A word that stands in every bad message: the server must never see it.
const MARK: &str = "smuggled";

fn bad_messages() -> Vec<(&'static str, Vec<u8>)> {
    let call = |inner: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":901,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{inner}"}}}}}}"#
        )
    };
    let plain = call(MARK);
    let mut invalid_utf8 = plain.clone().into_bytes();
    invalid_utf8.splice(60..60, [0xC3, 0x28]);
    let mut nul = plain.clone().into_bytes();
    nul.push(0);
    let nested = format!(
        r#"{{"jsonrpc":"2.0","id":902,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{MARK}","x":{}{}}}}}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    vec![
        ("duplicate method", plain.replace(r#""method":"#, r#""method":"ping","method":"#).into_bytes()),
        ("duplicate name", plain.replace(r#""name":"#, r#""name":"pids","name":"#).into_bytes()),
        ("duplicate by escape", plain.replace(r#""name":"#, r#""n\u0061me":"pids","name":"#).into_bytes()),
        ("batch", format!("[{plain}]").into_bytes()),
        ("invalid UTF-8", invalid_utf8),
        ("NUL", nul),
        ("BOM", format!("\u{feff}{plain}").into_bytes()),
        ("nesting", nested.into_bytes()),
        ("two values", format!("{plain}{plain}").into_bytes()),
        ("cut", plain.as_bytes()[..plain.len() - 1].to_vec()),
        ("null id", plain.replace("901", "null").into_bytes()),
        ("fractional id", plain.replace("901", "1.5").into_bytes()),
        ("object id", plain.replace("901", "{}").into_bytes()),
        ("no version", plain.replace(r#""jsonrpc":"2.0","#, "").into_bytes()),
        ("wrong version", plain.replace(r#""2.0""#, r#""1.0""#).into_bytes()),
        ("case of keys", plain.replace(r#""method""#, r#""Method""#).into_bytes()),
        ("half a surrogate pair in a key", plain.replace(r#""text":"#, r#""te\ud800xt":"#).into_bytes()),
        ("oversize", call(&format!("{MARK}{}", "x".repeat(3 << 20))).into_bytes()),
    ]
}

fn saw_mark(client: &mut Client) -> Result<bool> {
    let told = client.call("received", json!({}))?.puppet()?;
    Ok(told["lines"].as_array().context("lines")?.iter().any(|line| line.to_string().contains(MARK)))
}

fn start(scene: &Scene, runtime: Runtime) -> Result<Client> {
    let policy = scene.policy("p", &runtime.policy("session: { max_message_bytes: 2MiB }\n")?)?;
    Start::guarded(scene, &policy, runtime.puppet()?).session()
}

#[test]
fn messages_with_two_readings_are_refused() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = start(&scene, Runtime::Python)?;
    let mut wrong = Vec::new();
    for (name, message) in bad_messages() {
        client.line(&message)?;
        let answer = client.next(Duration::from_secs(5))?;
        let refused = answer.as_ref().is_some_and(|answer| answer["error"]["code"].is_i64());
        if !refused {
            wrong.push(format!("{name}: answered with {}", answer.unwrap_or(Value::Null)));
        }
        if saw_mark(&mut client)? {
            wrong.push(format!("{name}: reached the server"));
            client = start(&scene, Runtime::Python)?;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The pipe is still in step.
    ensure!(client.call("echo", json!({ "text": "good" }))?.outcome()? == "ok");
    Ok(())
}

#[test]
fn odd_but_sound_messages_arrive_unchanged() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = start(&scene, Runtime::Python)?;
    let lines = [
        r#"{ "id" : "a-string", "params":{"arguments":{"text":"\u00e9\u0000 \ud83d\ude00"},"name":"echo","_meta":{"x":1e3}}, "method":"tools/call","jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":"echo","arguments":{"text":"zero"}}}"#,
    ];
    for line in lines {
        client.line(line.as_bytes())?;
        let answer = client.next(Duration::from_secs(5))?.context("no answer")?;
        ensure!(answer.get("result").is_some(), "{line}: {answer}");
    }
    let told = client.call("received", json!({}))?.puppet()?;
    for line in lines {
        ensure!(
            told["lines"].as_array().context("lines")?.iter().any(|seen| seen == line),
            "changed on its way: {line}"
        );
    }
    Ok(())
}

#[test]
fn frames_in_pieces_are_put_together() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = start(&scene, Runtime::Node)?;
    let line = json!({ "jsonrpc": "2.0", "id": "p", "method": "tools/call", "params": { "name": "echo", "arguments": { "text": "in pieces" } } });
    for piece in format!("{line}\n").as_bytes().chunks(7) {
        client.write(piece)?;
        std::thread::sleep(Duration::from_millis(2));
    }
    ensure!(client.answer_to(&json!("p"))?.puppet()?["text"] == "in pieces");
    Ok(())
}

#[test]
fn ten_megabytes_pass_whole() -> Result<()> {
    let scene = Scene::new()?;
    for runtime in Runtime::ALL {
        let policy = scene.policy("big", &runtime.policy("")?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
        let told = client.call("big", json!({ "bytes": 10 << 20 }))?.puppet()?;
        ensure!(told["text"].as_str().is_some_and(|text| text.len() == 10 << 20));
        let text = "y".repeat(4 << 20);
        ensure!(client.call("echo", json!({ "text": text }))?.puppet()?["text"] == text.as_str());
    }
    Ok(())
}
