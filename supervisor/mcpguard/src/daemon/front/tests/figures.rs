//! The front with the real host log, and with metrics at the socket that the keeper passes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use control::message::End;
use control::{Answer, Event, Request};
use enforce::keeper::{Key, Notice, Usage};
use telemetry::{LogSection, MetricsAddress};

use super::world::{Memory, World, denied, kept, offer};
use crate::daemon::front::settings::Settings;
use crate::daemon::front::shown::Shown;
use crate::daemon::journal::Journal;
use crate::daemon::wire::{Ask, Standing};

fn standing() -> Standing {
    Standing { offer: offer(), metrics: true, restarts: 2, ..Standing::default() }
}

/// A front whose log is a real file.
fn world(directory: tempfile::TempDir, standing: Standing, address: Option<MetricsAddress>) -> World {
    let section = LogSection { path: directory.path().join("host.jsonl"), ..LogSection::default() };
    let shown = Shown { address, ..Shown::default() };
    let journal = Journal::open(&section, &shown.metrics).unwrap();
    let change = |settings: &mut Settings| settings.shown = shown;
    World::with_log(directory, change, standing, Memory::default(), Box::new(journal))
}

fn rooms() -> tempfile::TempDir {
    World::new().stop()
}

fn shown(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn until(path: &Path, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = shown(path);
        if text.lines().any(|shown| shown.strip_suffix(".0") == Some(line)) {
            return;
        }
        assert!(Instant::now() < deadline, "no `{line}` in {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_happens_is_counted_and_shown_where_the_keeper_listens() {
    let world = world(rooms(), standing(), Some("127.0.0.1:0".parse().unwrap()));
    let socket = world.directory.path().join("metrics.sock");
    until(&socket, "mcpguard_front_restarts_total 2");
    let (mut client, _, key) = world.session();
    let usage = Usage { memory: Some(4096), cpu_us: Some(2_000_000), ..Usage::default() };
    world.keeper.script().usage = vec![(key, usage)];
    world.keeper.notice(Notice::Event(key, denied(1)));
    assert!(matches!(client.event(), Event::Denied(_)));
    until(&socket, "mcpguard_denials_total{kind=\"open\",reason=\"not_granted\"} 1");
    until(&socket, "mcpguard_sessions{state=\"running\"} 1");
    let uid = nix::unistd::geteuid();
    until(&socket, &format!("mcpguard_session_memory_bytes{{policy=\"notes\",user=\"{uid}\"}} 4096"));
    assert_eq!(client.ask(Request::End(End { why: "done".to_owned() })), Answer::Done);
    until(&socket, "mcpguard_sessions_ended_total{reason=\"supervisor\"} 1");
    until(&socket, "mcpguard_sessions{state=\"running\"} 0");
}

#[test]
fn an_address_that_everybody_reaches_ends_the_front_with_a_reason() {
    let mut world = world(rooms(), standing(), Some("0.0.0.0:0".parse().unwrap()));
    let error = format!("{:#}", world.end().unwrap_err());
    assert!(error.contains("no loopback address"), "{error}");
}

#[test]
fn only_what_is_in_the_file_is_forgotten_and_the_next_front_writes_the_rest_once() {
    let me = nix::unistd::geteuid().as_raw();
    let there = || Standing { sessions: vec![kept(0xaa, me, "notes", false)], ..standing() };
    let first = world(rooms(), there(), None);
    let path = first.directory.path().join("host.jsonl");
    for sequence in 1..=3 {
        first.keeper.notice(Notice::Event(Key(0xaa), denied(sequence)));
    }
    first.keeper.until_asked(|ask| *ask == Ask::Heard(3));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"kernel_denial\"").count(), 3, "{text}");

    // The next keeper tells two of them again, and of a session that is gone.
    let second = world(first.stop(), there(), None);
    let path = second.directory.path().join("host.jsonl");
    for sequence in 2..=5 {
        second.keeper.notice(Notice::Event(Key(0xaa), denied(sequence)));
    }
    second.keeper.until_asked(|ask| *ask == Ask::Heard(4));
    let verified = audit::verify(&path).unwrap();
    let seen = verified.sessions.iter().find(|seen| seen.session.as_str() == "00000000000000aa").unwrap();
    assert_eq!((seen.kernel_last, seen.kernel_missing, seen.ended), (5, 0, false));

    let third = world(second.stop(), standing(), None);
    let path = third.directory.path().join("host.jsonl");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !std::fs::read_to_string(&path).unwrap().contains("\"unseen\"") {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    let seen = audit::verify(&path).unwrap().sessions;
    assert!(seen.iter().any(|seen| seen.session.as_str() == "00000000000000aa" && seen.ended));
}
