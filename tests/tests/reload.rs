//! `mcpguard reload SESSION`: a policy that is edited while its session runs.
//!
//! The doorman follows it in every session; addresses, where programs of root's judge them (this process's, or the host
//! daemon's). Files are tried in virtual machines (`daemon/reload`), where there are programs on the security hooks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{
    Client, Finished, HostDaemon, Record, Runtime, Scene, Start, User, eventually, mcpguard, records, run,
    skip, verify,
};
use serde_json::{Value, json};

/// Two addresses that nobody has; a datagram is either denied, or lost on its way.
const ONE: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

fn network(address: &str) -> String {
    format!("network: {{ allowed_cidrs: [{address}/32], allowed_ports: [9] }}\n")
}

fn text(name: &str, more: &str) -> Result<String> {
    Ok(Runtime::Python.policy(more)?.replace("name: puppet", &format!("name: {name}")))
}

/// A session of this very user, and its policy's file.
fn session(scene: &Scene, name: &str, more: &str) -> Result<(Client, PathBuf)> {
    let policy = scene.policy(name, &text(name, more)?)?;
    let start = Start::guarded(scene, &policy, Runtime::Python.puppet()?).option("--allow-degraded");
    Ok((start.session()?, policy))
}

/// Edits the policy, and has the session read it.
fn edit(policy: &Path, name: &str, more: &str) -> Result<Value> {
    std::fs::write(policy, text(name, more)?)?;
    reloaded(&reload(name)?)
}

fn reload(name: &str) -> Result<Finished> {
    run(Command::new(mcpguard()?).args(["reload", "--json", name]))
}

/// What the one session said.
fn reloaded(told: &Finished) -> Result<Value> {
    serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))
}

fn refusals(reply: &Value) -> String {
    reply["refused"].to_string()
}

/// Whether a datagram to this address is denied by the guard.
fn is_denied(client: &mut Client, tool: &str, address: &str) -> Result<bool> {
    let arguments = json!({ "host": address, "port": 9, "text": "x" });
    let outcome = client.call(tool, arguments)?.outcome()?;
    Ok(outcome == "EPERM")
}

/// The last record of the kind.
fn last(log: &Path, event: &str) -> Result<Record> {
    records(log)?.into_iter().rfind(|it| it.event() == event).with_context(|| format!("no {event}"))
}

#[test]
fn the_doorman_follows_and_every_record_names_its_policy() -> Result<()> {
    let scene = Scene::new()?;
    let (mut client, policy) = session(&scene, "follows", "tools: { echo: {}, sleep: {}, pids: {} }\n")?;
    client.call("echo", json!({ "text": "x" }))?.puppet()?;
    let running = client.send("tools/call", json!({ "name": "sleep", "arguments": { "ms": 800 } }))?;
    let reply = edit(
        &policy,
        "follows",
        "tools: { pids: {}, sleep: {}, echo: { enabled: false, reason: retired } }\n",
    )?;
    ensure!(reply["refused"] == json!([]) && reply["before"] != reply["revision"], "{reply}");
    // What is in flight ends as it would have.
    ensure!(client.answer_to(&running)?.puppet()?["ok"] == true, "the call in flight was lost");
    let refused = client.call("echo", json!({ "text": "x" }))?;
    ensure!(refused.is_refusal() && refused.text()?.contains("retired"), "{refused:?}");
    ensure!(client.call("pids", json!({}))?.puppet()?["ok"] == true, "what stays allowed is refused");
    let told = run(Command::new(mcpguard()?).args(["ps", "--json"]))?;
    let revision = reply["revision"].as_str().context("no revision")?;
    ensure!(told.stdout.contains(revision), "`ps` names the old policy: {told:?}");
    // The same policy once more is no change.
    let again = reloaded(&reload("follows")?)?;
    ensure!(again["refused"] == json!([]) && again["before"] == again["revision"], "{again}");
    client.finish()?;
    let all = records(&scene.audit())?;
    let changed = all.iter().position(|it| it.event() == "policy_changed").context("no record of it")?;
    ensure!(
        all[changed].0["before"] == reply["before"] && all[changed].0["policy"]["revision"] == revision,
        "{all:?}"
    );
    let names = |record: &Record| record.0["revision"].as_str().unwrap_or_default().to_owned();
    let (old, new) = (&reply["before"].as_str().unwrap_or_default()[..12], &revision[..12]);
    ensure!(all[..changed].iter().all(|it| names(it) == old), "{all:?}");
    ensure!(all[changed..].iter().all(|it| names(it) == new), "{all:?}");
    ensure!(verify(&scene.audit())?.status == Some(0), "the log is not as it was written");
    Ok(())
}

/// Records hold no personal data from the moment on at which the policy keeps it from somebody, and hold it before.
#[test]
fn what_is_cut_out_of_records_follows() -> Result<()> {
    let scene = Scene::new()?;
    let (mut client, policy) = session(&scene, "records", "tools: { echo: {} }\n")?;
    let mut say = |text: &str| client.call("echo", json!({ "text": text }))?.puppet();
    say("first jane.doe@example.org")?;
    let more = "tools: { echo: {} }\ncontent: { answers: { personal_data: redact } }\n";
    let reply = edit(&policy, "records", more)?;
    ensure!(reply["refused"] == json!([]), "{reply}");
    say("second jane.doe@example.org")?;
    client.finish()?;
    let all = records(&scene.audit())?;
    let call = |word: &str| {
        let told = all.iter().map(|it| it.0.to_string());
        told.into_iter().find(|told| told.contains(word)).context("no record of the call")
    };
    ensure!(call("first")?.contains("jane.doe"), "{all:?}");
    ensure!(!call("second")?.contains("jane.doe"), "{all:?}");
    Ok(())
}

#[test]
fn a_policy_that_cannot_be_followed_changes_nothing() -> Result<()> {
    let scene = Scene::new()?;
    let (mut client, policy) = session(&scene, "stays", "tools: { echo: {} }\n")?;
    let closed = "tools: { echo: { enabled: false } }\n";
    for (more, why) in [
        ("tools: { echo: { enabled: maybe } }\n", "stays.yaml"),
        ("stricter", "execution.seccomp"),
        ("environment: { set: { NEW: x } }\n", "`NEW` is what it was"),
        ("audit: { arguments: none }\n", "audit: it is what it was"),
        ("session: { max_message_bytes: 1MiB }\n", "session.max_message_bytes: it is what it was"),
    ] {
        let tools = if more.contains("tools") { "" } else { closed };
        // The policy has the section already.
        let stricter = more == "stricter";
        let whole = text("stays", &format!("{}{tools}", if stricter { "" } else { more }))?;
        let whole =
            if stricter { whole.replace("execution:\n", "execution:\n  seccomp: strict\n") } else { whole };
        std::fs::write(&policy, whole)?;
        let reply = reloaded(&reload("stays")?)?;
        ensure!(reply["refused"] != json!([]) && refusals(&reply).contains(why), "{more}: {reply}");
        ensure!(reply["before"] == reply["revision"], "{more}: {reply}");
        ensure!(!client.call("echo", json!({ "text": "x" }))?.is_refusal(), "{more}: it was followed");
    }
    let told = reload("stays")?;
    ensure!(told.status == Some(1), "{told:?}");
    std::fs::remove_file(&policy)?;
    ensure!(refusals(&reloaded(&reload("stays")?)?).contains("stays"), "a policy that is gone");
    client.finish()?;
    ensure!(
        records(&scene.audit())?.iter().all(|it| it.event() != "policy_changed"),
        "something is on record"
    );
    Ok(())
}

/// Landlock grants what it granted, and no more: the one is a refusal where nobody else could deny it, the other is told.
#[test]
fn what_landlock_has_granted_or_closed_is_told() -> Result<()> {
    let scene = Scene::new()?;
    let (mut client, policy) = session(&scene, "sealed", "")?;
    let open = scene.outside();
    let file = open.join("file");
    std::fs::write(&file, "outside")?;
    let whole = text("sealed", "")?;
    let wider = whole.replace("  write: [", &format!("  write: [\"{}\", ", open.display()));
    ensure!(wider != whole, "{whole}");
    std::fs::write(&policy, &wider)?;
    let reply = reloaded(&reload("sealed")?)?;
    ensure!(reply["later"].to_string().contains(&open.display().to_string()), "{reply}");
    let read = client.call("read", json!({ "path": file }))?.outcome()?;
    ensure!(read == "EACCES", "Landlock was opened: {read}");
    client.finish()?;
    let record = last(&scene.audit(), "policy_changed")?;
    ensure!(record.0["later"].to_string().contains("Landlock"), "{record:?}");
    Ok(())
}

/// The addresses that root's own programs judge.
#[test]
fn the_kernels_rules_follow_for_root() -> Result<()> {
    let scene = Scene::new()?;
    let (mut client, policy) = session(&scene, "own", &network(ONE))?;
    if !is_denied(&mut client, "udp", OTHER)? || is_denied(&mut client, "udp", ONE)? {
        skip("eBPF programs on the network, which judge addresses while a session runs");
        return Ok(());
    }
    follows(&mut client, &policy, "own", &mut |more| edit(&policy, "own", more))?;
    client.finish()?;
    ensure!(verify(&scene.audit())?.status == Some(0), "the log is not as it was written");
    let denied = last(&scene.audit(), "denial")?;
    ensure!(denied.mentions(&format!("{ONE}:9")), "{denied:?}");
    Ok(())
}

/// One address for the other, and back; then for the calls of one tool.
fn follows(
    client: &mut Client,
    policy: &Path,
    name: &str,
    edit: &mut dyn FnMut(&str) -> Result<Value>,
) -> Result<()> {
    for (more, open, closed) in [(OTHER, OTHER, ONE), (ONE, ONE, OTHER), (OTHER, OTHER, ONE)] {
        let reply = edit(&network(more))?;
        ensure!(reply["refused"] == json!([]) && reply["later"] == json!([]), "{reply}");
        ensure!(!is_denied(client, "udp", open)?, "{open} stays closed");
        ensure!(is_denied(client, "udp", closed)?, "{closed} stays open");
    }
    std::fs::write(policy, text(name, "tools: { echo: { nonsense: 1 } }\n")?)?;
    ensure!(
        is_denied(client, "udp", ONE)? && !is_denied(client, "udp", OTHER)?,
        "an edit alone changes something"
    );
    Ok(())
}

#[test]
fn a_session_of_the_host_daemon_follows_and_outlives_the_daemon_under_its_new_policy() -> Result<()> {
    let Some(mut daemon) = HostDaemon::start()? else { return Ok(()) };
    let scene = Scene::new()?;
    let mut client = daemon.session(&scene, User::ADA, "hosted")?;
    let policy = scene.policy("hosted", &text("hosted", &network("127.0.0.1"))?)?;
    let edit = |daemon: &HostDaemon, more: &str| -> Result<Value> {
        std::fs::write(&policy, text("hosted", more)?)?;
        // Its card lies in the user's own state directory.
        let mut asks = daemon.command(User::ADA, &["reload", "--json", "hosted"])?;
        reloaded(&run(asks.env("HOME", scene.home()).env("XDG_STATE_HOME", scene.root().join("state")))?)
    };
    ensure!(
        is_denied(&mut client, "udp", ONE)? && is_denied(&mut client, "udp", OTHER)?,
        "open from the start"
    );
    follows(&mut client, &policy, "hosted", &mut |more| edit(&daemon, more))?;
    // A daemon that is gone: nothing changes, and its user is told.
    daemon.kill()?;
    let reply = edit(&daemon, &network(ONE))?;
    ensure!(refusals(&reply).contains("host daemon"), "{reply}");
    ensure!(is_denied(&mut client, "udp", ONE)? && !is_denied(&mut client, "udp", OTHER)?, "it was followed");
    daemon.begin()?;
    ensure!(
        is_denied(&mut client, "udp", ONE)? && !is_denied(&mut client, "udp", OTHER)?,
        "another policy holds"
    );
    let back =
        || daemon.listed(User::ROOT).is_ok_and(|all| all.iter().any(|it| !it["host_session"].is_null()));
    ensure!(eventually(Duration::from_secs(10), back), "the session is not resumed");
    let reply = edit(&daemon, &network(ONE))?;
    ensure!(reply["refused"] == json!([]), "{reply}");
    ensure!(
        !is_denied(&mut client, "udp", ONE)? && is_denied(&mut client, "udp", OTHER)?,
        "the old policy holds"
    );
    let revision = reply["revision"].as_str().context("no revision")?;
    ensure!(
        daemon.listed(User::ROOT)?.iter().any(|it| it["revision"] == revision),
        "`ps` names another policy"
    );
    client.finish()?;
    ensure!(verify(&scene.audit())?.status == Some(0), "the log is not as it was written");
    Ok(())
}

/// The one policy has the address, the other one the port: while they take each other's place again and again, no datagram
/// finds both.
#[test]
fn at_no_instant_parts_of_both_policies_hold() -> Result<()> {
    const ROUNDS: usize = 30;
    let scene = Scene::new()?;
    let (one, other) = (network(ONE).replace("[9]", "[10]"), network(OTHER));
    let (mut client, policy) = session(&scene, "mixed", &network(ONE))?;
    if !is_denied(&mut client, "udp", OTHER)? || is_denied(&mut client, "udp", ONE)? {
        skip("eBPF programs on the network, which judge addresses while a session runs");
        return Ok(());
    }
    edit(&policy, "mixed", &one)?;
    ensure!(is_denied(&mut client, "udp", ONE)?, "the port is open still");
    let mut sent = [0, 0];
    for round in 0..ROUNDS {
        let flood = json!({ "host": ONE, "port": 9, "ms": 150 });
        let running = client.send("tools/call", json!({ "name": "udp_often", "arguments": flood }))?;
        let reply = edit(&policy, "mixed", if round % 2 == 0 { &other } else { &one })?;
        ensure!(reply["refused"] == json!([]), "{reply}");
        let came = client.answer_to(&running)?.puppet()?["came"].clone();
        let all = came.as_object().context("no counts")?;
        ensure!(all.keys().all(|what| what == "EPERM"), "neither policy grants {ONE}:9: {came}");
        sent[round % 2] += all.values().filter_map(Value::as_u64).sum::<u64>();
    }
    ensure!(sent.iter().all(|sent| *sent > 1000), "too few attempts: {sent:?}");
    harness::note(&format!("datagrams while the policy changed {ROUNDS} times, all denied: {sent:?}"));
    client.finish()?;
    Ok(())
}

/// What a call may spend is what the policy of its time says; budgets that stay the same go on.
#[test]
fn budgets_of_calls_follow() -> Result<()> {
    let scene = Scene::new()?;
    let with = |bytes: u32, more: &str| {
        format!("{}tools: {{ udp_often: {{ max_sent_bytes_per_call: {bytes}B }}{more} }}\n", network(ONE))
    };
    let (mut client, policy) = session(&scene, "spends", &with(290, ""))?;
    if !is_denied(&mut client, "udp", OTHER)? || is_denied(&mut client, "udp", ONE)? {
        skip("eBPF programs on the network, which judge addresses while a session runs");
        return Ok(());
    }
    let sent = |client: &mut Client| -> Result<u64> {
        let flood = json!({ "host": ONE, "port": 9, "ms": 20 });
        let came = client.call("udp_often", flood)?.puppet()?["came"].clone();
        ensure!(came["EPERM"].as_u64() > Some(0), "nothing was denied: {came}");
        Ok(came["sent"].as_u64().unwrap_or(0))
    };
    // A datagram of one byte is 29 with its headers (RFC 791, RFC 768).
    ensure!((sent(&mut client)?, sent(&mut client)?) == (10, 10), "before");
    for (bytes, more, times) in [(580, "", 20), (580, ", echo: {}", 20), (290, "", 10), (29, "", 1)] {
        let reply = edit(&policy, "spends", &with(bytes, more))?;
        ensure!(reply["refused"] == json!([]), "{reply}");
        for _ in 0..2 {
            let sent = sent(&mut client)?;
            ensure!(sent == times, "{bytes} bytes a call let {sent} datagrams out");
        }
    }
    client.finish()?;
    Ok(())
}

/// A daemon that is killed at any moment of a change: the session goes on under one of the two policies, and says which.
#[test]
fn a_daemon_that_dies_in_a_change_leaves_one_policy_or_the_other() -> Result<()> {
    const ROUNDS: u32 = 12;
    let Some(mut daemon) = HostDaemon::start()? else { return Ok(()) };
    let scene = Scene::new()?;
    let mut client = daemon.session(&scene, User::ADA, "dies")?;
    let policy = scene.policy("dies", &text("dies", &network("127.0.0.1"))?)?;
    let asks = || -> Result<Command> {
        let mut asks = daemon.command(User::ADA, &["reload", "--json", "dies"])?;
        asks.env("HOME", scene.home()).env("XDG_STATE_HOME", scene.root().join("state"));
        Ok(asks)
    };
    std::fs::write(&policy, text("dies", &network(ONE))?)?;
    let begun = Instant::now();
    ensure!(reloaded(&run(&mut asks()?)?)?["refused"] == json!([]), "not even the first change");
    let takes = begun.elapsed();
    let (mut holds, mut followed) = (ONE, 0);
    for round in 0..ROUNDS {
        let other = if holds == ONE { OTHER } else { ONE };
        std::fs::write(&policy, text("dies", &network(other))?)?;
        let mut asks = daemon.command(User::ADA, &["reload", "--json", "dies"])?;
        asks.env("HOME", scene.home()).env("XDG_STATE_HOME", scene.root().join("state"));
        let asking = std::thread::spawn(move || run(&mut asks));
        // Before it, in all of its parts, and after it.
        std::thread::sleep(takes * round * 3 / (2 * ROUNDS));
        daemon.kill()?;
        daemon.begin()?;
        let told = asking.join().map_err(|_| anyhow::anyhow!("a panic"))??;
        let reply = reloaded(&told)?;
        if reply["refused"] == json!([]) {
            (holds, followed) = (other, followed + 1);
        }
        let closed = if holds == ONE { OTHER } else { ONE };
        ensure!(!is_denied(&mut client, "udp", holds)?, "round {round}: {holds} is closed: {reply}");
        ensure!(is_denied(&mut client, "udp", closed)?, "round {round}: {closed} is open: {reply}");
        let back =
            || daemon.listed(User::ROOT).is_ok_and(|all| all.iter().any(|it| !it["host_session"].is_null()));
        ensure!(eventually(Duration::from_secs(10), back), "the session is not resumed");
        let told = daemon.listed(User::ROOT)?;
        ensure!(told.iter().any(|it| it["revision"] == reply["revision"]), "{told:?} after {reply}");
    }
    harness::note(&format!("of {ROUNDS} changes in which the daemon died {followed} were followed"));
    client.finish()?;
    ensure!(verify(&scene.audit())?.status == Some(0), "the log is not as it was written");
    Ok(())
}
