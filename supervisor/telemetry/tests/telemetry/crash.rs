//! Loss of power, at every byte: what is left is repaired, told, and carried on.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use audit::*;
use telemetry::HostLogConfig;

use super::room::{Room, kernel, noise, session};

const WRITER: &str = "MCPGUARD_TELEMETRY_TEST_WRITER";

/// Not a test by itself: what the killed daemon does. It takes up the last thirty events again each time, as a
/// keeper that outlives it would tell them, and goes on until it is killed.
#[test]
fn appends_until_it_is_killed() {
    let Ok(path) = std::env::var(WRITER) else { return };
    let room = Room::new();
    let config = HostLogConfig { path: path.into(), max_bytes: 20_000, keep: 10_000, ..room.config() };
    let mut log = room.log_with(config);
    let from = log.last_kernel_sequence(&session("a")).max(30) - 30;
    for number in from + 1.. {
        log.append_all(vec![kernel("a", number), kernel("b", number), noise("b", &"x".repeat(900))]).unwrap();
    }
}

#[test]
fn a_daemon_that_is_killed_at_any_moment_leaves_each_event_once() {
    let room = Room::new();
    for round in 0..30_u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["crash::appends_until_it_is_killed", "--exact"])
            .env(WRITER, room.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(30_000 + 977 * round));
        writer.kill().unwrap();
        assert!(!writer.wait().unwrap().success());
    }
    let log = room.log();
    let (a, b) = (session("a"), session("b"));
    assert!(log.last_kernel_sequence(&a) > 100, "{}", log.last_kernel_sequence(&a));
    assert_eq!((log.missing_kernel_events(&a), log.missing_kernel_events(&b)), (0, 0));
    assert!(log.last_kernel_sequence(&a) - log.last_kernel_sequence(&b) <= 1);
    drop(log);
    let verified = room.verified();
    assert!(verified.files.len() > 5 && verified.continues.is_none() && verified.truncated_tail.is_none());
}

/// A log with some records, as bytes, and where its last line begins.
fn written() -> (Vec<u8>, usize) {
    let room = Room::new();
    let mut log = room.log();
    log.append_all(vec![noise("a", "1"), kernel("b", 2), noise("b", "ü\u{202e}"), kernel("a", 5)]).unwrap();
    drop(log);
    let bytes = room.bytes();
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    (bytes, last)
}

/// Puts these bytes where the log was, and opens it again.
fn reopened(room: &Room, bytes: &[u8]) -> telemetry::HostLog {
    drop(room.log());
    fs::write(room.path(), bytes).unwrap();
    room.log()
}

#[test]
fn a_last_record_cut_at_every_byte_is_cut_off_told_and_carried_on() {
    let (bytes, last) = written();
    for cut in last..bytes.len() {
        let room = Room::new();
        let mut log = reopened(&room, &bytes[..cut]);
        let whole = cut == bytes.len() - 1;
        assert_eq!(log.last_kernel_sequence(&session("a")), if whole { 5 } else { 0 }, "{cut}");
        // The daemon still has the event and appends it; what is there already is passed over.
        let appended = log.append_all(vec![kernel("a", 5), noise("b", "after")]).unwrap();
        assert_eq!(appended.skipped, u64::from(whole), "{cut}");
        drop(log);

        let verified = room.verified();
        assert_eq!(verified.truncated_tail, None, "{cut}");
        let seen: Vec<_> = verified.sessions.iter().map(|seen| (seen.session.as_str(), seen.last)).collect();
        assert_eq!((seen[0], seen[1]), (("a", 2), ("b", 3)), "{cut}");
        // Every line is JSON: whoever ships the file stumbles over nothing.
        let lines = fs::read_to_string(room.path()).unwrap();
        let json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(lines.lines().all(json), "{cut}");
        match cut - last {
            // Nothing of the last line is left: nothing to tell.
            0 => assert!(!room.events().contains(&"repaired")),
            _ if whole => assert_eq!(verified.damages[0].recovered.bytes, 0),
            torn => {
                let Repair { repaired, .. } = &verified.repairs[0];
                assert_eq!(repaired.bytes, torn as u64);
                assert_eq!(repaired.sha256, Digest::of(&bytes[last..cut]));
            }
        }
    }
}

#[test]
fn a_first_record_cut_at_every_byte_leaves_an_empty_log() {
    let (bytes, _) = written();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    for cut in 1..first {
        let room = Room::new();
        let mut log = reopened(&room, &bytes[..cut]);
        log.append(noise("a", "1")).unwrap();
        drop(log);
        assert_eq!(room.events(), ["repaired", "noise"], "{cut}");
        assert_eq!(room.verified().records, 2, "{cut}");
    }
}

#[test]
fn blocks_of_zeros_where_a_batch_should_be_are_cut_off() {
    let (bytes, _) = written();
    for whole in [&bytes[..], &[]] {
        let room = Room::new();
        let mut log = reopened(&room, &[whole, &[0; 5000]].concat());
        log.append(noise("a", "after")).unwrap();
        drop(log);
        assert_eq!(room.verified().repairs[0].repaired.bytes, 5000);
    }
}

#[test]
fn damage_with_whole_lines_is_no_crash_and_stays_where_it_is() {
    let (bytes, last) = written();
    let room = Room::new();
    let mut changed = bytes.clone();
    changed[last + 100] ^= 1;
    let mut log = reopened(&room, &changed);
    log.append(noise("a", "after")).unwrap();
    drop(log);
    assert!(room.bytes().starts_with(&changed));
    assert_eq!(room.verified().damages.len(), 1);
}

#[test]
fn a_rotation_cut_off_between_its_steps_is_finished_by_the_next() {
    let room = Room::new();
    let config = HostLogConfig { max_bytes: 1500, ..room.config() };
    let mut log = room.log_with(config.clone());
    log.append_all(vec![noise("a", "1"), noise("b", "2")]).unwrap();
    drop(log);
    // The old file has its second name, the new one has none yet, and a half-written one lies there.
    fs::hard_link(room.path(), room.at("log/host.jsonl.1")).unwrap();
    fs::write(room.at("log/.host.jsonl.next"), "{\"v\":1,\"ti").unwrap();
    let mut log = room.log_with(config);
    for _ in 0..6 {
        log.append(noise("a", &"x".repeat(300))).unwrap();
    }
    drop(log);
    assert!(!room.at("log/.host.jsonl.next").exists());
    assert_eq!(room.verified().sessions.iter().find(|seen| seen.session == session("a")).unwrap().last, 7);
}

#[test]
fn an_empty_file_after_a_rotated_one_carries_the_chain_on() {
    let room = Room::new();
    let mut log = room.log();
    log.append_all(vec![noise("a", "1"), kernel("a", 3)]).unwrap();
    drop(log);
    fs::rename(room.path(), room.at("log/host.jsonl.1")).unwrap();
    let mut log = room.log();
    assert_eq!(log.last_kernel_sequence(&session("a")), 3);
    log.append(noise("a", "2")).unwrap();
    drop(log);
    assert_eq!(room.events(), ["noise", "kernel_denial", "rotated", "carried", "noise"]);
    assert_eq!(room.verified().sessions[0].last, 3);
}
