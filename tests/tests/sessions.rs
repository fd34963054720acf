//! `mcpguard ps`, `kill`, `freeze` and `thaw`: what runs is listed, and ends or stands still when an operator says so.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{
    Client, Finished, Runtime, Scene, Start, alive, eventually, mcpguard, note, records, run, skip,
};
use serde_json::{Value, json};

/// A session of one tool that may be called and one that may not.
fn session(scene: &Scene, name: &str) -> Result<Client> {
    let text = Runtime::Python.policy("tools: { kill: { enabled: false } }\n")?;
    let policy = scene.policy(
        name,
        &text.replace("name: puppet", &format!("name: {name}")).replace("/bin/true", "/bin/sleep"),
    )?;
    Start::guarded(scene, policy, Runtime::Python.puppet()?).session()
}

fn operator(words: &[&str]) -> Result<Finished> {
    run(Command::new(mcpguard()?).args(words))
}

/// What `ps` says of the session of this supervisor.
fn listed(supervisor: u32) -> Result<Option<Value>> {
    let told = operator(&["ps", "--json"])?;
    ensure!(told.status == Some(0), "{told:?}");
    let rows = told.stdout.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().find(|row| row["pid"] == supervisor))
}

#[test]
fn what_runs_is_listed_with_what_it_did() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, "listed")?;
    client.call("descriptors", json!({}))?;
    client.call("kill", json!({ "pid": 1, "number": 0 }))?;
    let row = listed(client.pid())?.context("it is not listed")?;
    ensure!((&row["policy"], &row["state"]) == (&json!("listed"), &json!("running")), "{row}");
    ensure!((&row["calls"], &row["denials"]) == (&json!(2), &json!(1)), "{row}");
    ensure!(row["processes"].as_u64() >= Some(1) && row["memory_bytes"].as_u64() > Some(1 << 20), "{row}");
    ensure!(row["audit"] == scene.audit().display().to_string(), "{row}");
    let table = operator(&["ps"])?;
    ensure!(table.stdout.starts_with("SESSION ") && table.stdout.contains("listed"), "{table:?}");
    let pid = client.pid();
    client.finish()?;
    ensure!(listed(pid)?.is_none(), "it has ended and is still listed");
    Ok(())
}

#[test]
fn a_session_that_is_killed_leaves_nothing_and_says_so_in_its_log() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, "killed")?;
    // A process that leaves the server's session and group of processes.
    let told = client.call("daemonise", json!({ "path": scene.workspace().join("daemon") }))?.puppet()?;
    ensure!(told["ok"] == true, "{told}");
    let daemon = u32::try_from(told["pid"].as_u64().context("no daemon")?)?;
    ensure!(alive(daemon), "no daemon");
    let ended = operator(&["kill", &client.pid().to_string()])?;
    ensure!(ended.status == Some(0) && ended.stdout.contains("(killed)"), "{ended:?}");
    ensure!(!alive(client.pid()) || client.wait(Duration::from_secs(1)).is_ok(), "the supervisor lives");
    ensure!(!alive(daemon), "the daemon lives");
    let told = records(&scene.audit())?;
    let last = told.last().context("no records")?;
    ensure!(last.event() == "session_end" && last.0["reason"] == "signal", "{last:?}");
    let again = operator(&["kill", "killed"])?;
    ensure!(again.status == Some(125) && again.stderr.contains("`mcpguard ps` lists"), "{again:?}");
    Ok(())
}

/// Holds a process as a debugger does: signals wait, but for SIGKILL. Ends with its stdin.
const HOLDS: &str = "\
import ctypes, os, sys
held = int(sys.argv[1])
if ctypes.CDLL(None, use_errno=True).ptrace(16, held, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(held, 0)
print('held', flush=True)
sys.stdin.read()
";

/// A supervisor that can do nothing: its session is killed from outside, and then it.
#[test]
fn a_supervisor_that_is_held_is_killed_after_its_session() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who may hold a process that protects itself");
        return Ok(());
    }
    let scene = Scene::new()?;
    let client = session(&scene, "held")?;
    let server = harness::children_of(client.pid());
    let mut holder = Command::new("/usr/bin/python3");
    holder.args(["-c", HOLDS, &client.pid().to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn()?;
    let mut line = String::new();
    BufReader::new(holder.stdout.take().context("no stdout")?).read_line(&mut line)?;
    ensure!(line == "held\n" && !server.is_empty(), "it is not held: {line}");
    let killer = std::thread::spawn(|| operator(&["kill", "held"]));
    ensure!(
        eventually(Duration::from_secs(3), || server.iter().all(|process| !alive(*process))),
        "its processes wait for it"
    );
    let ended = killer.join().map_err(|_| anyhow::anyhow!("no answer"))??;
    ensure!(ended.status == Some(0) && !alive(client.pid()), "{ended:?}");
    holder.kill()?;
    holder.wait()?;
    Ok(())
}

/// One that somebody has stopped is woken.
#[test]
fn a_stopped_supervisor_ends_its_session() -> Result<()> {
    let scene = Scene::new()?;
    let client = session(&scene, "stopped")?;
    let server = harness::children_of(client.pid());
    ensure!(!server.is_empty(), "no server");
    ensure!(
        run(Command::new("kill").args(["-STOP", &client.pid().to_string()]))?.status == Some(0),
        "it is not stopped"
    );
    let begun = Instant::now();
    let ended = operator(&["kill", "stopped", "--json"])?;
    note(&format!("a stopped supervisor and its session ended in {} ms", begun.elapsed().as_millis()));
    let told: Value = serde_json::from_str(ended.stdout.trim())?;
    ensure!(ended.status == Some(0) && told["ended"] == true, "{ended:?}");
    ensure!(
        eventually(Duration::from_secs(2), || server.iter().all(|process| !alive(*process))),
        "the server lives"
    );
    Ok(())
}

#[test]
fn a_frozen_session_stands_still_and_goes_on() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, whose sessions have control groups");
        return Ok(());
    }
    let scene = Scene::new()?;
    let mut client = session(&scene, "frozen")?;
    let pid = client.pid().to_string();
    ensure!(operator(&["freeze", &pid])?.stdout.starts_with("frozen: "), "not frozen");
    ensure!(listed(client.pid())?.is_some_and(|row| row["state"] == "frozen"), "not listed as frozen");
    let id = client.send("tools/call", json!({ "name": "descriptors", "arguments": {} }))?;
    ensure!(client.next(Duration::from_millis(700))?.is_none(), "it answers although it is frozen");
    ensure!(operator(&["thaw", &pid])?.stdout.starts_with("thawed: "), "not thawed");
    ensure!(client.answer_to(&id)?.puppet()?["ok"] == true, "it does not go on");
    ensure!(
        operator(&["freeze", &pid])?.status == Some(0) && operator(&["kill", &pid])?.status == Some(0),
        "a frozen one is not ended"
    );
    ensure!(
        eventually(Duration::from_secs(2), || client.wait(Duration::from_millis(10)).is_ok()),
        "it lives"
    );
    Ok(())
}

/// The user `nobody`.
const NOBODY: &str = "65534";
const AS_NOBODY: [&str; 7] =
    ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--bounding-set=-all"];

#[test]
fn users_see_and_end_their_own_sessions_only() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can be somebody else");
        return Ok(());
    }
    let (scene, roots) = (Scene::new()?, Scene::new()?);
    let of_root = session(&roots, "roots")?;
    let policy =
        scene.policy("theirs", &Runtime::Python.policy("")?.replace("name: puppet", "name: theirs"))?;
    ensure!(run(Command::new("chown").args(["-R", NOBODY]).arg(scene.root()))?.status == Some(0));
    let start = Start::guarded(&scene, policy, Runtime::Python.puppet()?).option("--no-daemon");
    let mut client = start.within(AS_NOBODY.map(Into::into).to_vec()).session()?;
    let told = client.call("daemonise", json!({ "path": scene.workspace().join("daemon") }))?.puppet()?;
    let daemon = u32::try_from(told["pid"].as_u64().context("no daemon")?)?;
    let theirs = |words: &[&str]| {
        let mut command = Command::new(AS_NOBODY[0]);
        command.args(&AS_NOBODY[1..]).arg(mcpguard()?).args(words);
        run(command
            .env_remove("XDG_RUNTIME_DIR")
            .env("XDG_STATE_HOME", scene.root().join("state"))
            .env("HOME", scene.home()))
    };
    let told = theirs(&["ps"])?;
    ensure!(told.stdout.contains("theirs") && !told.stdout.contains("roots"), "{told:?}");
    let refused = theirs(&["kill", &of_root.pid().to_string()])?;
    ensure!(refused.status == Some(125) && alive(of_root.pid()), "{refused:?}");
    let refused = theirs(&["freeze", "theirs"])?;
    ensure!(refused.status == Some(1) && refused.stdout.contains("it has no control group"), "{refused:?}");
    let ended = theirs(&["kill", "--all"])?;
    ensure!(ended.status == Some(0) && ended.stdout.contains("1 session ended"), "{ended:?}");
    ensure!(!alive(daemon) && alive(of_root.pid()), "the daemon lives, or root's session does not");
    Ok(())
}

#[test]
fn who_is_not_clear_is_nobody() -> Result<()> {
    for (words, why) in [
        (&["kill", "abc"][..], "no session is named `abc`"),
        (&["kill", "--user", "nobody-of-this-name"], "there is no user `nobody-of-this-name`"),
        (&["freeze"], "required"),
        (&["kill", "--all", "x"], "cannot be used with"),
    ] {
        let told = operator(words)?;
        ensure!(told.status == Some(125) && told.stderr.contains(why), "{words:?}: {told:?}");
    }
    Ok(())
}
