//! Attacks that need a helper outside: descriptors from a friend, sockets of others, races; and what must still work
//! under the same guard, for a layer that denies everything proves nothing.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::scene::{OPEN, POLICY, SECRET, Scene};
use crate::actor::Outcome;
use crate::case::{Case, On};
use crate::client::Client;
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;
use crate::sys::descriptors;

/// The same as the other attacks' policy, with one unix socket.
const SOCKETS: &str = "network:\n  unix_sockets: [\"${workspace}/allowed\"]\n";

const NEEDS: &[Need] = &[Need::Hooks];

pub(crate) const CASES: &[Case] = &[
    Case::new("escapes/with_helpers_outside", with_helpers_outside).needs(NEEDS).seconds(40),
    Case::new("escapes/races_and_what_is_granted", races).needs(NEEDS).seconds(40),
    Case::new("escapes/races_on_two_processors", races).needs(NEEDS).seconds(40).on(On::Only(Machine::Smp)),
];

/// Descriptors from a friend, and sockets of others; one session for all.
fn with_helpers_outside(ground: &Ground) -> Result<()> {
    let patience = ground.slow(Duration::from_secs(2));
    let listens = |scene: &Scene| friend_listens(scene);
    let calls = |scene: &Scene| friend_calls(scene, patience);
    let scene = Scene::set(ground)?;
    for (act, place, meet) in
        [("receive", "@allowed", &listens as Meet<'_>), ("receive_listening", "@meeting", &calls)]
    {
        let friend = meet(&scene)?;
        let bare = ground.act(act, &[&scene.expand(place)])?;
        ended(friend)?;
        ensure!(bare.value == SECRET, "bare, the descriptor is worth nothing: {bare:?}");
    }
    let scene = Scene::set(ground)?;
    let other = scene.expand("@other");
    let _other = UnixListener::bind(&other)?;
    let _abstract = UnixListener::bind_addr(&crate::actor::unix_address(ABSTRACT)?)?;
    for name in [other.as_str(), ABSTRACT] {
        ground.act("unix_stream", &[name])?.succeeded()?;
    }
    let friend = friend_listens(&scene)?;
    let guarded = ground.guarded(&format!("{POLICY}{SOCKETS}"))?;
    let mut client = guarded.session()?;
    let received = client.act("act", "child", &["receive", &scene.expand("@allowed")])?;
    ended(friend)?;
    nothing_came(&received)?;
    let caller = friend_calls(&scene, patience)?;
    let received = client.act("act", "child", &["receive_listening", &scene.expand("@meeting")])?;
    ended(caller)?;
    nothing_came(&received)?;
    for name in [other.as_str(), ABSTRACT] {
        let outcome = client.act("act", "child", &["unix_stream", name])?;
        // EACCES is Landlock's answer (abstract names from ABI 6 on, paths from 9 on).
        let denied = ["EPERM", "EACCES"].iter().any(|errno| outcome.errno() == Some(errno));
        ensure!(denied, "{name} is reached: {outcome:?}");
    }
    client.finish()?;
    let records = guarded.records()?;
    let path = "/secret/file";
    let mut told = records.iter().filter(|r| r["event"] == "denial" && r["layer"] == "ebpf");
    ensure!(told.any(|r| r["what"].as_str().is_some_and(|what| what.ends_with(path))), "no record of {path}");
    scene.intact()
}

/// Starts a friend.
type Meet<'a> = &'a dyn Fn(&Scene) -> Result<Friend>;
type Friend = thread::JoinHandle<Result<()>>;

/// An abstract socket of a process outside.
const ABSTRACT: &str = "@escapes-abstract";

/// The message arrives; the kernel leaves the descriptor out of it.
fn nothing_came(outcome: &Outcome) -> Result<()> {
    let came = outcome.is_ok() || !outcome.value.to_string().contains("no descriptor came");
    ensure!(!came, "a descriptor of a denied file came: {outcome:?}");
    Ok(())
}

fn ended(friend: Friend) -> Result<()> {
    friend.join().ok().context("the friend panicked")?.context("the friend")
}

/// A friend outside listens on the allowed socket and hands over an open descriptor of the denied file.
fn friend_listens(scene: &Scene) -> Result<Friend> {
    let place = scene.expand("@allowed");
    let _ = std::fs::remove_file(&place);
    let listener = UnixListener::bind(place)?;
    let secret = File::open(scene.expand("@secret/file"))?;
    Ok(thread::spawn(move || Ok(descriptors::send(listener.accept()?.0.as_fd(), secret.as_fd())?)))
}

/// A friend outside connects to a socket that the attacker has made in its own workspace, and does the same.
fn friend_calls(scene: &Scene, patience: Duration) -> Result<Friend> {
    let (place, secret) = (scene.expand("@meeting"), File::open(scene.expand("@secret/file"))?);
    Ok(thread::spawn(move || {
        let until = Instant::now() + patience;
        loop {
            match UnixStream::connect(&place) {
                Ok(stream) => return Ok(descriptors::send(stream.as_fd(), secret.as_fd())?),
                Err(error) if Instant::now() > until => bail!("the attacker does not listen: {error}"),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }))
}

/// A symlink that points to an allowed file and to a denied one in turns; and eight threads that open a denied file at
/// once. In the same session, before: what it grants works.
fn races(ground: &Ground) -> Result<()> {
    const ROUNDS: &str = "3000";
    let count = |outcome: &Outcome, what: &str| outcome.value[what].as_u64().unwrap_or(0);
    let words = |scene: &Scene| ["@link", "@open", "@secret/file"].map(|word| scene.expand(word));
    let [link, good, bad] = words(&Scene::set(ground)?);
    let bare = ground.act("swap_race", &[&link, &good, &bad, ROUNDS])?;
    ensure!(count(&bare, "leaked") > 0 && count(&bare, "allowed") > 0, "the race is none: {bare:?}");
    let storm = ["storm", "8", "200", "read", bad.as_str()];
    ensure!(ground.act(storm[0], &storm[1..])?.value["ok"] == 1600, "bare, not every open succeeds");

    let scene = Scene::set(ground)?;
    let guarded = ground.guarded(POLICY)?;
    let mut client = guarded.session()?;
    let failing = what_is_granted(&scene, &mut client)?;
    let race = client.act("act", "child", &["swap_race", &link, &good, &bad, ROUNDS])?;
    let stormed = client.act("act", "child", &storm)?;
    client.finish()?;
    ensure!(count(&race, "leaked") == 0, "it leaks: {race:?}");
    ensure!(count(&race, "allowed") > 0 && count(&race, "refused") > 0, "the race is none: {race:?}");
    ensure!(stormed.value == serde_json::json!({ "EPERM": 1600 }), "{stormed:?}");
    let records = guarded.records()?;
    let denials = records.iter().filter(|record| record["event"] == "denial");
    // A child of the server looks at itself in /proc, which the policy grants to the server alone.
    let is_about = |record: &Value, what: &str| record["what"].as_str().is_some_and(|of| of.contains(what));
    let other = denials.clone().filter(|r| !is_about(r, "/secret/file") && !is_about(r, "/proc/"));
    let other: Vec<_> = other.collect();
    ensure!(failing.is_empty() && other.is_empty(), "{failing}{other:#?}");
    let told = denials.filter(|record| record["layer"] == "ebpf" && is_about(record, "/secret/file"));
    let counted: u64 = told.filter_map(|record| record["count"].as_u64()).sum();
    ensure!(counted > 0, "not one of 1600 denials is in the log");
    ground.figure("denials in the log, of 1600 and those of the race", counted)?;
    scene.intact()
}

/// What the policy grants, and what every program may do; tells what fails.
fn what_is_granted(scene: &Scene, client: &mut Client) -> Result<String> {
    const WORKS: &[&[&str]] = &[
        &["read", "@open"],
        &["create", "@empty/new"],
        &["mkdir", "@empty/directory"],
        &["symlink", "@open", "@empty/link"],
        &["read", "@empty/link"],
        &["link", "@open", "@empty/hard"],
        &["rename", "@empty/new", "@empty/moved"],
        &["unlink", "@empty/moved"],
        &["rmdir", "@empty/directory"],
        &["create", "@empty/long"],
        &["append", "@empty/long"],
        &["truncate", "@empty/long"],
        &["list", "@box"],
        &["read_deep", "@deep", "25", "200", "open"],
        &["daemon", "read", "@open"],
        &["thread", "read", "@open"],
        &["read", "/proc/self/status"],
        &["socketpair"],
        &["kill_child"],
        &["own_code"],
    ];
    let mut failing = String::new();
    for words in WORKS {
        let words: Vec<String> = words.iter().map(|word| scene.expand(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = client.act("act", words[0], &words[1..])?;
        let is_open = !words[0].starts_with("read_") || outcome.value == OPEN;
        if !outcome.is_ok() || !is_open {
            failing.push_str(&format!("  {words:?}: {outcome:?}\n"));
        }
    }
    Ok(failing)
}
