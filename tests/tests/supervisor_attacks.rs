//! A server that turns against its supervisor, or tries to outlive it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Runtime, Scene, Start, alive, eventually, zombies_of};
use serde_json::json;

#[test]
fn the_supervisor_cannot_be_killed_or_read() -> Result<()> {
    for runtime in Runtime::ALL {
        let scene = Scene::new()?;
        let policy = scene.policy("puppet", &runtime.policy("")?)?;
        let start =
            Start::guarded(&scene, &policy, runtime.puppet()?).variable("SUPERVISOR_SECRET", "of-the-guard");
        let mut client = start.session()?;
        let pid = client.pid();
        for number in [0, 9, 15, 19] {
            let outcome = client.call("kill", json!({ "pid": pid, "number": number }))?.outcome()?;
            ensure!(outcome == "EPERM" || outcome == "EACCES", "{runtime:?}, signal {number}: {outcome}");
        }
        for file in ["environ", "maps", "mem", "root/etc/passwd", "cwd/inside.txt"] {
            let answer = client.call("read", json!({ "path": format!("/proc/{pid}/{file}") }))?;
            ensure!(answer.outcome()? != "ok", "{runtime:?} read {file} of its supervisor");
        }
        ensure!(client.call("echo", json!({ "text": "still there" }))?.outcome()? == "ok");
    }
    Ok(())
}

#[test]
fn daemons_outlive_a_bare_session_only() -> Result<()> {
    for runtime in Runtime::ALL {
        for guarded in [false, true] {
            let scene = Scene::new()?;
            let heartbeat = scene.workspace().join("heartbeat");
            let programs = scene.policy("puppet", &runtime.policy("")?)?;
            let start = match guarded {
                false => Start::bare(&scene, runtime.puppet()?),
                true => Start::guarded(&scene, &programs, runtime.puppet()?),
            };
            let mut client = start.session()?;
            let told = client.call("daemonise", json!({ "path": heartbeat }))?.puppet()?;
            let pid = u32::try_from(told["pid"].as_u64().with_context(|| told.to_string())?)?;
            ensure!(
                eventually(Duration::from_secs(5), || heartbeat.exists()),
                "{runtime:?}: the daemon does not run"
            );
            client.finish()?;
            if guarded {
                let gone = eventually(Duration::from_secs(1), || !alive(pid));
                ensure!(gone, "{runtime:?}: the daemon {pid} lives on");
            } else {
                let lives = alive(pid);
                // This process was started by this test, through the puppet that told its number.
                std::process::Command::new("kill").args(["-9", &pid.to_string()]).status()?;
                ensure!(lives, "{runtime:?}: the daemon ends by itself: the test proves nothing");
            }
        }
    }
    Ok(())
}

#[test]
fn orphans_are_reaped_while_the_session_runs() -> Result<()> {
    for runtime in Runtime::ALL {
        let scene = Scene::new()?;
        let policy = scene.policy("puppet", &runtime.policy("")?)?;
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
        for number in 0..5 {
            let path = scene.workspace().join(format!("heartbeat{number}"));
            let told = client.call("daemonise", json!({ "path": path }))?.puppet()?;
            // A process may end its own daemons; whose children they are by then, the supervisor must know.
            client.call("kill", json!({ "pid": told["pid"], "number": 9 }))?;
        }
        let clean = eventually(Duration::from_secs(1), || zombies_of(client.pid()).is_empty());
        ensure!(clean, "{runtime:?}: zombies of the supervisor: {:?}", zombies_of(client.pid()));
    }
    Ok(())
}
