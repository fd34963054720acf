//! Exit codes: the server's own; 125 refused, 126 not executable, 127 not found, 128+n ended by signal n.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Runtime, Scene, Start, run};
use serde_json::json;

/// Longer than the supervisor's own patience with a dying tree.
const END: Duration = Duration::from_secs(15);

#[test]
fn the_servers_own_code_is_passed_on() -> Result<()> {
    let scene = Scene::new()?;
    for runtime in Runtime::ALL {
        let policy = scene.policy("puppet", &runtime.policy("")?)?;
        for code in [0, 1, 3, 42, 124] {
            let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
            client.send("tools/call", json!({ "name": "exit", "arguments": { "code": code } }))?;
            ensure!(client.wait(END)?.code() == Some(code), "{runtime:?} {code}: {}", client.stderr());
        }
    }
    Ok(())
}

#[test]
fn a_signal_is_128_and_its_number() -> Result<()> {
    let scene = Scene::new()?;
    let runtime = Runtime::Python;
    let policy = scene.policy("puppet", &runtime.policy("")?)?;
    // SIGHUP, SIGABRT, SIGKILL, SIGSEGV, SIGTERM.
    for number in [1, 6, 9, 11, 15] {
        let mut client = Start::guarded(&scene, &policy, runtime.puppet()?).session()?;
        client.send("tools/call", json!({ "name": "die", "arguments": { "number": number } }))?;
        ensure!(client.wait(END)?.code() == Some(128 + number), "signal {number}: {}", client.stderr());
    }
    Ok(())
}

#[test]
fn commands_that_cannot_be_started() -> Result<()> {
    let scene = Scene::new()?;
    let plain = scene.workspace().join("plain");
    std::fs::write(&plain, "no program")?;
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o644))?;
    for (server, code) in [
        ("no-such-program-anywhere".into(), 127),
        (scene.workspace().join("absent").into_os_string(), 127),
        (plain.into_os_string(), 126),
    ] {
        let finished = run(&mut Start::built_in(&scene, vec![server.clone()]).command()?)?;
        ensure!(finished.status == Some(code), "{server:?}: {finished:?}");
        ensure!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{server:?}: {finished:?}");
    }
    Ok(())
}

#[test]
fn a_refusal_is_125() -> Result<()> {
    let scene = Scene::new()?;
    for option in ["--policy=no-such-preset", "--policy=./absent.yaml", "--no-such-option"] {
        let finished = run(&mut Start::built_in(&scene, vec!["true".into()]).option(option).command()?)?;
        ensure!(finished.status == Some(125), "{option}: {finished:?}");
        ensure!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{option}: {finished:?}");
    }
    Ok(())
}

#[test]
fn a_rule_that_nothing_enforces_stops_the_start() -> Result<()> {
    let scene = Scene::new()?;
    let text = "version: 1\nname: p\nextends: [runtime/python]\nrequire: [ebpf]\n";
    let policy = scene.policy("p", text)?;
    let finished = run(&mut Start::guarded(&scene, &policy, Runtime::Python.puppet()?).command()?)?;
    ensure!(finished.status == Some(125) && finished.stderr.contains("ebpf"), "{finished:?}");
    Ok(())
}
