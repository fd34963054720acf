//! Several sessions on one file, and sessions that are killed.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use audit::*;

use super::room::{Room, end, noise};

#[test]
fn sessions_one_after_another_make_one_chain() {
    let room = Room::new();
    for session in ["s1", "s2", "s3"] {
        let mut log = room.log(session);
        log.write(noise("a")).unwrap();
        log.write(end()).unwrap();
        log.close().unwrap();
    }
    let verified = verify(&room.path()).unwrap();
    assert_eq!(verified.sessions.len(), 3);
    assert!(verified.sessions.iter().all(|seen| (seen.first, seen.last, seen.ended) == (1, 2, true)));
}

#[test]
fn sessions_at_the_same_time_make_one_chain_even_while_it_is_rotated() {
    let room = Room::new();
    thread::scope(|scope| {
        for session in ["s1", "s2", "s3", "s4"] {
            let config = LogConfig { max_bytes: 20_000, keep: 1000, ..room.config(session) };
            scope.spawn(|| {
                let mut log = Log::open(config).unwrap();
                (0..250).for_each(|n| log.write(noise(&format!("number {n}"))).unwrap());
                log.close().unwrap();
            });
        }
    });
    let verified = verify(&room.path()).unwrap();
    let rotations = verified.files.len() as u64 - 1;
    assert!(rotations > 5);
    assert_eq!(verified.records, 4 * 250 + rotations);
    assert_eq!(verified.sessions.len(), 4);
}

#[test]
fn a_lock_that_another_process_keeps_is_an_error_and_not_a_hang() {
    let room = Room::new();
    let mut log = room.log("s1");
    log.write(noise("a")).unwrap();
    let other = std::fs::File::open(room.path()).unwrap();
    other.lock().unwrap();
    let start = Instant::now();
    assert!(matches!(log.write(noise("b")), Err(LogError::Locked { .. })));
    assert!(start.elapsed() < Duration::from_secs(4));
    other.unlock().unwrap();
    log.write(noise("c")).unwrap();
    assert_eq!(room.events(), ["noise", "lost", "noise"]);
}

const WRITER: &str = "MCPGUARD_AUDIT_TEST_WRITER";

/// Not a test by itself: what the killed process does.
#[test]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(WRITER) else { return };
    let (path, session) = path.rsplit_once('#').unwrap();
    let room = Room::new();
    let mut log =
        Log::open(LogConfig { path: path.into(), max_bytes: 50_000, keep: 10_000, ..room.config(session) })
            .unwrap();
    loop {
        log.write(noise(&"long ".repeat(500))).unwrap();
    }
}

#[test]
fn sessions_that_are_killed_at_any_moment_leave_a_chain_that_verifies_and_goes_on() {
    let room = Room::new();
    let mut named = 0;
    for round in 0..40_u64 {
        let mut writers: Vec<_> = ["a", "b"]
            .map(|name| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["sharing::writes_until_it_is_killed", "--exact"])
                    .env(WRITER, format!("{}#{name}{round}", room.path().display()))
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .into();
        thread::sleep(Duration::from_micros(20_000 + 977 * round));
        writers.iter_mut().for_each(|writer| writer.kill().unwrap());
        writers.iter_mut().for_each(|writer| assert!(!writer.wait().unwrap().success()));
        if room.path().exists() {
            let verified = verify(&room.path()).unwrap();
            named = verified.damages.len() + usize::from(verified.truncated_tail.is_some());
        }
    }
    let mut log = room.log("last");
    log.write(end()).unwrap();
    log.close().unwrap();
    let verified = verify(&room.path()).unwrap();
    assert!(verified.sessions.len() > 40, "{} sessions, {named} damaged ends", verified.sessions.len());
    assert_eq!(verified.truncated_tail, None);
}
