//! Logs that are read on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{
    Action, Body, Cause, Denial, EndReason, Layer, Log, LogConfig, Outcome, Redactor, SessionEnd, SessionId,
    ToolCall, ToolResult, Verdict,
};

use super::super::logs::Logs;

/// A directory with a log in it.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("log.jsonl")
    }

    fn log(&self, session: &str, max_bytes: u64) -> Log {
        let session = SessionId::new(session).expect("a name");
        let (revision, redactor) = (None, Arc::new(Redactor::none()));
        Log::open(LogConfig { path: self.path(), max_bytes, keep: 100, session, revision, redactor })
            .expect("written")
    }
}

const LARGE: u64 = 1 << 30;

fn call(call: u64) -> Body {
    Body::ToolCall(ToolCall {
        call,
        request_id: call.to_string(),
        tool: "read_file".to_owned(),
        arguments: None,
        argument_bytes: 2,
        caller: None,
        verdict: Verdict::Allowed,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
        waited_ms: 0,
        classes: Vec::new(),
    })
}

fn result(call: u64) -> Body {
    Body::ToolResult(ToolResult {
        call,
        tool: "read_file".to_owned(),
        outcome: Outcome::Success,
        duration_us: 1,
        request_bytes: 1,
        response_bytes: 1,
        error_code: None,
        cause: None,
        rule: None,
        reason: None,
        limit: None,
    })
}

fn denial(what: &str, count: u64) -> Body {
    Body::Denial(Denial {
        layer: Layer::Ebpf,
        cause: Cause::File,
        what: what.to_owned(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: None,
        calls: Vec::new(),
        count,
        limit: None,
    })
}

fn end() -> Body {
    Body::SessionEnd(SessionEnd {
        reason: EndReason::ServerExited,
        detail: None,
        exit_code: Some(0),
        signal: None,
        calls: 1,
        denials: 0,
        duration_us: 5,
        processes_killed: 0,
    })
}

#[test]
fn each_record_is_counted_once_from_sample_to_sample() {
    let (room, mut logs) = (Room::new(), Logs::new(8));
    let (mut log, wanted) = (room.log("aa", LARGE), vec![room.path()]);
    logs.read(&wanted, None);
    assert_eq!(logs.tally(&room.path(), "aa").expect("it can be read").calls, 0);
    for body in [call(1), call(2), result(1), denial("/etc/shadow\u{1b}[2J", 3)] {
        log.write(body).expect("written");
    }
    (0..3).for_each(|_| logs.read(&wanted, None));
    let tally = logs.tally(&room.path(), "aa").expect("it can be read");
    assert_eq!((tally.calls, tally.denials), (2, 3));
    let running: Vec<(u64, &str)> = tally.running.iter().map(|(call, tool, _)| (*call, &**tool)).collect();
    assert_eq!(running, [(2, "read_file")]);
    let last = &tally.last[0];
    assert!(last.ends_with(" ebpf /etc/shadow\\u{1b}[2J: file ×3") && last.as_bytes()[8] == b' ', "{last}");
    assert!(logs.tally(&room.path(), "bb").is_some_and(|tally| tally.calls == 0), "another session's");
}

#[test]
fn rotated_files_count_as_well_and_refusals_are_kept_up_to_a_number() {
    let (room, mut logs) = (Room::new(), Logs::new(8));
    let mut log = room.log("aa", 2000);
    (0..100).for_each(|number| log.write(denial(&format!("/x/{number}"), 1)).expect("written"));
    assert!(std::fs::read_dir(room.0.path()).expect("there").count() > 5, "it has rotated");
    logs.read(&[room.path()], None);
    let tally = logs.tally(&room.path(), "aa").expect("it can be read");
    assert_eq!((tally.denials, tally.last.len()), (100, 24));
    assert!(tally.last.back().is_some_and(|line| line.contains("/x/99")), "{:?}", tally.last);
}

#[test]
fn a_session_that_has_ended_is_forgotten_by_the_log_that_it_shared() {
    let (room, mut logs) = (Room::new(), Logs::new(8));
    let wanted = vec![room.path()];
    let (mut one, mut other) = (room.log("aa", LARGE), room.log("bb", LARGE));
    for log in [&mut one, &mut other] {
        log.write(call(1)).expect("written");
    }
    one.write(end()).expect("written");
    let calls = |logs: &Logs, session| logs.tally(&room.path(), session).expect("it can be read").calls;
    logs.read(&wanted, None);
    assert_eq!((calls(&logs, "aa"), calls(&logs, "bb")), (1, 1), "its card may still be there");
    logs.read(&wanted, None);
    assert_eq!((calls(&logs, "aa"), calls(&logs, "bb")), (0, 1));
}

#[test]
fn a_log_that_takes_long_says_nothing_before_its_end() {
    let (room, mut logs) = (Room::new(), Logs::new(8));
    let (mut log, wanted) = (room.log("aa", LARGE), vec![room.path()]);
    (1..=1000).for_each(|number| log.write(call(number)).expect("written"));
    logs.read(&wanted, Some(Instant::now()));
    assert!(logs.tally(&room.path(), "aa").is_none(), "no time at all");
    let mut rounds = 0;
    while logs.tally(&room.path(), "aa").is_none() {
        logs.read(&wanted, Some(Instant::now() + Duration::from_micros(1)));
        rounds += 1;
    }
    assert!(rounds > 5, "{rounds}");
    assert_eq!(logs.tally(&room.path(), "aa").expect("its end was reached").calls, 1000);
}

#[test]
fn what_cannot_be_read_is_not_told() {
    let (room, mut logs) = (Room::new(), Logs::new(1));
    let absent = room.0.path().join("absent.jsonl");
    logs.read(std::slice::from_ref(&absent), None);
    assert!(logs.tally(&absent, "aa").is_none());
    // It comes later.
    std::fs::write(&absent, "no record\n").expect("written");
    let _log = room.log("aa", LARGE);
    logs.read(&[absent.clone(), room.path()], None);
    assert!(logs.tally(&absent, "aa").is_some_and(|tally| tally.calls == 0));
    assert!(logs.tally(&room.path(), "aa").is_none(), "one log may be open");
}
