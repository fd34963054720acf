//! Logs that are not whole, of many sessions, or without end; and policies that are none.

use audit::{Body, Cause, Denial};
use serde_json::json;

use super::super::arguments::is_altered;
use super::super::logs::Log;
use super::{FailOn, Written, call, denial, start};

#[test]
fn a_log_that_was_changed_is_judged_as_far_as_it_is_sound_and_is_no_success() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1).lasting(2, "y", json!({}), 1);
    let text = String::from_utf8(log.lines.clone()).unwrap();
    log.lines = text.replace("\"tool\":\"y\"", "\"tool\":\"z\"").into_bytes();
    let told = log.replay("");
    assert_eq!((told.status, told.calls()), (1, [1, 0, 0, 0, 0]), "{told:#?}");
    let broken = told.summary["logs"][0]["broken"].as_str().unwrap();
    assert!(broken.contains("log.jsonl:4"), "{broken}");
    assert_eq!(told.summary["logs"][0]["records"], 3);
}

#[test]
fn a_last_line_that_is_not_whole_is_told() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1).add(1, call(2, "x", json!({})));
    log.lines.truncate(log.lines.len() - 5);
    let told = log.replay("");
    assert_eq!((told.status, told.calls()), (0, [1, 0, 0, 0, 0]), "{told:#?}");
    assert!(told.summary["logs"][0]["cut_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn what_cannot_be_judged_at_all_is_an_error() {
    let mut log = Written::session();
    assert!(log.replay_with("tools: { x: { enabeld: false } }\n", FailOn::Narrowed, None).is_err());
    log.lines = b"no record\n".to_vec();
    assert!(
        log.replay_with("", FailOn::Narrowed, None).unwrap_err().to_string().contains("cannot be judged")
    );
    // Mistakes are told of although there is nothing to judge.
    let mut log = Written::empty();
    assert!(log.replay_with("x: 1\n", FailOn::Narrowed, None).is_err());
    log.add(0, start(&[], &[]));
    log.replay("").nothing();
}

#[test]
fn a_log_without_a_record_is_an_error_that_says_so() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1);
    let first = log.lines.iter().position(|byte| *byte == b'\n').unwrap();
    log.lines.truncate(first - 3);
    let told = |log: &Written| log.replay_with("", FailOn::Narrowed, None).unwrap_err().to_string();
    assert!(told(&log).contains("no whole record"), "{}", told(&log));
    log.lines = b"this is no log".to_vec();
    assert!(told(&log).contains("cannot be judged: it holds 14 bytes"), "{}", told(&log));
    assert!(told(&Written::empty()).contains("it is empty"), "{}", told(&Written::empty()));
    assert!(Log::proved("/dev/null".as_ref()).is_err());
}

#[test]
fn no_record_is_judged_twice() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1).lasting(2, "x", json!({}), 1);
    let (path, room) = (log.path(), log.room.path());
    let replay = |logs: &[_]| log.replay_of(logs, "", FailOn::Narrowed, None);
    let of_both = |other: std::path::PathBuf| replay(&[path.clone(), other]).unwrap_err().to_string();
    assert!(of_both(path.clone()).contains("is given twice"), "{}", of_both(path.clone()));
    // A link, a copy, a copy of what was there until then, a rotated file beside the log that it is of.
    let beside = |name: &str, bytes: &[u8]| {
        std::fs::write(room.join(name), bytes).unwrap();
        room.join(name)
    };
    std::os::unix::fs::symlink(&path, room.join("link")).unwrap();
    let lines: Vec<&[u8]> = log.lines.split_inclusive(|byte| *byte == b'\n').collect();
    for other in [room.join("link"), beside("copy", &log.lines), beside("early", &lines[..2].concat())] {
        assert!(of_both(other).contains("records of the same session"));
    }
    let whole = [beside("a.1", &lines[..3].concat()), beside("a", &lines[3..].concat())];
    assert!(replay(&whole).unwrap_err().to_string().contains("records of the same session"));
    // One that is broken behind them is no better.
    let broken = beside("broken", &[&log.lines, b"x\n" as &[u8]].concat());
    assert!(of_both(broken).contains("records of the same session"));
    // Other sessions may be.
    let mut other = Written::empty();
    other.session = "s2".to_owned();
    other.add(0, start(&[], &[])).lasting(1, "x", json!({}), 1);
    assert_eq!(replay(&[path.clone(), other.path()]).unwrap().calls(), [3, 0, 0, 0, 0]);
}

#[test]
fn a_log_that_cannot_be_read_again_is_no_success() {
    let mut log = Written::session();
    log.lasting(1, "x", json!({}), 1);
    let (path, pipe) = (log.path(), log.room.path().join("pipe"));
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let told = log.replay_of(&[pipe], "", FailOn::Narrowed, None).unwrap_err().to_string();
    assert!(told.contains("is no regular file"), "{told}");
    let proved = Log::proved(&path).unwrap();
    let read = |log: &Log| log.was_read(log.records().unwrap().count() as u64);
    read(&proved).unwrap();
    std::fs::write(&path, "").unwrap();
    assert!(read(&proved).unwrap_err().to_string().contains("of its 3 records 0 were there"));
}

#[test]
fn counts_beyond_numbers_do_not_come_to_nothing() {
    let mut log = Written::session();
    for address in ["192.0.2.7:443", "192.0.2.7:443", "192.0.2.8:443"] {
        let denied = denial(Cause::Network, address, "connect", "no rule names it");
        log.add(1, Body::Denial(Denial { count: u64::MAX, ..denied }));
    }
    let policy = "network: { allowed_cidrs: [192.0.2.0/24] }\n";
    let told = log.replay_with(policy, FailOn::Any, None).unwrap();
    assert_eq!((told.status, told.denials()), (1, [0, 0, u64::MAX, 0, 0]));
}

#[test]
fn sessions_of_one_log_are_judged_apart() {
    let mut log = Written::empty();
    for session in ["a1", "b2", "c3"] {
        session.clone_into(&mut log.session);
        log.add(1, start(if session == "b2" { &["write"] } else { &[] }, &[]));
    }
    for number in 1..=3 {
        for session in ["a1", "b2", "c3"] {
            session.clone_into(&mut log.session);
            log.lasting(number, "x", json!({}), 1);
        }
    }
    // Each has a bucket of its own.
    log.replay("tools: { x: { max_requests_per_minute: 3 } }\n").nothing();
    let told = log.replay("tools: { x: { max_requests_per_minute: 2 } }\n");
    assert_eq!((told.calls(), told.only()["count"].clone()), ([6, 3, 0, 0, 0], json!(3)));
    assert_eq!(log.replay("tools: { x: { require_scope: write } }\n").calls(), [3, 6, 0, 0, 0]);
}

#[test]
fn groups_are_bounded_and_counts_are_not() {
    let mut log = Written::session();
    for number in 1..=1200 {
        log.lasting(number, &format!("x{number}"), json!({}), 1);
    }
    let told = log.replay("tools: { defaults: { enabled: false } }\n");
    assert_eq!(told.calls(), [0, 1200, 0, 0, 0]);
    assert_eq!((told.differences.len(), &told.summary["not_in_a_group"]), (1000, &json!(200)));
}

#[test]
fn what_stands_in_place_of_a_text_is_known() {
    assert!(is_altered("a [redacted:T]") && is_altered("x…[cut: 9 bytes in all]") && !is_altered("[x]"));
}
