//! A user's session whose kernel part a real host daemon does: what is denied is told, and the daemon's death changes nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Client, HostDaemon, Record, Scene, User, eventually, records, verify};
use serde_json::{Value, json};

fn send_elsewhere(client: &mut Client) -> Result<Value> {
    Ok(client.call("udp", json!({ "host": "192.0.2.1", "port": 9, "text": "x" }))?.0)
}

/// The denials of datagrams by the kernel's programs in the log.
fn denials(log: &Path) -> Result<Vec<Record>> {
    let is_one = |record: &Record| record.event() == "denial" && record.mentions("192.0.2.1:9");
    Ok(records(log)?.into_iter().filter(is_one).collect())
}

#[test]
fn a_denied_datagram_is_in_the_log_and_in_the_answer() -> Result<()> {
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let scene = Scene::new()?;
    let mut client = daemon.session(&scene, User::ADA, "sends")?;
    // The puppet works on one call after another, so that all are in flight when the datagram is denied.
    client.send("tools/call", json!({ "name": "sleep", "arguments": { "ms": 300 } }))?;
    let datagram = json!({ "host": "192.0.2.1", "port": 9, "text": "x" });
    let sends = client.send("tools/call", json!({ "name": "udp", "arguments": datagram }))?;
    let fails = client.send("tools/call", json!({ "name": "fail", "arguments": { "text": "why?" } }))?;
    ensure!(client.answer_to(&sends)?.outcome()? == "EPERM", "it is sent");
    let answer = client.answer_to(&fails)?;
    ensure!(
        answer.is_refusal() && answer.0.to_string().contains("192.0.2.1:9"),
        "no word of why: {answer:?}"
    );
    client.finish()?;
    let told = denials(&scene.audit())?;
    let calls = told.first().context("it is not in the log")?.0["calls"].to_string();
    ensure!(told.len() == 1 && calls.contains("udp") && calls.contains("fail"), "{told:?}");
    ensure!(told[0].0["layer"] == "ebpf", "{told:?}");
    ensure!(verify(&scene.audit())?.status == Some(0), "the log is not as it was written");
    Ok(())
}

/// Whether an operation of that kind is in the log.
fn operated(log: &Path, operation: &str) -> bool {
    let found = records(log).unwrap_or_default();
    found.iter().any(|it| it.event() == "operation" && it.0["operation"] == operation)
}

/// Groups beneath `mcpguard` in every hierarchy, and pinned files, that carry this name.
fn left(name: &str) -> Result<Vec<String>> {
    let places = ["/sys/fs/cgroup", "/sys/fs/bpf"];
    let mut command = std::process::Command::new("find");
    let found = harness::run(command.args(places).args(["-maxdepth", "5", "-name", &format!("{name}*")]))?;
    Ok(found.stdout.lines().map(str::to_owned).collect())
}

/// `<pid>-<start time>`, as the session's control group is called.
fn group_of(pid: u32) -> Result<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no name")?;
    Ok(format!("{pid}-{}", fields.split(' ').nth(19).context("no start time")?))
}

#[test]
fn a_session_outlives_the_daemon_and_leaves_nothing_when_it_ends() -> Result<()> {
    let Some(mut daemon) = HostDaemon::start()? else { return Ok(()) };
    let scene = Scene::new()?;
    let mut client = daemon.session(&scene, User::ADA, "outlives")?;
    let group = group_of(client.pid())?;
    ensure!(!left(&group)?.is_empty(), "the session has no control group");
    let session =
        daemon.listed(User::ROOT)?[0]["host_session"].as_str().context("not the daemon's")?.to_owned();
    daemon.kill()?;
    let answer = send_elsewhere(&mut client)?;
    ensure!(answer.to_string().contains("EPERM"), "without the daemon it is sent: {answer}");
    ensure!(
        eventually(Duration::from_secs(10), || operated(&scene.audit(), "stop")),
        "its end is not in the log"
    );
    daemon.begin()?;
    ensure!(eventually(Duration::from_secs(20), || operated(&scene.audit(), "start")), "it is not resumed");
    let row = daemon.listed(User::ROOT)?.swap_remove(0);
    ensure!(row["host_session"] == session.as_str() && row["state"] == "running", "{row}");
    let answer = send_elsewhere(&mut client)?;
    ensure!(answer.to_string().contains("EPERM"), "with the next daemon it is sent: {answer}");
    ensure!(client.call("descriptors", json!({}))?.puppet()?["ok"] == true, "it does not go on");
    client.finish()?;
    let told = denials(&scene.audit())?;
    ensure!(told.iter().filter_map(|it| it.0["count"].as_u64()).sum::<u64>() >= 1, "{told:?}");
    let all = records(&scene.audit())?;
    let last = all.last().context("no records")?;
    ensure!(last.event() == "session_end" && last.0["reason"] == "client_gone", "{last:?}");
    let nothing = eventually(Duration::from_secs(10), || {
        left(&group).is_ok_and(|left| left.is_empty())
            && daemon.listed(User::ROOT).is_ok_and(|all| all.is_empty())
    });
    ensure!(nothing, "left: {:?}", left(&group)?);
    Ok(())
}

/// A session is there when a canary was seen to be denied in it, so that two of them show that there were canaries.
#[test]
fn sessions_are_proved_when_what_forks_the_canaries_has_ended() -> Result<()> {
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let zygote = daemon.zygote().context("nothing forks canaries")?;
    let killed = harness::run(std::process::Command::new("kill").args(["-KILL", &zygote.to_string()]))?;
    ensure!(killed.status == Some(0), "{killed:?}");
    for (who, name) in [(User::ADA, "first"), (User::BOB, "second")] {
        let scene = Scene::new()?;
        let mut client = daemon.session(&scene, who, name)?;
        ensure!(send_elsewhere(&mut client)?.to_string().contains("EPERM"), "{name}: it is sent");
        client.finish()?;
    }
    let another = daemon.zygote().context("there is no other one")?;
    ensure!(another != zygote, "it lives");
    Ok(())
}
