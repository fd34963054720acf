//! Operators, users and a real host daemon: who sees, ends and stops what, and what holds when the daemon does not answer.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{Client, HostDaemon, Scene, User, alive, children_of, eventually, note};
use serde_json::{Value, json};

/// `mcpguard events --json` of root's, read line by line.
struct Events {
    child: Child,
    lines: Receiver<Value>,
}

impl Events {
    fn follow(daemon: &HostDaemon, words: &[&str]) -> Result<Self> {
        let words = [&["events", "--json"][..], words].concat();
        let mut child = daemon.command(User::ROOT, &words)?.stdout(Stdio::piped()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap_or_default());
            }
        });
        Ok(Self { child, lines })
    }

    /// The next event of this topic.
    fn next(&self, topic: &str) -> Result<Value> {
        loop {
            let event =
                self.lines.recv_timeout(Duration::from_secs(20)).with_context(|| format!("no {topic}"))?;
            if event["topic"] == topic {
                return Ok(event);
            }
        }
    }

    /// Ctrl-C.
    fn interrupt(mut self) -> Result<Option<i32>> {
        let pid = self.child.id().to_string();
        harness::run(std::process::Command::new("kill").args(["-INT", &pid]))?;
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_elsewhere(client: &mut Client) -> Result<String> {
    client.call("udp", json!({ "host": "192.0.2.1", "port": 9, "text": "x" }))?.outcome()
}

fn gone(client: &mut Client) -> bool {
    eventually(Duration::from_secs(10), || client.wait(Duration::from_millis(5)).is_ok())
}

#[test]
fn operators_see_and_end_every_session_and_users_their_own() -> Result<()> {
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let (adas, bobs) = (Scene::new()?, Scene::new()?);
    let mut ada = daemon.session(&adas, User::ADA, "adas")?;
    let mut bob = daemon.session(&bobs, User::BOB, "bobs")?;
    ensure!(send_elsewhere(&mut ada)? == "EPERM", "it is not denied");
    let operator = User::operator()?;
    let policies = |who| -> Result<Vec<Value>> {
        Ok(daemon.listed(who)?.into_iter().map(|row| row["policy"].clone()).collect())
    };
    ensure!(
        policies(User::ADA)? == [json!("adas")] && policies(User::BOB)? == [json!("bobs")],
        "not their own"
    );
    for who in [User::ROOT, operator] {
        ensure!(policies(who)? == [json!("adas"), json!("bobs")], "{who:?}: {:?}", policies(who)?);
        let row = daemon.listed(who)?.swap_remove(0);
        // Python itself is denied a few things while it starts.
        ensure!(row["calls"] == 1 && row["denials"].as_u64() >= Some(1), "{row}");
        ensure!(row["uid"] == User::ADA.uid, "{row}");
        ensure!(row["pid"] == ada.pid() && row["memory_bytes"].as_u64() > Some(1 << 20), "{row}");
        let once = daemon.ask(who, &["top", "--once", "--json", "--interval", "0.2"])?;
        let sample: Value = serde_json::from_str(&once.stdout).with_context(|| format!("{once:?}"))?;
        let rows = sample["sessions"].as_array().context("no sessions")?;
        ensure!(
            rows.iter().filter(|row| row["policy"] == "adas" && row["calls"].is_u64()).count() == 1,
            "{sample}"
        );
    }
    let strange = ada.pid().to_string();
    for deed in ["kill", "freeze"] {
        let refused = daemon.ask(User::BOB, &[deed, &strange])?;
        ensure!(refused.status == Some(125) && alive(ada.pid()), "{refused:?}");
    }
    for words in [&["status"][..], &["quarantine", "--all"], &["reload"], &["events"]] {
        let refused = daemon.ask(User::BOB, words)?;
        ensure!(refused.status == Some(125) && refused.stderr.contains("takes an operator"), "{refused:?}");
    }
    let ended = daemon.ask(operator, &["kill", "adas"])?;
    ensure!(
        ended.status == Some(0) && ended.stdout.contains("(adas)") && ended.stderr.is_empty(),
        "{ended:?}"
    );
    ensure!(gone(&mut ada) && alive(bob.pid()), "not the one that was meant");
    let ended = daemon.ask(User::BOB, &["kill", "--all"])?;
    ensure!(
        ended.status == Some(0) && ended.stdout.contains("1 session ended") && gone(&mut bob),
        "{ended:?}"
    );
    ensure!(daemon.listed(User::ROOT)?.is_empty(), "sessions that have ended are listed");
    Ok(())
}

#[test]
fn what_happens_is_followed_over_a_restart_of_the_daemon() -> Result<()> {
    let Some(mut daemon) = HostDaemon::start()? else { return Ok(()) };
    let scene = Scene::new()?;
    let events = Events::follow(&daemon, &["--name", "followed"])?;
    let of_another = Events::follow(&daemon, &["--name", "another"])?;
    std::thread::sleep(Duration::from_millis(500));
    let mut client = daemon.session(&scene, User::ADA, "followed")?;
    let opened = events.next("opened")?;
    ensure!((&opened["uid"], &opened["name"]) == (&json!(User::ADA.uid), &json!("followed")), "{opened}");
    let session = opened["session"].as_str().context("no session")?.to_owned();
    let denials = Events::follow(&daemon, &["--denial", "send", "--session", &session])?;
    std::thread::sleep(Duration::from_millis(500));
    for events in [&events, &denials] {
        ensure!(send_elsewhere(&mut client)? == "EPERM", "it is not denied");
        let denied = events.next("denied")?;
        ensure!(denied["event"]["kind"] == "send" && denied["session"] == session.as_str(), "{denied}");
        ensure!(denied["event"]["peer"]["address"] == "192.0.2.1:9", "{denied}");
    }
    daemon.kill()?;
    daemon.begin()?;
    let told = eventually(Duration::from_secs(15), || {
        daemon.ask(User::ROOT, &["freeze", "followed"]).is_ok_and(|done| done.status == Some(0))
            && daemon.ask(User::ROOT, &["thaw", "followed"]).is_ok_and(|done| done.status == Some(0))
            && events.lines.try_iter().any(|event| event["topic"] == "frozen")
    });
    ensure!(told, "it is not followed any more");
    client.finish()?;
    events.next("ended")?;
    ensure!(of_another.lines.try_iter().next().is_none(), "another session's events were told");
    ensure!(events.interrupt()? == Some(0), "Ctrl-C is an error");
    Ok(())
}

#[test]
fn what_an_operator_froze_its_user_cannot_thaw() -> Result<()> {
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let scene = Scene::new()?;
    let mut client = daemon.session(&scene, User::ADA, "frozen")?;
    let pid = client.pid().to_string();
    let done = |who, deed: &str| daemon.ask(who, &[deed, &pid]);
    ensure!(
        done(User::ADA, "freeze")?.status == Some(0) && done(User::ADA, "thaw")?.status == Some(0),
        "her own"
    );
    ensure!(done(User::operator()?, "freeze")?.stdout.starts_with("frozen: "), "not frozen");
    ensure!(daemon.listed(User::ADA)?[0]["state"] == "frozen", "not listed as frozen");
    let id = client.send("tools/call", json!({ "name": "descriptors", "arguments": {} }))?;
    ensure!(client.next(Duration::from_millis(500))?.is_none(), "it answers although it is frozen");
    let refused = done(User::ADA, "thaw")?;
    ensure!(refused.status == Some(1) && refused.stdout.contains("takes an operator"), "{refused:?}");
    ensure!(done(User::ROOT, "thaw")?.stdout.starts_with("thawed: "), "not thawed");
    ensure!(client.answer_to(&id)?.puppet()?["ok"] == true, "it does not go on");
    client.finish()?;
    Ok(())
}

#[test]
fn a_policy_in_quarantine_is_not_started_until_it_is_released() -> Result<()> {
    let Some(daemon) = HostDaemon::start()? else { return Ok(()) };
    let (scene, other) = (Scene::new()?, Scene::new()?);
    let mut client = daemon.session(&scene, User::ADA, "apart")?;
    let told = daemon.ask(User::ROOT, &["quarantine", "apart"])?;
    ensure!(told.status == Some(0) && told.stdout.starts_with("quarantined: "), "{told:?}");
    let row = daemon.listed(User::ROOT)?.swap_remove(0);
    ensure!(row["state"] == "frozen" && scene.audit().exists(), "no evidence: {row}");
    let revision = row["revision"].as_str().context("no revision")?.to_owned();
    ensure!(told.stdout.contains(&format!("mcpguard release {revision}")), "{told:?}");
    let refused = daemon.session(&other, User::BOB, "apart").err().context("it is started")?;
    ensure!(format!("{refused:#}").contains("quarantine"), "{refused:#}");
    ensure!(
        daemon.ask(User::ROOT, &["kill", "apart"])?.status == Some(0) && gone(&mut client),
        "it is not ended"
    );
    let wrong = daemon.ask(User::ROOT, &["release", "00"])?;
    ensure!(wrong.status == Some(125) && wrong.stderr.contains("`00`"), "{wrong:?}");
    ensure!(daemon.ask(User::ROOT, &["release", &revision])?.status == Some(0), "not released");
    daemon.session(&other, User::BOB, "apart")?.finish()?;
    let reloaded = daemon.ask(User::ROOT, &["reload"])?;
    ensure!(reloaded.status == Some(0) && reloaded.stdout.contains("0 sessions follow them"), "{reloaded:?}");
    Ok(())
}

/// A daemon that is stopped, and one that is dead: root's kill switch works within seconds, though no card can be found.
#[test]
fn everything_can_be_ended_without_the_daemon() -> Result<()> {
    let Some(mut daemon) = HostDaemon::start()? else { return Ok(()) };
    let scenes = [Scene::new()?, Scene::new()?];
    for how in ["stopped", "dead"] {
        let mut ada = daemon.session(&scenes[0], User::ADA, "first")?;
        let mut bob = daemon.session(&scenes[1], User::BOB, "second")?;
        let servers = [children_of(ada.pid()), children_of(bob.pid())].concat();
        if how == "stopped" {
            daemon.signal("STOP")?
        } else {
            daemon.kill()?
        }
        ensure!(daemon.listed(User::ROOT)?.len() == 2, "{how}: root does not see them");
        let begun = Instant::now();
        // Not `--all`: what else runs on this machine is nobody's to end here. It is the same but for whom is meant.
        let pids = [ada.pid(), bob.pid()].map(|pid| pid.to_string());
        let mut kill = daemon.command(User::ROOT, &["kill", &pids[0], &pids[1]])?;
        let killer = std::thread::spawn(move || harness::run(&mut kill));
        let dead = eventually(Duration::from_secs(3), || servers.iter().all(|server| !alive(*server)));
        let servers_took = begun.elapsed();
        ensure!(dead, "{how}: a server lives after {servers_took:?}");
        let ended = killer.join().map_err(|_| anyhow::anyhow!("no answer"))??;
        let took = begun.elapsed();
        note(&format!(
            "with a {how} daemon the servers were ended in {} ms, mcpguard in {} ms",
            servers_took.as_millis(),
            took.as_millis()
        ));
        ensure!(ended.status == Some(0) && ended.stdout.contains("2 sessions ended"), "{how}: {ended:?}");
        ensure!(ended.stderr.contains("the host daemon does not answer"), "{how}: {ended:?}");
        ensure!(gone(&mut ada) && gone(&mut bob), "{how}: a session lives");
        ensure!(took < Duration::from_secs(12), "{how}: {took:?}");
        if how == "stopped" { daemon.signal("CONT")? } else { daemon.begin()? }
    }
    Ok(())
}
