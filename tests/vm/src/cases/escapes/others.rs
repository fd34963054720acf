//! Attacks that need a helper outside: descriptors from a friend, sockets of others, races; and what must still work
//! under the same guard, for a layer that denies everything proves nothing.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::scene::{OPEN, POLICY, SECRET, Scene};
use crate::actor::Outcome;
use crate::case::{Case, On};
use crate::ground::Ground;
use crate::job::Machine;
use crate::need::Need;
use crate::sys::descriptors;

/// The same as the other attacks' policy, with one unix socket.
const SOCKETS: &str = "network:\n  unix_sockets: [\"${workspace}/allowed\"]\n";

const NEEDS: &[Need] = &[Need::TaskStorage];

pub(crate) const CASES: &[Case] = &[
    Case::new("escapes/descriptor_from_a_friend", descriptor_from_a_friend).needs(NEEDS).seconds(2),
    Case::new("escapes/descriptor_from_a_caller", descriptor_from_a_caller).needs(NEEDS).seconds(2),
    Case::new("escapes/unix_socket", unix_socket).needs(NEEDS).seconds(2),
    Case::new("escapes/abstract_socket", abstract_socket).needs(NEEDS).seconds(2),
    Case::new("escapes/symlink_race", symlink_race).needs(NEEDS).seconds(5),
    Case::new("escapes/symlink_race_on_two_processors", symlink_race)
        .needs(NEEDS)
        .seconds(5)
        .on(On::Only(Machine::Smp)),
    Case::new("escapes/all_at_once", all_at_once).needs(NEEDS).seconds(5),
    Case::new("escapes/all_at_once_on_two_processors", all_at_once)
        .needs(NEEDS)
        .seconds(5)
        .on(On::Only(Machine::Smp)),
    Case::new("escapes/what_is_granted_works", what_is_granted_works).needs(NEEDS).seconds(8),
];

/// A friend outside listens on the allowed socket and hands over an open descriptor of the denied file.
fn descriptor_from_a_friend(ground: &Ground) -> Result<()> {
    let meet = |scene: &Scene| -> Result<thread::JoinHandle<Result<()>>> {
        let listener = UnixListener::bind(scene.expand("@allowed"))?;
        let secret = File::open(scene.expand("@secret/file"))?;
        Ok(thread::spawn(move || Ok(descriptors::send(listener.accept()?.0.as_fd(), secret.as_fd())?)))
    };
    with_friend(ground, "receive", "@allowed", meet)
}

/// A friend outside connects to a socket that the attacker has made in its own workspace.
fn descriptor_from_a_caller(ground: &Ground) -> Result<()> {
    let patience = ground.slow(Duration::from_secs(2));
    let meet = move |scene: &Scene| -> Result<thread::JoinHandle<Result<()>>> {
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
    };
    with_friend(ground, "receive_listening", "@meeting", meet)
}

fn with_friend(
    ground: &Ground,
    act: &str,
    place: &str,
    meet: impl Fn(&Scene) -> Result<thread::JoinHandle<Result<()>>>,
) -> Result<()> {
    let told = |friend: thread::JoinHandle<Result<()>>| match friend.join() {
        Ok(done) => done.context("the friend"),
        Err(_) => bail!("the friend panicked"),
    };
    let scene = Scene::set(ground)?;
    let friend = meet(&scene)?;
    let bare = ground.act(act, &[&scene.expand(place)])?;
    told(friend)?;
    ensure!(leaked(&bare), "bare, the descriptor is worth nothing: {bare:?}");

    let scene = Scene::set(ground)?;
    let friend = meet(&scene)?;
    let ended = ground.guarded(&format!("{POLICY}{SOCKETS}"))?.act(act, &[&scene.expand(place)])?;
    told(friend)?;
    let outcome = ended.outcome()?;
    // The message arrives; the kernel leaves the descriptor out of it.
    ensure!(!outcome.is_ok() && outcome.value.to_string().contains("no descriptor came"), "{ended:#?}");
    let record = ended.record("denial", "/secret/file")?;
    ensure!(record["layer"] == "ebpf", "another layer denied it: {record}");
    Ok(())
}

fn leaked(outcome: &Outcome) -> bool {
    outcome.value.to_string().contains(SECRET)
}

/// A socket that lies where the attacker may write, and that the policy does not name; beside it one that it does.
fn unix_socket(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let (other, allowed) = (scene.expand("@other"), scene.expand("@allowed"));
    let _listeners = (UnixListener::bind(&other)?, UnixListener::bind(&allowed)?);
    ground.act("unix_stream", &[&other])?.succeeded()?;
    let guarded = ground.guarded(&format!("{POLICY}{SOCKETS}"))?;
    let ended = guarded.act("unix_stream", &[&other])?;
    ended.denied("EPERM")?;
    ensure!(ended.record("denial", "/other")?["layer"] == "ebpf", "another layer denied it: {ended:#?}");
    guarded.act("unix_stream", &[&allowed])?.succeeded()
}

/// An abstract socket of a process outside (Landlock sees them from ABI 6 on).
fn abstract_socket(ground: &Ground) -> Result<()> {
    let name = "@escapes-abstract";
    let address = crate::actor::unix_address(name)?;
    let _listener = UnixListener::bind_addr(&address)?;
    ground.act("unix_stream", &[name])?.succeeded()?;
    let ended = ground.guarded(&format!("{POLICY}{SOCKETS}"))?.act("unix_stream", &[name])?;
    ended.denied("EPERM")
}

/// A symlink that points to an allowed file and to a denied one in turns.
fn symlink_race(ground: &Ground) -> Result<()> {
    const ROUNDS: &str = "3000";
    let words = |scene: &Scene| ["@link", "@open", "@secret/file"].map(|word| scene.expand(word));
    let [link, good, bad] = words(&Scene::set(ground)?);
    let count = |outcome: &Outcome, what: &str| outcome.value[what].as_u64().unwrap_or(0);
    let bare = ground.act("swap_race", &[&link, &good, &bad, ROUNDS])?;
    ensure!(count(&bare, "leaked") > 0 && count(&bare, "allowed") > 0, "the race is none: {bare:?}");

    let scene = Scene::set(ground)?;
    let ended = ground.guarded(POLICY)?.act("swap_race", &[&link, &good, &bad, ROUNDS])?;
    let outcome = ended.outcome()?;
    ensure!(count(outcome, "leaked") == 0, "it leaks: {ended:#?}");
    ensure!(count(outcome, "allowed") > 0 && count(outcome, "refused") > 0, "the race is none: {ended:#?}");
    scene.intact()
}

/// Eight threads open a denied file at once: each is denied each time, and every denial is recorded or accounted for.
fn all_at_once(ground: &Ground) -> Result<()> {
    let scene = Scene::set(ground)?;
    let secret = scene.expand("@secret/file");
    let words = ["8", "200", "read", secret.as_str()];
    ensure!(ground.act("storm", &words)?.value["ok"] == 1600, "bare, not every open succeeds");
    let ended = ground.guarded(POLICY)?.act("storm", &words)?;
    ensure!(ended.outcome()?.value == serde_json::json!({ "EPERM": 1600 }), "{:#?}", ended.outcome);
    let told = |record: &&serde_json::Value| {
        record["layer"] == "ebpf" && record.to_string().contains("/secret/file")
    };
    let counted: u64 =
        ended.of("denial").iter().filter(|r| told(r)).filter_map(|r| r["count"].as_u64()).sum();
    ensure!(counted > 0, "not one of 1600 denials is in the log: {:#?}", ended.records);
    ground.figure("denials in the log, of 1600", counted)
}

/// What the same policy grants, and what every program may do.
fn what_is_granted_works(ground: &Ground) -> Result<()> {
    const WORKS: &[&[&str]] = &[
        &["read", "@open"],
        &["append", "@open"],
        &["truncate", "@open"],
        &["create", "@empty/new"],
        &["mkdir", "@empty/directory"],
        &["symlink", "@open", "@empty/link"],
        &["link", "@open", "@empty/hard"],
        &["rename", "@open", "@empty/moved"],
        &["unlink", "@open"],
        &["rmdir", "@empty"],
        &["list", "@box"],
        &["read_deep", "@deep", "25", "200", "open"],
        &["daemon", "read", "@open"],
        &["thread", "read", "@open"],
        &["read", "/proc/self/status"],
        &["socketpair"],
        &["kill_child"],
        &["own_code"],
    ];
    for words in WORKS {
        let scene = Scene::set(ground)?;
        let words: Vec<String> = words.iter().map(|word| scene.expand(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = ground.guarded(POLICY)?.act(words[0], &words[1..])?;
        ended.succeeded().with_context(|| format!("{words:?}"))?;
        let refused = ended.of("denial").len();
        ensure!(refused == 0, "{refused} denials are in the log of {words:?}: {ended:#?}");
        if words[0].starts_with("read_") {
            ensure!(ended.outcome()?.value == OPEN, "{words:?} read something else: {ended:#?}");
        }
    }
    Ok(())
}
