//! What a daemon of the server can do once the supervisor has been killed: exactly as little as before.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Runtime, Scene, Start, alive, eventually};
use serde_json::Value;

/// A server that puts a daemon into the background and then waits for its client. The daemon waits until it is told that
/// the supervisor is dead, tries what it must not, and writes down what came of it.
const SERVER: &str = r#"
import json, os, socket, sys, time
secret, workspace = sys.argv[1], sys.argv[2]
def attempt(what):
    try:
        what()
        return "done"
    except OSError as error:
        return os.strerror(error.errno)
def daemon():
    os.setsid()
    if os.fork():
        os._exit(0)
    open(workspace + "/daemon", "w").write(str(os.getpid()))
    for _ in range(1000):
        if os.path.exists(workspace + "/go"):
            break
        time.sleep(0.02)
    tried = {
        "read a secret": attempt(lambda: open(secret).read()),
        "write outside": attempt(lambda: open(secret + ".new", "w")),
        "open a TCP socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
        "open a UDP socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "open a unix socket": attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)),
        "use the workspace": attempt(lambda: open(workspace + "/allowed", "w").close()),
    }
    open(workspace + "/tried.new", "w").write(json.dumps(tried))
    os.rename(workspace + "/tried.new", workspace + "/tried")
    os._exit(0)
if os.fork() == 0:
    daemon()
sys.stdin.read()
"#;

/// Runs the server, guarded or bare, kills whoever was started, and returns what the daemon could do afterwards.
fn tried(guarded: bool) -> Result<Value> {
    let scene = Scene::new()?;
    let script = scene.workspace().join("server.py");
    std::fs::write(&script, SERVER)?;
    let secret = scene.outside().join("secret.txt");
    let server = vec!["/usr/bin/python3".into(), script.into(), secret.into(), scene.workspace().into()];
    let policy = scene.policy("orphans", &Runtime::Python.policy("")?)?;
    let start = if guarded { Start::guarded(&scene, &policy, server) } else { Start::bare(&scene, server) };
    let mut client = start.client()?;
    let told = |name: &str| {
        std::fs::read_to_string(scene.workspace().join(name)).ok().filter(|text| !text.is_empty())
    };
    ensure!(
        eventually(Duration::from_secs(10), || told("daemon").is_some()),
        "no daemon: {}",
        client.stderr()
    );
    client.kill()?;
    std::fs::write(scene.workspace().join("go"), "")?;
    ensure!(eventually(Duration::from_secs(20), || told("tried").is_some()), "the daemon told nothing");
    let daemon: u32 = told("daemon").context("no daemon")?.parse()?;
    ensure!(eventually(Duration::from_secs(5), || !alive(daemon)), "the daemon did not end");
    Ok(serde_json::from_str(&told("tried").context("nothing tried")?)?)
}

const FORBIDDEN: [&str; 5] =
    ["read a secret", "write outside", "open a TCP socket", "open a UDP socket", "open a unix socket"];

#[test]
fn a_daemon_that_outlives_the_supervisor_is_denied_what_it_was_denied() -> Result<()> {
    let bare = tried(false)?;
    for what in FORBIDDEN {
        ensure!(bare[what] == "done", "without the guard `{what}` should succeed: {bare}");
    }
    let guarded = tried(true)?;
    for what in FORBIDDEN {
        ensure!(
            guarded[what] != "done" && guarded[what].is_string(),
            "`{what}` after the supervisor's death: {guarded}"
        );
    }
    ensure!(guarded["use the workspace"] == "done", "{guarded}");
    Ok(())
}
