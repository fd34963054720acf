//! The doorman's rules for tools, as a client meets them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{Runtime, Scene, Server, Start, records};
use serde_json::{Value, json};

fn received(client: &mut harness::Client) -> Result<Vec<Value>> {
    let told = client.call("received", json!({}))?.puppet()?;
    let lines = told["lines"].as_array().context("lines")?.clone();
    Ok(lines.iter().filter_map(|line| serde_json::from_str(line.as_str()?).ok()).collect())
}

#[test]
fn a_disabled_tool_is_hidden_and_refused() -> Result<()> {
    let scene = Scene::new()?;
    let text = "version: 1\nname: p\nextends: [filesystem]\ntools:\n  write_file: { enabled: false, reason: read only today }\n  \"*directory*\": { enabled: false }\n";
    let policy = scene.policy("p", text)?;
    let server = Server::Filesystem.with(&[&scene.workspace()])?;
    let all = Start::bare(&scene, server.clone()).session()?.tool_names()?;
    let mut client = Start::guarded(&scene, &policy, server).session()?;
    let shown = client.tool_names()?;
    let expected: Vec<String> =
        all.iter().filter(|name| *name != "write_file" && !name.contains("directory")).cloned().collect();
    ensure!(shown == expected && shown.len() < all.len(), "{shown:?}\n{expected:?}");

    let target = scene.workspace().join("new.txt");
    let answer = client.call("write_file", json!({ "path": target, "content": "x" }))?;
    ensure!(answer.is_refusal() && !target.exists(), "{}", answer.0);
    let said = answer.0.to_string();
    ensure!(said.contains("read only today") && said.contains("write_file"), "no reason to act on: {said}");
    let refused = records(&scene.audit())?;
    let refused = refused.iter().any(|record| {
        record.event() == "tool_call" && record.0["tool"] == "write_file" && record.0["verdict"] == "refused"
    });
    ensure!(refused, "the refusal is not in the audit log");
    Ok(())
}

#[test]
fn a_refused_call_never_reaches_the_server() -> Result<()> {
    let scene = Scene::new()?;
    for runtime in Runtime::ALL {
        let policy = scene.policy("p", &runtime.policy("tools:\n  echo: { enabled: false }\n")?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
        ensure!(client.call("echo", json!({ "text": "not for the server" }))?.is_refusal());
        let lines = received(&mut client)?;
        ensure!(
            lines.len() >= 3 && !lines.iter().any(|line| line.to_string().contains("not for the server"))
        );
    }
    Ok(())
}

#[test]
fn calls_beyond_the_rate_are_refused() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    let policy = scene.policy("p", &runtime.policy("tools:\n  echo: { max_requests_per_minute: 5 }\n")?)?;
    let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
    let mut refused = 0;
    for _ in 0..12 {
        refused += u32::from(client.call("echo", json!({ "text": "x" }))?.is_refusal());
    }
    // A bucket of five; one token every twelve seconds may come back meanwhile.
    ensure!((6..=7).contains(&refused), "{refused} of 12 refused");
    ensure!(!client.call("pids", json!({}))?.is_refusal(), "another tool has its own bucket");
    Ok(())
}

#[test]
fn calls_beyond_a_rate_that_throttles_wait() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    let rules =
        "tools:\n  echo: { max_requests_per_minute: 30, on_rate_limit: throttle, timeout_seconds: 2 }\n";
    let policy = scene.policy("p", &runtime.policy(rules)?)?;
    let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
    // Thirty tokens are there at first, and one comes every two seconds.
    let mut longest = Duration::ZERO;
    for _ in 0..60 {
        let begun = Instant::now();
        ensure!(!client.call("echo", json!({ "text": "x" }))?.is_refusal(), "a call that may wait");
        longest = longest.max(begun.elapsed());
        if longest > Duration::from_millis(500) {
            break;
        }
    }
    ensure!(longest > Duration::from_millis(500), "no call has waited: {longest:?}");
    let mut send =
        |text: &str| client.send("tools/call", json!({ "name": "echo", "arguments": { "text": text } }));
    let (waits, too_late) = (send("waits")?, send("too late")?);
    ensure!(client.answer_to(&too_late)?.is_refusal(), "its turn comes after its time");
    ensure!(!client.answer_to(&waits)?.is_refusal(), "its turn comes in time");
    client.finish()?;
    let told: Vec<Value> = records(&scene.audit())?.into_iter().map(|record| record.0).collect();
    let waited = told.iter().filter(|record| record["waited_ms"].as_u64() > Some(200)).count();
    ensure!(waited >= 2, "the log does not say who has waited");
    let refused: Vec<_> = told.iter().filter(|record| record["cause"] == "tool_rate").collect();
    ensure!(refused.len() == 1, "{refused:?}");
    Ok(())
}

#[test]
fn a_call_that_takes_too_long_is_answered_and_cancelled() -> Result<()> {
    let scene = Scene::new()?;
    for runtime in Runtime::ALL {
        let policy = scene.policy("p", &runtime.policy("tools:\n  sleep: { timeout_seconds: 1 }\n")?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
        let begun = Instant::now();
        let answer = client.call("sleep", json!({ "ms": 2500 }))?;
        let took = begun.elapsed();
        ensure!(answer.is_refusal(), "{}", answer.0);
        ensure!(
            took >= Duration::from_millis(950) && took < Duration::from_millis(2200),
            "{runtime:?}: {took:?}"
        );
        // The late answer must not arrive, and the server was told.
        ensure!(client.next(Duration::from_millis(2500))?.is_none(), "the late answer came through");
        let told = received(&mut client)?;
        ensure!(
            told.iter().any(|line| line["method"] == "notifications/cancelled"),
            "{runtime:?}: not cancelled"
        );
        let timed_out = records(&scene.audit())?;
        let timed_out = timed_out.iter().any(|record| record.0["outcome"] == "timed_out");
        ensure!(timed_out, "the timeout is not in the audit log");
    }
    Ok(())
}

#[test]
fn what_is_no_mcp_on_stdout_never_reaches_the_client() -> Result<()> {
    let noise = [
        "plain text",
        "",
        "{\"jsonrpc\":\"2.0\",\"id\":",
        "[1,2,3]",
        "{\"jsonrpc\":\"2.0\",\"id\":777,\"result\":{}}",
        "{\"no\":\"jsonrpc\"}",
        "\u{feff}{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}",
        "\u{1b}[31mred\u{1b}[0m",
    ];
    let scene = Scene::new()?;
    for runtime in Runtime::ALL {
        let policy = scene.policy("p", &runtime.policy("")?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
        let before = client.seen().len();
        ensure!(client.call("noise", json!({ "lines": noise }))?.outcome()? == "ok");
        let came = client.seen()[before..].to_vec();
        ensure!(
            came.len() == 1,
            "{runtime:?}: {:?}",
            came.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>()
        );
    }
    Ok(())
}

#[test]
fn what_the_server_asks_of_the_client_is_refused_by_default() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    for (more, passes) in
        [("", false), ("server_requests: { sampling: allow, elicitation: allow, roots: allow }\n", true)]
    {
        let policy = scene.policy("p", &runtime.policy(more)?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).client()?;
        client.handshake_with("2025-06-18", json!({ "sampling": {}, "elicitation": {}, "roots": {} }))?;
        for method in ["sampling/createMessage", "elicitation/create", "roots/list"] {
            let before = client.seen().len();
            let asked = client.call("ask", json!({ "method": method, "params": {} }))?.puppet()?;
            let came =
                client.seen()[before..].iter().any(|line| String::from_utf8_lossy(line).contains(method));
            ensure!(came == passes, "{method}: reached the client: {came}");
            if !passes {
                // The server is told, so that it does not wait for ever.
                let told = received(&mut client)?;
                let refusal =
                    told.iter().any(|line| line["id"] == asked["id"] && line.get("error").is_some());
                ensure!(refusal, "{method}: the server was not told");
            }
        }
    }
    Ok(())
}
