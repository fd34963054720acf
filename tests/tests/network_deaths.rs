//! What is left of the way out when the resolver and the proxy die: nothing, until they are there again.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use harness::internet::{Internet, Seen, Who};
use harness::{Client, Scene, Start, checkout, eventually, note, run, skip};
use serde_json::json;

const PAGE: &str = "http://api.shop.example/";
/// The ways of `tests/puppet/survivor.py`.
const WAYS: [&str; 5] = ["address", "kept", "name", "question", STRAIGHT];
/// A connection that stood already, to a port where the proxy has no part in it.
const STRAIGHT: &str = "straight";
/// How long the survivor is watched.
const WATCHED: Duration = Duration::from_secs(2);

fn policy() -> String {
    format!(
        "version: 1\nname: survivor\nextends: [runtime/python, runtime/network]\nfilesystem:\n  read: [\"{}\"]\n  \
         write: [\"${{workspace}}\"]\nnetwork:\n  allowed_domains: [api.shop.example, \"*.cdn.example\", \"*.crowd.example\"]\n  \
         allowed_ports: [80, 7000]\n  max_names_per_minute: 100000\n",
        checkout().join("tests/puppet").display()
    )
}

fn notes(scene: &Scene) -> PathBuf {
    scene.workspace().join("notes")
}

fn session(internet: &Internet, scene: &Scene, who: Option<Who>) -> Result<Option<Client>> {
    let script = checkout().join("tests/puppet/survivor.py");
    let server = vec!["/usr/bin/python3".into(), script.into(), notes(scene).into()];
    let Some(who) = who else {
        return internet.session(Who::User, scene, Start::bare(scene, server)).map(Some);
    };
    let policy = scene.policy("survivor", &policy())?;
    match internet.session(who, scene, Start::guarded(scene, policy, server)) {
        Ok(client) => Ok(Some(client)),
        Err(error) => {
            ensure!(format!("{error:#}").contains("cannot be enforced on this host"), "{error:#}");
            Ok(None)
        }
    }
}

/// What the survivor has tried.
struct Attempt {
    word: String,
    way: String,
    began: u128,
}

fn attempts(scene: &Scene) -> Vec<Attempt> {
    let text = std::fs::read_to_string(notes(scene)).unwrap_or_default();
    let attempt = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Attempt { word: words.next()?, way: words.next()?, began: words.next()?.parse().ok()? })
    };
    text.lines().filter_map(attempt).collect()
}

/// How many attempts there were by each way, and how many of them arrived.
fn counted(attempts: &[&Attempt], seen: &Seen) -> BTreeMap<String, (usize, usize)> {
    attempts.iter().fold(BTreeMap::new(), |mut counts, attempt| {
        let (tried, arrived) = counts.entry(attempt.way.clone()).or_default();
        *tried += 1;
        *arrived += usize::from(!seen.about(&attempt.word).is_empty());
        counts
    })
}

fn is_root() -> Result<bool> {
    let root = std::fs::metadata("/proc/self")?.uid() == 0;
    if !root {
        skip("root, who can make network namespaces");
    }
    Ok(root)
}

/// Kills whoever was started, and looks at what a daemon of the server still reaches.
fn survivor(who: Option<Who>) -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    let (internet, scene) = (Internet::raise()?, Scene::new()?);
    let Some(mut client) = session(&internet, &scene, who)? else {
        skip(&format!("domain rules for {who:?}"));
        return Ok(());
    };
    client.call("leave", json!({ "url": PAGE }))?.result()?;
    let lively = || attempts(&scene).len() >= 10 * WAYS.len();
    ensure!(eventually(Duration::from_secs(10), lively), "the daemon does nothing: {}", client.stderr());
    client.kill()?;
    client.wait(Duration::from_secs(5))?;
    let dead = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    std::thread::sleep(WATCHED);
    let (seen, all) = (internet.seen(), attempts(&scene));
    let (before, after): (Vec<&Attempt>, Vec<&Attempt>) =
        all.iter().partition(|attempt| attempt.began < dead);
    // What was on its way at that moment may have failed.
    let before = counted(&before[..before.len() - 2 * WAYS.len()], &seen);
    ensure!(
        before.keys().eq(WAYS.iter()) && before.values().all(|(tried, arrived)| tried == arrived),
        "{before:?}"
    );
    let after = counted(&after, &seen);
    note(&format!("{who:?}: by each way tried and arrived, before {before:?}, after {after:?}"));
    let tried_all = || after.keys().eq(WAYS.iter());
    let arrived = |but: &str| -> usize {
        after.iter().filter(|(way, _)| *way != but).map(|(_, (_, arrived))| arrived).sum()
    };
    match who {
        None => ensure!(tried_all() && after.values().all(|(_, arrived)| *arrived > 0), "bare: {after:?}"),
        // Nobody ends it there, so it must have tried everything. Bytes on a connection that stands are no call with an
        // address: without programs that see packets nobody can stop them (docs/when-something-dies.md).
        Some(Who::User) => ensure!(tried_all() && arrived(STRAIGHT) == 0, "{after:?}"),
        // The programs may have ended it.
        Some(Who::Root) => ensure!(arrived("") == 0, "{after:?}"),
    }
    Ok(())
}

#[test]
fn without_a_guard_a_daemon_of_a_killed_server_goes_on() -> Result<()> {
    survivor(None)
}

#[test]
fn with_the_supervisor_the_network_of_a_user_dies() -> Result<()> {
    survivor(Some(Who::User))
}

#[test]
fn with_the_supervisor_the_network_of_root_dies() -> Result<()> {
    survivor(Some(Who::Root))
}

/// The sockets of the resolver and of the proxy break in a running supervisor.
fn broken_doors(who: Who) -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    let (internet, scene) = (Internet::raise()?, Scene::new()?);
    let Some(mut client) = session(&internet, &scene, Some(who))? else {
        skip(&format!("domain rules for {who:?}"));
        return Ok(());
    };
    let secret = internet.secret("api.shop.example");
    let page = |client: &mut Client| -> Result<bool> {
        let told = client.call("page", json!({ "url": PAGE }))?.puppet()?;
        Ok(told["text"].as_str().is_some_and(|text| text.contains(&secret)))
    };
    for round in 1..=3 {
        ensure!(page(&mut client)?, "round {round}: {}", client.stderr());
        let script = checkout().join("tests/internet/servers/breaker.py");
        let done = run(Command::new("/usr/bin/python3").arg(script).arg(client.pid().to_string()))?;
        // When the first is broken the supervisor closes the others; some may be gone before they are looked at.
        ensure!(done.stdout.trim().parse::<usize>()? > 0, "{} {}", done.stdout, done.stderr);
        let told = || client.stderr().matches("the network of the server is closed until").count() == round;
        ensure!(eventually(Duration::from_secs(5), told), "round {round}: {}", client.stderr());
        let again = (0..100).map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            page(&mut client)
        });
        let works = again.into_iter().find_map(|works| works.map(|works| works.then_some(())).transpose());
        works.context("the doors stay closed")??;
    }
    Ok(())
}

#[test]
fn doors_of_a_user_that_break_are_opened_again() -> Result<()> {
    broken_doors(Who::User)
}

#[test]
fn doors_of_root_that_break_are_opened_again() -> Result<()> {
    broken_doors(Who::Root)
}
