//! Each preset: the real server starts under it and answers `tools/list` with exactly the tools that the preset
//! leaves; where it works offline, a real call succeeds and a forbidden one fails.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Client, Scene, Server, Start, eventually, records, run};
use serde_json::json;

/// Starts the server under its preset and compares the tools with those of the bare server.
fn under_preset(scene: &Scene, server: Server, arguments: &[&Path], hidden: &[&str]) -> Result<Client> {
    let command = server.with(arguments)?;
    let all = bare(scene, command.clone())?;
    let mut client = Start::guarded(scene, server.preset(), command).session()?;
    let expected: Vec<&String> = all.iter().filter(|name| !hidden.contains(&name.as_str())).collect();
    let shown = client.tool_names()?;
    ensure!(!shown.is_empty() && shown.iter().eq(expected), "{server:?} shows {shown:?} of {all:?}");
    Ok(client)
}

fn bare(scene: &Scene, command: Vec<OsString>) -> Result<Vec<String>> {
    Start::bare(scene, command).session()?.tool_names()
}

/// The session ends by itself, with status 0, and without an open question in the log.
fn ends_well(scene: &Scene, mut client: Client) -> Result<()> {
    ensure!(client.finish()?.code() == Some(0), "{}", client.stderr());
    ensure!(records(&scene.audit())?.last().is_some_and(|record| record.event() == "session_end"));
    Ok(())
}

/// Whether anybody connects within half a second.
fn is_reached(listener: &TcpListener) -> Result<bool> {
    listener.set_nonblocking(true)?;
    Ok(eventually(Duration::from_millis(500), || match listener.accept() {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }))
}

#[test]
fn filesystem() -> Result<()> {
    let scene = Scene::new()?;
    // The server itself may serve both; the preset grants one.
    let (workspace, outside) = (scene.workspace(), scene.outside());
    let mut client = under_preset(&scene, Server::Filesystem, &[&workspace, &outside], &[])?;
    let inside = client.call("read_text_file", json!({ "path": workspace.join("inside.txt") }))?;
    ensure!(inside.text()?.contains("inside"));
    let target = workspace.join("new.txt");
    ensure!(!client.call("write_file", json!({ "path": target, "content": "new" }))?.is_refusal());
    let edits = json!([{ "oldText": "new", "newText": "newer" }]);
    ensure!(!client.call("edit_file", json!({ "path": target, "edits": edits }))?.is_refusal());
    ensure!(std::fs::read_to_string(&target)? == "newer", "a file is replaced by renaming");

    let secret = client.call("read_text_file", json!({ "path": outside.join("secret.txt") }))?;
    ensure!(secret.is_refusal(), "{}", secret.0);
    let new = client.call("write_file", json!({ "path": outside.join("new.txt"), "content": "x" }))?;
    ensure!(new.is_refusal() && !outside.join("new.txt").exists(), "{}", new.0);
    ends_well(&scene, client)
}

#[test]
fn everything() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = under_preset(&scene, Server::Everything, &[], &["gzip-file-as-resource"])?;
    ensure!(client.call("get-sum", json!({ "a": 2, "b": 40 }))?.text()?.contains("42"));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/x", listener.local_addr()?);
    let fetched = client.call("gzip-file-as-resource", json!({ "name": "x", "data": url }))?;
    ensure!(fetched.is_refusal() && !is_reached(&listener)?, "{}", fetched.0);
    ends_well(&scene, client)
}

#[test]
fn memory() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = under_preset(&scene, Server::Memory, &[], &[])?;
    let entities = json!([{ "name": "guard", "entityType": "tool", "observations": ["stands at the door"] }]);
    ensure!(!client.call("create_entities", json!({ "entities": entities }))?.is_refusal());
    ensure!(client.call("read_graph", json!({}))?.text()?.contains("stands at the door"));
    ensure!(std::fs::read_to_string(scene.workspace().join("memory.jsonl"))?.contains("stands at the door"));
    ends_well(&scene, client)?;

    // The same server told to keep its file elsewhere.
    let elsewhere = scene.outside().join("memory.jsonl");
    let text = format!(
        "version: 1\nname: m\nextends: [memory]\nenvironment:\n  set: {{ MEMORY_FILE_PATH: \"{}\" }}\n",
        elsewhere.display()
    );
    let policy = scene.policy("m", &text)?;
    let mut client = Start::guarded(&scene, policy, Server::Memory.command()?).session()?;
    ensure!(
        client.call("create_entities", json!({ "entities": entities }))?.is_refusal() && !elsewhere.exists()
    );
    Ok(())
}

#[test]
fn sequential_thinking() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = under_preset(&scene, Server::SequentialThinking, &[], &[])?;
    let thought = json!({ "thought": "who guards the guard", "nextThoughtNeeded": false, "thoughtNumber": 1, "totalThoughts": 1 });
    ensure!(client.call("sequentialthinking", thought)?.text()?.contains("thoughtNumber"));
    ends_well(&scene, client)
}

#[test]
fn time() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = under_preset(&scene, Server::Time, &[], &[])?;
    ensure!(client.call("get_current_time", json!({ "timezone": "Asia/Tokyo" }))?.text()?.contains("Tokyo"));
    ends_well(&scene, client)
}

fn git(directory: &Path, words: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-C"]).arg(directory).args(words);
    let finished = run(command.env("GIT_CONFIG_GLOBAL", "/dev/null"))?;
    ensure!(finished.status == Some(0), "{words:?}: {finished:?}");
    Ok(())
}

fn repository(directory: &Path) -> Result<()> {
    git(directory, &["init", "--quiet"])?;
    git(directory, &["commit", "--quiet", "--allow-empty", "-m", "first of the scene"])
}

#[test]
fn git_preset() -> Result<()> {
    let scene = Scene::new()?;
    let (workspace, outside) = (scene.workspace(), scene.outside());
    repository(&workspace)?;
    repository(&outside)?;
    let identity = "[user]\n  name = t\n  email = t@example.org\n";
    std::fs::write(scene.home().join(".gitconfig"), identity)?;
    let mut client = under_preset(&scene, Server::Git, &[], &[])?;
    let log = client.call("git_log", json!({ "repo_path": workspace }))?;
    ensure!(log.text()?.contains("first of the scene"), "{}", log.0);
    ensure!(!client.call("git_status", json!({ "repo_path": workspace }))?.is_refusal());
    ensure!(
        !client.call("git_add", json!({ "repo_path": workspace, "files": ["inside.txt"] }))?.is_refusal()
    );
    let committed = client.call("git_commit", json!({ "repo_path": workspace, "message": "second" }))?;
    ensure!(!committed.is_refusal(), "{}", committed.0);
    let log = client.call("git_log", json!({ "repo_path": outside }))?;
    ensure!(!log.0.to_string().contains("first of the scene"), "read a repository outside: {}", log.0);
    ends_well(&scene, client)
}

/// A hook that a repository names is a program that nobody allowed.
#[test]
fn git_runs_no_hooks() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for guarded in [false, true] {
        let scene = Scene::new()?;
        let workspace = scene.workspace();
        repository(&workspace)?;
        std::fs::write(scene.home().join(".gitconfig"), "[user]\n  name = t\n  email = t@example.org\n")?;
        let (hook, proof) = (workspace.join(".git/hooks/post-commit"), workspace.join("hook-ran"));
        std::fs::write(&hook, format!("#!/bin/sh\ntouch '{}'\n", proof.display()))?;
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755))?;
        let command = Server::Git.command()?;
        let start =
            if guarded { Start::guarded(&scene, "git", command) } else { Start::bare(&scene, command) };
        let mut client = start.session()?;
        client.call("git_add", json!({ "repo_path": workspace, "files": ["inside.txt"] }))?;
        client.call("git_commit", json!({ "repo_path": workspace, "message": "second" }))?;
        ensure!(proof.exists() != guarded, "guarded: {guarded}, the hook ran: {}", proof.exists());
    }
    Ok(())
}

/// Domain and address rules need somebody who decides about addresses. Where nobody can, nothing starts, unless degraded,
/// and the rules are named.
fn fully_or_degraded<'a>(
    scene: &'a Scene,
    server: Server,
    command: Vec<OsString>,
    rule: &str,
) -> Result<Start<'a>> {
    let start = || -> Result<Start<'a>> {
        Ok(Start::guarded(scene, server.preset(), command.clone())
            .variable("GITHUB_PERSONAL_ACCESS_TOKEN", "ghp_of_the_scene_0123456789"))
    };
    if addresses_are_decided()? {
        return start();
    }
    let finished = run(&mut start()?.command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains(rule), "{finished:?}");
    Ok(start()?.option("--allow-degraded"))
}

#[test]
fn github() -> Result<()> {
    let scene = Scene::new()?;
    let start = fully_or_degraded(&scene, Server::Github, Server::Github.command()?, "api.github.com")?;
    let mut client = start.session()?;
    let names = client.tool_names()?;
    ensure!(names.iter().any(|name| name == "get_file_contents"), "{names:?}");
    ensure!(!names.iter().any(|name| name.starts_with("delete_")), "{names:?}");
    let told = records(&scene.audit())?;
    let degraded = told.iter().any(|record| record.event() == "degraded");
    let decided = addresses_are_decided()?;
    ensure!(degraded != decided, "degraded: {degraded}, although addresses are decided: {decided}");
    ensure!(client.stderr().contains("api.github.com") != decided, "{}", client.stderr());
    ensure!(!std::fs::read_to_string(scene.audit())?.contains("ghp_of_the_scene"), "the token is in the log");
    ends_well(&scene, client)
}

#[test]
fn fetch() -> Result<()> {
    let scene = Scene::new()?;
    // The server's own refusal of private addresses is switched off: the guard's is what is tested.
    let mut command = Server::Fetch.command()?;
    command.extend(["--allow-private-ips".into(), "--ignore-robots-txt".into()]);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = json!({ "url": format!("http://{}/", listener.local_addr()?) });

    let mut client = Start::bare(&scene, command.clone()).session()?;
    client.send("tools/call", json!({ "name": "fetch", "arguments": url }))?;
    ensure!(is_reached(&listener)?, "the bare server does not reach the listener: the test proves nothing");
    drop(client);

    // Where nobody decides about addresses the floor is that no port but 80 and 443 is reached.
    let start = fully_or_degraded(&scene, Server::Fetch, command, "allowed_cidrs")?;
    let mut client = start.session()?;
    ensure!(client.tool_names()?.contains(&"fetch".to_owned()));
    let fetched = client.call("fetch", url)?;
    ensure!(fetched.is_refusal() && !is_reached(&listener)?, "{}", fetched.0);
    ends_well(&scene, client)
}

/// By eBPF programs, or by the supervisor.
fn addresses_are_decided() -> Result<bool> {
    Ok((works("ebpf-network")? && works("control-group")?) || works("supervised-network")?)
}

/// Whether `mcpguard doctor` has seen this mechanism work.
fn works(mechanism: &str) -> Result<bool> {
    let told = Command::new(harness::mcpguard()?).args(["doctor", "--json"]).output()?;
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&told.stdout)?;
    let finding = findings.iter().find(|finding| finding["mechanism"] == mechanism);
    finding
        .and_then(|finding| finding["works"].as_bool())
        .with_context(|| format!("doctor knows no {mechanism}"))
}

#[test]
fn the_built_in_policy_reads_the_workspace_and_says_so() -> Result<()> {
    let scene = Scene::new()?;
    let workspace = scene.workspace();
    let mut client = Start::built_in(&scene, Server::Filesystem.with(&[&workspace])?).session()?;
    let read = client.call("read_text_file", json!({ "path": workspace.join("inside.txt") }))?;
    ensure!(read.text()?.contains("inside"), "{}", read.0);
    let target = workspace.join("new.txt");
    let written = client.call("write_file", json!({ "path": target, "content": "x" }))?;
    ensure!(written.is_refusal() && !target.exists(), "{}", written.0);
    let said = client.stderr();
    ensure!(said.contains("--policy"), "{said}");
    said.lines().next().context("nothing on stderr").map(drop)
}
