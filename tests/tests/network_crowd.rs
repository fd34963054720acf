//! Ten thousand connections at once through the name check.

use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Client, Scene, Start, checkout, kilobytes, note, skip};
use serde_json::json;

const AT_ONCE: usize = 10_000;
/// What a supervisor keeps back from the two sockets of each connection, and places for a few more connections.
const OTHERS: usize = 1100;

/// What a connection may cost the supervisor at most, in bytes.
const MEMORY: u64 = 16 * 1024;

/// As many as a process of this user may have, and ten thousand at most.
fn at_once() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line =
        limits.lines().find(|line| line.starts_with("Max open files")).context("no limit of open files")?;
    let hard: usize = line.split_whitespace().rev().nth(1).context("no hard limit")?.parse()?;
    Ok(AT_ONCE.min(hard.saturating_sub(OTHERS) / 2))
}

fn policy() -> String {
    let tests = checkout().join("tests");
    format!(
        "version: 1\nname: crowd\nextends: [runtime/python, runtime/network]\nfilesystem:\n  read: [\"{0}/puppet\", \"{0}/internet\"]\n\
         network:\n  allowed_domains: [many.shop.example]\n  allowed_ports: [443]\n\
         execution:\n  allowed_programs: [/usr/bin/python3]\n  max_open_files: 20000\n",
        tests.display()
    )
}

fn session(internet: &Internet, scene: &Scene, who: Option<Who>) -> Result<Option<Client>> {
    let server = harness::Runtime::Python.puppet()?;
    let Some(who) = who else {
        return internet.session(Who::User, scene, Start::bare(scene, server)).map(Some);
    };
    let policy = scene.policy("crowd", &policy())?;
    match internet.session(who, scene, Start::guarded(scene, policy, server)) {
        Ok(client) => Ok(Some(client)),
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            skip(&format!("domain rules for {who:?}"));
            Ok(None)
        }
    }
}

fn check(internet: &Internet, who: Option<Who>) -> Result<()> {
    let scene = Scene::new()?;
    let Some(mut client) = session(internet, &scene, who)? else { return Ok(()) };
    let peak = |client: &Client| kilobytes(client.pid(), "VmHWM").context("no peak of memory");
    let (before, begun) = (peak(&client)?, std::time::Instant::now());
    let attacks = checkout().join("tests/internet/attacks");
    let count = at_once()?.to_string();
    let argv =
        ["/usr/bin/python3", "-B", &attacks.display().to_string(), "tls.crowd", "many.shop.example", &count];
    let told = client.call("spawn", json!({ "argv": argv, "patience": 100 }))?.puppet()?;
    let said = told.to_string();
    ensure!(said.contains(&format!("at once: {count} failed: 0")), "{who:?}: {said}; {}", client.stderr());
    ensure!(said.contains("one more: True"), "{who:?}: {said}");
    if who.is_some() {
        let bytes = (peak(&client)? - before) * 1024 / at_once()? as u64;
        let seconds = begun.elapsed().as_secs_f32();
        note(&format!(
            "{who:?}: {count} connections at once in {seconds:.1} s, {bytes} bytes each in the supervisor"
        ));
        ensure!(bytes <= MEMORY, "{who:?}: {bytes} bytes a connection");
    }
    Ok(())
}

#[test]
fn ten_thousand_connections_stand_at_once() -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    if at_once()? < AT_ONCE {
        skip(&format!("more than {} connections: this user may not have as many open files", at_once()?));
    }
    let internet = Internet::raise()?;
    [None, Some(Who::User), Some(Who::Root)].into_iter().try_for_each(|who| check(&internet, who))
}
