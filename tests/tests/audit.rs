//! The audit log: every call is there, nothing can be changed unseen, and without a log there is no session.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Client, Runtime, Scene, Start, mcpguard, records, run, skip, verify};
use serde_json::json;

fn session(scene: &Scene) -> Result<()> {
    let runtime = Runtime::Python;
    let policy = scene.policy("p", &runtime.policy("tools:\n  fail: { enabled: false }\n")?)?;
    let mut client = Start::guarded(scene, &policy, runtime.puppet()?).session()?;
    for number in 0..5 {
        client.call("echo", json!({ "text": format!("call {number}") }))?;
    }
    client.call("fail", json!({ "text": "refused" }))?;
    ensure!(client.finish()?.code() == Some(0));
    Ok(())
}

#[test]
fn a_session_is_told_from_start_to_end() -> Result<()> {
    let scene = Scene::new()?;
    session(&scene)?;
    let told = records(&scene.audit())?;
    let events: Vec<&str> = told.iter().map(|record| record.event()).collect();
    ensure!(events.first() == Some(&"session_start") && events.last() == Some(&"session_end"), "{events:?}");
    ensure!(events.iter().filter(|event| **event == "tool_call").count() == 6, "{events:?}");
    ensure!(events.iter().filter(|event| **event == "tool_result").count() >= 5, "{events:?}");
    let result = told.iter().find(|record| record.event() == "tool_result").context("no result")?;
    ensure!(result.0["duration_us"].is_u64() && result.0["request_bytes"].as_u64() > Some(0), "{}", result.0);
    let policy = told[0].0["policy"]["revision"].as_str().context("no policy")?;
    for (index, record) in told.iter().enumerate() {
        ensure!(record.0["seq"] == index + 1, "a gap: {}", record.0);
        ensure!(policy.len() == 64 && record.0["revision"] == policy[..12], "of no policy: {}", record.0);
        let time = record.0["time"].as_str().unwrap_or("");
        ensure!(time.len() == 27 && time.ends_with('Z'), "UTC with microseconds: {time}");
    }
    ensure!(verify(&scene.audit())?.status == Some(0));
    use std::os::unix::fs::PermissionsExt;
    ensure!(fs::metadata(scene.audit())?.permissions().mode() & 0o077 == 0, "others may read the log");
    Ok(())
}

#[test]
fn log_show_prints_one_line_a_record() -> Result<()> {
    let scene = Scene::new()?;
    session(&scene)?;
    let finished = run(Command::new(mcpguard()?).args(["log", "show"]).arg(scene.audit()))?;
    ensure!(finished.status == Some(0) && finished.stdout.lines().count() >= records(&scene.audit())?.len());
    ensure!(finished.stdout.contains("echo") && finished.stdout.contains("refused"), "{}", finished.stdout);
    let told = records(&scene.audit())?;
    let policy = told[0].0["policy"]["revision"].as_str().context("no policy")?;
    for (revision, lines) in [(&policy[..4], told.len()), (policy, told.len()), ("none", 0)] {
        let mut show = Command::new(mcpguard()?);
        let shown = run(show.args(["log", "show", "--json", "--revision", revision]).arg(scene.audit()))?;
        ensure!(shown.status == Some(0) && shown.stdout.lines().count() == lines, "{revision}: {shown:?}");
    }
    Ok(())
}

#[test]
fn every_change_is_found() -> Result<()> {
    let scene = Scene::new()?;
    session(&scene)?;
    let sound = fs::read_to_string(scene.audit())?;
    let lines: Vec<&str> = sound.split_inclusive('\n').collect();
    let without = |index: usize| {
        lines.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, line)| *line).collect()
    };
    let swapped = [&lines[..2], &[lines[3], lines[2]], &lines[4..]].concat().concat();
    let forged: Vec<(&str, String)> = vec![
        ("a changed word", sound.replacen("call 2", "call 7", 1)),
        ("a removed line", without(3)),
        ("a removed first line", without(0)),
        ("two swapped lines", swapped),
        ("a doubled line", format!("{}{}{}", lines[..3].concat(), lines[2], lines[3..].concat())),
        (
            "a foreign line",
            format!("{}{{\"event\":\"tool_call\"}}\n{}", lines[..3].concat(), lines[3..].concat()),
        ),
    ];
    let file = scene.root().join("forged.jsonl");
    for (how, text) in forged {
        ensure!(text != sound, "{how}: nothing was changed");
        fs::write(&file, text)?;
        let finished = verify(&file)?;
        ensure!(finished.status == Some(1), "{how} was not found: {finished:?}");
    }
    fs::write(&file, &sound[..sound.len() - 10])?;
    let finished = verify(&file)?;
    ensure!(finished.status == Some(0), "a line that a crash cut is no forgery: {finished:?}");
    Ok(())
}

#[test]
fn without_a_log_nothing_starts() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    let policy = scene.policy("p", &runtime.policy("")?)?;
    fs::write(scene.root().join("file"), "")?;
    // A path beneath a file, a directory, and a device that is always full.
    for place in [scene.root().join("file/audit.jsonl"), scene.home(), "/dev/full".into()] {
        let mark = scene.workspace().join("started");
        let server = vec!["/usr/bin/touch".into(), mark.clone().into()];
        let start = Start::guarded(&scene, &policy, server).audit(&place);
        let finished = run(&mut start.command()?)?;
        ensure!(finished.status == Some(125) && !mark.exists(), "{}: {finished:?}", place.display());
    }
    Ok(())
}

/// A session whose log lies on a disk of 48 KiB, in a mount namespace of its own; `None` where none can be made.
fn on_a_small_disk(scene: &Scene, policy: &Path, runtime: Runtime) -> Result<Option<Client>> {
    let disk = scene.root().join("disk");
    fs::create_dir_all(&disk)?;
    if run(Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]))?.status != Some(0)
    {
        return Ok(None);
    }
    let argv = Start::guarded(scene, policy, runtime.puppet()?).audit(&disk.join("audit.jsonl")).argv()?;
    let mut line: Vec<std::ffi::OsString> =
        ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c"]
            .map(Into::into)
            .to_vec();
    line.push("mount -t tmpfs -o size=48k,mode=0700 small \"$0\" && exec \"$@\"".into());
    line.push(disk.into());
    line.extend(argv);
    Start::bare(scene, line).session().map(Some)
}

/// An alert goes out although its record cannot be written.
const TOLD: &str = "alerts: { packs: [baseline], to: { stderr: true } }\n";
const DROPPED: &str = "mcpguard: alert: [critical] dropped-records: once";

#[test]
fn a_full_disk_stops_the_session() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    let policy = scene.policy("p", &runtime.policy(TOLD)?)?;
    let Some(mut client) = on_a_small_disk(&scene, &policy, runtime)? else {
        skip("user and mount namespaces for a small disk");
        return Ok(());
    };
    let mut answered = 0;
    for _ in 0..2000 {
        match client.call("echo", json!({ "text": "x".repeat(200) })) {
            Ok(answer) if !answer.is_refusal() => answered += 1,
            _ => break,
        }
    }
    ensure!((1..500).contains(&answered), "{answered} calls with a log of 48 KiB");
    let status = client.wait(Duration::from_secs(15))?;
    ensure!(status.code() == Some(125), "{status}: {}", client.stderr());
    ensure!(client.stderr().contains("audit"), "nothing is said: {}", client.stderr());
    ensure!(client.stderr().contains(DROPPED), "nobody is told: {}", client.stderr());
    Ok(())
}

#[test]
fn a_full_disk_may_be_survived_if_the_policy_says_so() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    let policy =
        scene.policy("p", &runtime.policy(&format!("audit: {{ on_failure: continue }}\n{TOLD}"))?)?;
    let Some(mut client) = on_a_small_disk(&scene, &policy, runtime)? else {
        skip("user and mount namespaces for a small disk");
        return Ok(());
    };
    for _ in 0..500 {
        ensure!(!client.call("echo", json!({ "text": "x".repeat(200) }))?.is_refusal());
    }
    ensure!(client.finish()?.code() == Some(0));
    ensure!(client.stderr().contains("audit"), "the loss is not said: {}", client.stderr());
    ensure!(client.stderr().contains(DROPPED), "nobody is told: {}", client.stderr());
    Ok(())
}
