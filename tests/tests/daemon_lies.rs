//! A daemon that refuses, lies or says nothing: nothing is started, and the sentence says why.

use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::daemon::{Heard, Manners, daemon};
use harness::{Scene, Start, run, skip};
use serde_json::json;

/// What must not exist afterwards: the server would make it.
const TRACE: &str = "started";

fn started(name: &str, manners: Manners) -> Result<(String, Duration)> {
    let scene = Scene::new()?;
    let socket = daemon(scene.root(), manners)?;
    let policy =
        "version: 1\nname: lies\nextends: [runtime/native]\nfilesystem:\n  write: [\"${workspace}\"]\n";
    let policy = scene.policy("lies", policy)?;
    let trace = scene.workspace().join(TRACE);
    let server = vec!["/bin/sh".into(), "-c".into(), format!(": > {}", trace.display()).into()];
    let mut option = std::ffi::OsString::from("--daemon-socket=");
    option.push(std::ffi::OsStr::from_bytes(socket.as_os_str().as_bytes()));
    let start = Start::guarded(&scene, &policy, server).option("--daemon").option(option);
    let began = Instant::now();
    let finished = run(&mut start.command()?)?;
    ensure!(finished.status == Some(125), "{name}: {finished:?}");
    ensure!(finished.stdout.is_empty() && !trace.exists(), "{name}: the server was started: {finished:?}");
    Ok((finished.stderr, began.elapsed()))
}

/// Greets, offers, and answers `open` with this.
fn answer_open(heard: &mut Heard, answer: &serde_json::Value) -> std::io::Result<()> {
    heard.greet(1, 1)?;
    if !heard.offer()? {
        heard.say(&json!({ "answer": { "id": 1, "answer": answer } }))?;
        heard.read()?;
    }
    Ok(())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn nothing_is_started_under_a_daemon_that_is_not_one() -> Result<()> {
    if !is_root() {
        skip("a daemon's socket must be root's");
        return Ok(());
    }
    let cases: [(&str, Manners, &str); 9] = [
        ("it closes at once", |heard| heard.read().map(drop), "closed the connection"),
        (
            "garbage",
            |heard| heard.read().and_then(|_| heard.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
            "keep to the protocol",
        ),
        (
            "a longer message than there is",
            |heard| heard.read().and_then(|_| heard.raw(&[0xff; 64])),
            "keep to the protocol",
        ),
        ("no version in common", |heard| heard.greet(7, 9), "upgrade mcpguard"),
        (
            "it refuses by its last words",
            |heard| {
                heard.greet(1, 1)?;
                heard.say(&json!({ "closing": { "code": "not_allowed", "sentence": "guarded processes get nothing" } }))
            },
            "guarded processes get nothing",
        ),
        (
            "it refuses the session, with details",
            |heard| {
                let refusal = json!({ "code": "policy", "sentence": "it has errors", "details": ["lies.yaml:9:9: no"] });
                answer_open(heard, &json!({ "refused": refusal }))
            },
            "lies.yaml:9:9: no",
        ),
        ("an answer to something else", |heard| answer_open(heard, &json!("done")), "keep to the protocol"),
        (
            "a session without its descriptors",
            |heard| {
                let opened =
                    json!({ "session": "00000000000000aa", "slot": 1, "revision": "00", "skipped": [] });
                answer_open(heard, &json!({ "opened": opened }))
            },
            "keep to the protocol",
        ),
        (
            "it goes while it is asked",
            |heard| {
                heard.greet(1, 1)?;
                heard.offer().map(drop)
            },
            "opens no session",
        ),
    ];
    for (name, manners, sentence) in cases {
        let (told, took) = started(name, manners)?;
        ensure!(told.contains(sentence), "{name}: {told}");
        ensure!(took < Duration::from_secs(20), "{name}: {took:?}");
    }
    Ok(())
}

#[test]
fn a_socket_that_nobody_listens_at_refuses_the_start_unless_it_is_left_out() -> Result<()> {
    let scene = Scene::new()?;
    let socket = scene.root().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket)?);
    let option = format!("--daemon-socket={}", socket.display());
    let server = vec!["/bin/true".into()];
    let policy = scene.policy("p", "version: 1\nname: p\nextends: [runtime/native]\n")?;
    let refused = run(&mut Start::guarded(&scene, &policy, server.clone())
        .option("--daemon")
        .option(&option)
        .command()?)?;
    ensure!(refused.status == Some(125) && refused.stderr.contains("--no-daemon"), "{refused:?}");
    let without =
        run(&mut Start::guarded(&scene, &policy, server).option("--no-daemon").option(&option).command()?)?;
    ensure!(without.status == Some(0), "{without:?}");
    Ok(())
}
