//! `mcpguard replay`: a recorded session under the same policy, a broken one, a wider one, and none.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{Finished, Runtime, Scene, Server, Start, mcpguard, records, run};
use serde_json::{Value, json};

/// Replays the scene's log; differences, the summary, and the exit status.
fn replay<O: AsRef<OsStr>>(scene: &Scene, policy: &Path, options: &[O]) -> Result<(Vec<Value>, Value, i32)> {
    let told = told(
        scene,
        policy,
        &[&["--json".as_ref()], &options.iter().map(AsRef::as_ref).collect::<Vec<_>>()[..]].concat(),
    )?;
    let mut lines: Vec<Value> = told
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
        .collect::<Result<_>>()?;
    let summary = lines.pop().with_context(|| format!("no summary: {told:?}"))?["summary"].clone();
    Ok((lines, summary, told.status.context("a signal")?))
}

fn told(scene: &Scene, policy: &Path, options: &[&OsStr]) -> Result<Finished> {
    let mut command = Command::new(mcpguard()?);
    command.arg("replay").arg(scene.audit()).arg("--policy").arg(policy).args(options);
    run(command.env("HOME", scene.home()))
}

const FILES: &str = "version: 1\nname: files\nextends: [filesystem]\ntools:\n  \"write_*\": { max_requests_per_minute: 9 }\n  \
    read_text_file: { arguments: { path: { type: path, within: [\"${workspace}\"] } } }\n  move_file: { enabled: false }\n";

/// A session with the real server: calls that go through, one that is refused for an argument, one that is disabled.
fn with_files(scene: &Scene) -> Result<std::path::PathBuf> {
    let policy = scene.policy("files", FILES)?;
    let server = Server::Filesystem.with(&[&scene.workspace()])?;
    let mut client = Start::guarded(scene, &policy, server).session()?;
    client.tool_names()?;
    for number in 0..3 {
        let path = scene.workspace().join(format!("{number}.txt"));
        ensure!(!client.call("write_file", json!({ "path": path, "content": "x" }))?.is_refusal());
    }
    let inside = scene.workspace().join("inside.txt");
    ensure!(!client.call("read_text_file", json!({ "path": inside }))?.is_refusal());
    ensure!(client.call("read_text_file", json!({ "path": scene.ssh_key() }))?.is_refusal());
    let moved = json!({ "source": inside, "destination": scene.workspace().join("y") });
    ensure!(client.call("move_file", moved)?.is_refusal());
    client.finish()?;
    Ok(policy)
}

#[test]
fn a_session_of_a_real_server_changes_nothing_under_its_own_policy() -> Result<()> {
    let scene = Scene::new()?;
    let policy = with_files(&scene)?;
    let before = std::fs::read(scene.audit())?;
    let (differences, summary, status) = replay(&scene, &policy, &["--fail-on", "any"])?;
    ensure!(status == 0 && differences.is_empty(), "{summary:#}\n{differences:#?}");
    ensure!(summary["calls"]["as_before"] == 6 && summary["sessions"] == 1, "{summary:#}");
    ensure!(summary["denials"]["all"] == 1, "one hidden tool: {summary:#}");
    ensure!(std::fs::read(scene.audit())? == before, "the log was written to");
    Ok(())
}

#[test]
fn a_policy_that_is_broken_is_found_before_it_is_used() -> Result<()> {
    let scene = Scene::new()?;
    with_files(&scene)?;
    let inside = scene.workspace().join("notes");
    for (name, text, new, cause, tool, times) in [
        (
            "glob",
            "\"write_*\": { max_requests_per_minute: 9 }",
            "\"*_file\": { enabled: false }",
            "tool_disabled",
            "write_file",
            3,
        ),
        ("scope", "max_requests_per_minute: 9", "require_scope: write", "scope", "write_file", 3),
        ("rate", "max_requests_per_minute: 9", "max_requests_per_minute: 2", "tool_rate", "write_file", 1),
        (
            "path",
            "within: [\"${workspace}\"]",
            "within: [\"${workspace}/notes\"]",
            "argument",
            "read_text_file",
            1,
        ),
    ] {
        ensure!(FILES.contains(text), "{text}");
        let policy = scene.policy(name, &FILES.replace(text, new))?;
        let (differences, summary, status) = replay::<&str>(&scene, &policy, &[])?;
        ensure!(status == 1, "{name}: {summary:#}");
        let found = differences.iter().find(|it| it["cause"] == cause && it["subject"] == tool);
        let found = found.with_context(|| format!("{name}: {differences:#?}"))?;
        ensure!(found["change"] == "narrowed" && found["count"] == times, "{name}: {found:#}");
        let rule = &found["rule"];
        ensure!(
            rule["source"].as_str().is_some_and(|source| source.ends_with(&format!("{name}.yaml"))),
            "{rule:#}"
        );
        ensure!(rule["line"].as_u64().is_some_and(|line| (5..=6).contains(&line)), "{name}: {rule:#}");
        let people = told(&scene, &policy, &[])?;
        let place = format!("{}:{}:{}", policy.display(), rule["line"], rule["column"]);
        ensure!(people.status == Some(1) && people.stdout.contains(&place), "{name}: {people:?}");
    }
    // A scope that its caller holds is none that fails.
    let scope = scene.root().join("scope.yaml");
    let (_, summary, status) = replay(&scene, &scope, &["--scopes", "write"])?;
    ensure!(status == 0, "{summary:#}");
    ensure!(!inside.exists());
    Ok(())
}

#[test]
fn a_wider_policy_is_told_where_that_is_asked_for() -> Result<()> {
    let scene = Scene::new()?;
    with_files(&scene)?;
    let policy = scene.policy("wider", "version: 1\nname: wider\nextends: [filesystem]\n")?;
    ensure!(replay::<&str>(&scene, &policy, &[])?.2 == 0);
    let (differences, summary, status) = replay(&scene, &policy, &["--fail-on", "widened"])?;
    ensure!(status == 1 && summary["calls"]["allowed_now"] == 2, "{summary:#}\n{differences:#?}");
    ensure!(summary["denials"]["allowed_now"] == 1, "the hidden tool is shown: {summary:#}");
    let read = differences.iter().find(|it| it["subject"] == "read_text_file").context("the argument")?;
    ensure!(read["then_cause"] == "argument" && read["now"] == "allowed", "{read:#}");
    Ok(())
}

#[test]
fn what_the_server_was_denied_is_judged_as_well() -> Result<()> {
    let scene = Scene::new()?;
    let text = Runtime::Python.policy("network: { allowed_cidrs: [203.0.113.7], allowed_ports: [9] }\n")?;
    let policy = scene.policy("p", &text)?;
    let mut client = Start::guarded(&scene, &policy, Runtime::Python.puppet()?).session()?;
    client.call("connect", json!({ "host": "127.0.0.1", "port": 9 }))?;
    client.call("ask", json!({ "method": "roots/list", "params": {} }))?;
    client.call("read", json!({ "path": scene.outside().join("secret.txt") }))?;
    client.finish()?;
    let denied: Vec<_> = records(&scene.audit())?.into_iter().filter(|it| it.event() == "denial").collect();
    let network = denied.iter().any(|record| record.0["cause"] == "network");
    ensure!(network && denied.iter().any(|record| record.0["cause"] == "server_request"), "{denied:#?}");

    let (differences, summary, status) = replay(&scene, &policy, &["--fail-on", "any"])?;
    ensure!(status == 0 && differences.is_empty(), "{summary:#}\n{differences:#?}");

    let wider =
        text.replace("[203.0.113.7]", "[203.0.113.7, 127.0.0.1]") + "server_requests: { roots: allow }\n";
    let wider = wider.replace(
        "write: [\"${workspace}\"]",
        &format!("write: [\"${{workspace}}\", \"{}\"]", scene.outside().display()),
    );
    let wider = scene.policy("wider", &wider)?;
    let (differences, summary, status) = replay(&scene, &wider, &["--fail-on", "any"])?;
    ensure!(
        status == 1 && summary["denials"]["allowed_now"].as_u64() >= Some(2),
        "{summary:#}\n{differences:#?}"
    );
    let files = denied.iter().filter(|record| record.0["cause"] == "file");
    let kinds: Vec<&str> = differences.iter().filter_map(|it| it["kind"].as_str()).collect();
    ensure!(kinds.contains(&"network") && kinds.contains(&"message"), "{kinds:?}");
    // Without eBPF hooks nobody tells of denied files.
    ensure!(files.count() == 0 || kinds.contains(&"file"), "{kinds:?}");
    Ok(())
}

#[test]
fn a_policy_with_a_mistake_and_a_log_that_is_none_are_refused() -> Result<()> {
    let scene = Scene::new()?;
    with_files(&scene)?;
    let policy = scene.policy("wrong", "version: 1\nname: wrong\ntools: { x: { enabeld: false } }\n")?;
    let refused = told(&scene, &policy, &[])?;
    ensure!(refused.status == Some(125) && refused.stderr.contains("wrong.yaml:3:"), "{refused:?}");
    let mut command = Command::new(mcpguard()?);
    command.arg("replay").arg(scene.root().join("none.jsonl")).args(["--policy", "filesystem"]);
    let refused = run(&mut command)?;
    ensure!(refused.status == Some(125) && refused.stderr.contains("there is no log at"), "{refused:?}");
    Ok(())
}

#[test]
fn a_log_without_a_record_is_no_success() -> Result<()> {
    let scene = Scene::new()?;
    let empty = scene.root().join("empty.jsonl");
    for (text, why) in [("", "it is empty"), ("{\"v\":1,", "no whole record")] {
        std::fs::write(&empty, text)?;
        let mut command = Command::new(mcpguard()?);
        command.arg("replay").arg(&empty).args(["--policy", "filesystem"]);
        let refused = run(&mut command)?;
        ensure!(refused.status == Some(125) && refused.stderr.contains(why), "{text}: {refused:?}");
    }
    Ok(())
}

#[test]
fn a_log_that_was_tampered_with_is_told_and_is_no_success() -> Result<()> {
    let scene = Scene::new()?;
    let policy = with_files(&scene)?;
    let text = std::fs::read_to_string(scene.audit())?;
    std::fs::write(scene.audit(), text.replace("\"tool\":\"move_file\"", "\"tool\":\"read_file\""))?;
    let (_, summary, status) = replay::<&str>(&scene, &policy, &[])?;
    ensure!(status == 1 && summary["logs"][0]["broken"].is_string(), "{summary:#}");
    ensure!(summary["calls"]["as_before"].as_u64() >= Some(4), "what is before it is judged: {summary:#}");
    let people = told(&scene, &policy, &[])?;
    ensure!(people.status == Some(1) && people.stdout.contains("NOT AS IT WAS WRITTEN"), "{people:?}");
    Ok(())
}
