//! What a call's arguments must be, and what a structured answer must be: the doorman's checks with real servers.

use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};
use harness::{Answer, Client, Runtime, Scene, Server, Start, mcpguard, records, run};
use serde_json::json;

/// The records of refused calls: tool, cause, and whether the rule's text stands in it.
fn refusals(scene: &Scene) -> Result<Vec<(String, String)>> {
    let all = records(&scene.audit())?;
    let refused =
        all.iter().filter(|record| record.event() == "tool_call" && record.0["verdict"] == "refused");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Ok(refused.map(|record| (text(&record.0["cause"]), text(&record.0["rule"]["text"]))).collect())
}

#[test]
fn a_path_is_where_it_leads() -> Result<()> {
    let scene = Scene::new()?;
    let work = scene.workspace();
    std::fs::create_dir_all(work.join("docs"))?;
    std::fs::write(work.join("docs/open.txt"), "open")?;
    std::fs::write(work.join("plans.txt"), "secret plans")?;
    symlink("../plans.txt", work.join("docs/link.txt"))?;
    let attacks = [
        work.join("plans.txt").to_string_lossy().into_owned(),
        work.join("docs/../plans.txt").to_string_lossy().into_owned(),
        work.join("docs/link.txt").to_string_lossy().into_owned(),
        work.join("docs/./link.txt").to_string_lossy().into_owned(),
    ];
    let read = |client: &mut Client, path: &str| -> Result<Answer> {
        client.call("read_text_file", json!({ "path": path }))
    };
    let server = Server::Filesystem.with(&[&work])?;

    let without = scene.policy("without", "version: 1\nname: p\nextends: [filesystem]\n")?;
    let mut client = Start::guarded(&scene, &without, server.clone()).session()?;
    for path in &attacks {
        ensure!(
            read(&mut client, path)?.0.to_string().contains("secret plans"),
            "the attack does not work: {path}"
        );
    }
    client.finish()?;

    let text = "version: 1\nname: p\nextends: [filesystem]\ntools:\n  \"read_*\": { arguments: { path: { type: path, within: [\"${workspace}/docs\"], reason: documents only } } }\n";
    let policy = scene.policy("p", text)?;
    let mut client = Start::guarded(&scene, &policy, server).session()?;
    let open = work.join("docs/open.txt").to_string_lossy().into_owned();
    ensure!(read(&mut client, &open)?.text()? == "open");
    for path in &attacks {
        let answer = read(&mut client, path)?;
        ensure!(
            answer.is_refusal() && !answer.0.to_string().contains("secret plans"),
            "{path}: {}",
            answer.0
        );
        ensure!(answer.text()?.contains("argument `path` is refused"), "{path}: {}", answer.0);
    }
    client.finish()?;
    let told = refusals(&scene)?;
    ensure!(told.len() == attacks.len(), "{told:?}");
    ensure!(
        told.iter().all(|(cause, rule)| cause == "argument" && rule.contains("arguments.path: path")),
        "{told:?}"
    );
    Ok(())
}

#[test]
fn a_call_must_fit_the_schema_that_the_server_tells() -> Result<()> {
    let scene = Scene::new()?;
    let policy = scene.policy("p", "version: 1\nname: p\nextends: [filesystem]\ntools: { read_text_file: { validate_arguments: true } }\n")?;
    let server = Server::Filesystem.with(&[&scene.workspace()])?;
    let mut client = Start::guarded(&scene, &policy, server).session()?;
    let file = scene.workspace().join("a.txt");
    std::fs::write(&file, "a")?;
    let early = client.call("read_text_file", json!({ "path": file }))?;
    ensure!(early.is_refusal() && early.text()?.contains("tools/list"), "{}", early.0);
    client.tool_names()?;
    ensure!(client.call("read_text_file", json!({ "path": file }))?.text()? == "a");
    let wrong = client.call("read_text_file", json!({ "path": file, "head": "ten" }))?;
    ensure!(wrong.is_refusal() && wrong.text()?.contains("/head"), "{}", wrong.0);
    // Nothing is written for this tool: what the server has told is checked all the same.
    let wrong = client.call("list_directory", json!({ "path": ["a"] }))?;
    ensure!(wrong.is_refusal() && wrong.text()?.contains("own schema"), "{}", wrong.0);
    client.finish()?;
    ensure!(refusals(&scene)?.iter().all(|(cause, _)| cause == "argument"));
    Ok(())
}

#[test]
fn a_structured_answer_must_fit_what_the_tool_declares() -> Result<()> {
    let scene = Scene::new()?;
    let script = scene.root().join("liar.py");
    std::fs::write(&script, LIAR)?;
    let text = Runtime::Python.policy("responses: { validate_output_schema: true }\n")?;
    let text = text.replace("read: [", &format!("read: [\"{}\", ", script.display()));
    let policy = scene.policy("p", &text)?;
    let server = || vec!["/usr/bin/python3".into(), script.clone().into()];
    let lies = |client: &mut Client| -> Result<Answer> {
        client.tool_names()?;
        client.call("weather", json!({ "lie": true }))
    };
    let mut bare = Start::bare(&scene, server()).session()?;
    ensure!(lies(&mut bare)?.0.to_string().contains("boiling"), "the attack does not work");
    bare.finish()?;

    let mut client = Start::guarded(&scene, &policy, server()).session()?;
    let answer = lies(&mut client)?;
    ensure!(answer.is_refusal() && !answer.0.to_string().contains("boiling"), "{}", answer.0);
    ensure!(client.call("weather", json!({ "lie": false }))?.0.to_string().contains("21"));
    client.finish()?;
    let all = records(&scene.audit())?;
    let ended =
        all.iter().find(|record| record.event() == "tool_result").context("no record of the answer")?;
    ensure!(ended.0["outcome"] == "refused" && ended.0["cause"] == "output_schema", "{}", ended.0);
    Ok(())
}

/// A server whose answers are not what it declares.
const LIAR: &str = r#"
import json, sys
SCHEMA = {"type": "object", "properties": {"degrees": {"type": "number"}}, "required": ["degrees"]}
TOOL = {"name": "weather", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {}
    if message["method"] == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "liar", "version": "1"}}
    if message["method"] == "tools/list":
        result = {"tools": [TOOL]}
    if message["method"] == "tools/call":
        degrees = "boiling" if message["params"]["arguments"]["lie"] else 21
        result = {"content": [], "structuredContent": {"degrees": degrees}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

#[test]
fn bad_rules_of_arguments_are_told_with_their_place() -> Result<()> {
    let scene = Scene::new()?;
    let cases = [
        ("{ type: path }", "needs `within`"),
        ("{ type: pattern, pattern: \"a)|(b\" }", "not a regular expression"),
        ("{ type: pattern, pattern: \"(?x)a # b\" }", "not a regular expression"),
        ("{ type: text, max_length: 5, within: [/] }", "does not belong"),
        ("{ type: paths, within: [/] }", "path"),
    ];
    for (rule, told) in cases {
        let policy =
            scene.policy("p", &format!("version: 1\ntools: {{ t: {{ arguments: {{ a: {rule} }} }} }}\n"))?;
        let checked = run(std::process::Command::new(mcpguard()?).arg("check").arg(policy))?;
        let said = format!("{}{}", checked.stdout, checked.stderr);
        ensure!(checked.status == Some(125) && said.contains(told) && said.contains(":2:"), "{rule}: {said}");
    }
    Ok(())
}
