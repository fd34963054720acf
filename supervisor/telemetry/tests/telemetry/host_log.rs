//! What is appended is there, once, in one chain, with each session's own numbers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use audit::*;
use jiff::SignedDuration;
use proptest::prelude::*;
use telemetry::{Appended, Entry, HostLog, HostLogConfig, HostLogError, Sinks};

use super::room::{Room, end, kernel, noise, revision, session};

/// What a daemon does with its log.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Entry>),
    /// The daemon dies and starts again.
    Again,
    Tick,
}

fn entry() -> impl Strategy<Value = Entry> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        3 => (name.clone(), "[a-z]{0,200}").prop_map(|(name, sample)| noise(name, &sample)),
        3 => (name, 1..12_u64).prop_map(|(name, sequence)| kernel(name, sequence)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(entry(), 0..6).prop_map(Step::Write),
        1 => Just(Step::Again),
        1 => Just(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However batches, rotations and restarts fall, the log verifies, each session is whole and each event is there once.
    #[test]
    fn any_course_of_a_daemon_leaves_a_log_that_verifies(
        steps in prop::collection::vec(step(), 1..25),
        max_bytes in 300..4000_u64,
    ) {
        let room = Room::new();
        let config = HostLogConfig { max_bytes, keep: 1000, ..room.config() };
        let mut log = room.log_with(config.clone());
        let (mut written, mut wanted) = (0, Vec::<Entry>::new());
        for step in steps {
            match step {
                Step::Write(entries) => {
                    let Appended { written: now, skipped, lost } = log.append_all(entries.clone()).unwrap();
                    prop_assert_eq!((now + skipped, lost), (entries.len() as u64, 0));
                    written += now;
                    wanted.extend(entries);
                }
                Step::Again => {
                    drop(log);
                    log = room.log_with(config.clone());
                }
                Step::Tick => log.tick().unwrap(),
            }
        }
        let head = log.head();
        log.close().unwrap();
        let verified = room.verified();
        prop_assert!(verified.head == head && verified.damages.is_empty() && verified.repairs.is_empty());
        let told: Vec<Entry> = room.records().into_iter()
            .filter(|record| record.session != SessionId::host())
            .map(|record| Entry { session: record.session, revision: record.revision, body: record.body })
            .collect();
        prop_assert_eq!(told.len() as u64, written);
        let mut once: Vec<Entry> = Vec::new();
        for entry in wanted {
            if !matches!(entry.body, Body::KernelDenial(_)) || !once.contains(&entry) {
                once.push(entry);
            }
        }
        prop_assert_eq!(told, once);
    }
}

#[test]
fn an_event_that_was_written_before_a_crash_is_not_written_again() {
    let room = Room::new();
    let config = HostLogConfig { max_bytes: 700, ..room.config() };
    let mut log = room.log_with(config.clone());
    log.append_all(vec![kernel("a", 1), kernel("b", 1), kernel("a", 4), kernel("a", 3)]).unwrap();
    // Much is written by others meanwhile, over many files.
    for _ in 0..20 {
        log.append(noise("b", &"x".repeat(300))).unwrap();
    }
    drop(log);

    let mut log = room.log_with(config);
    let a = session("a");
    assert_eq!((log.last_kernel_sequence(&a), log.missing_kernel_events(&a)), (4, 1));
    assert_eq!(log.last_kernel_sequence(&session("never")), 0);
    let has = |log: &HostLog, sequence: u64| log.has_kernel_event(&a, sequence.try_into().unwrap());
    assert_eq!((has(&log, 1), has(&log, 2), has(&log, 3), has(&log, 5)), (true, false, true, false));
    let again = log.append_all((1..=5).map(|sequence| kernel("a", sequence)).collect()).unwrap();
    assert_eq!((again.written, again.skipped), (2, 3));
    drop(log);
    let seen = room.verified().sessions.into_iter().find(|seen| seen.session == a).unwrap();
    assert_eq!((seen.kernel_last, seen.kernel_missing, seen.last), (5, 0, 5));
}

#[test]
fn where_sessions_stand_outlives_the_files_that_told_it() {
    let room = Room::new();
    let config = HostLogConfig { max_bytes: 2000, keep: 1, ..room.config() };
    let mut log = room.log_with(config.clone());
    log.append_all(vec![noise("quiet", "x"), kernel("quiet", 9), noise("gone", "x"), end("gone")]).unwrap();
    for _ in 0..40 {
        log.append(noise("loud", &"x".repeat(300))).unwrap();
    }
    drop(log);
    assert_eq!(log_files(&room.path()).unwrap().len(), 2);

    let mut log = room.log_with(config);
    let mut names: Vec<_> = log.sessions().map(|(name, standing)| (name.to_string(), standing.seq)).collect();
    names.sort();
    // What has ended is forgotten a file later.
    assert_eq!(names, [("loud".to_owned(), 40), ("quiet".to_owned(), 2)]);
    log.append(kernel("quiet", 9)).unwrap();
    log.append(kernel("quiet", 10)).unwrap();
    drop(log);
    let verified = room.verified();
    assert!(verified.continues.is_some());
    let quiet = verified.sessions.iter().find(|seen| seen.session.as_str() == "quiet").unwrap();
    assert_eq!((quiet.first, quiet.last, quiet.kernel_last, quiet.kernel_missing), (3, 3, 10, 8));
}

#[test]
fn a_file_is_rotated_by_age_too() {
    let room = Room::new();
    let config = HostLogConfig { max_age: Some(SignedDuration::ZERO), ..room.config() };
    let mut log = room.log_with(config);
    log.append(noise("a", "x")).unwrap();
    log.tick().unwrap();
    assert_eq!(room.events(), ["noise", "rotated", "carried"]);
    let Body::Rotated(rotated) = &room.records()[1].body else { panic!("a rotation") };
    assert_eq!((rotated.reason, rotated.from.as_deref()), (RotationReason::Age, Some("host.jsonl.1")));
    assert_eq!(room.metric("mcpguard_log_rotations_total"), Some(1.0));
}

#[test]
fn a_log_that_is_moved_or_removed_under_the_daemon_is_carried_on() {
    let room = Room::new();
    let mut log = room.log();
    log.append_all(vec![noise("a", "1"), kernel("a", 3)]).unwrap();
    fs::rename(room.path(), room.at("log/host.jsonl.1")).unwrap();
    log.append(noise("a", "2")).unwrap();
    assert_eq!(room.events(), ["noise", "kernel_denial", "rotated", "carried", "noise"]);
    fs::remove_file(room.path()).unwrap();
    log.append(noise("a", "3")).unwrap();
    // What was removed is missing, and that is found.
    assert!(verify(&room.path()).unwrap_err().what.contains("removed"));
}

#[test]
fn what_somebody_else_does_to_the_file_is_found_by_verify_or_said() {
    let room = Room::new();
    let mut log = room.log();
    log.append_all(vec![noise("a", "1"), noise("a", "2")]).unwrap();
    let whole = room.bytes();
    // A stranger appends a text; it stays, and the next record names it.
    fs::write(room.path(), [&whole[..], b"hello\nworld"].concat()).unwrap();
    log.append(noise("a", "3")).unwrap();
    assert_eq!(room.verified().damages.len(), 1);
    // A stranger cuts off a line.
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    fs::write(room.path(), &whole[..first]).unwrap();
    log.append(noise("a", "4")).unwrap();
    assert!(verify(&room.path()).is_err());
}

#[test]
fn one_daemon_writes_and_only_fit_files_are_written() {
    let room = Room::new();
    let open = || HostLog::open(room.config(), Sinks::none(), room.metrics.clone()).map(drop);
    let log = room.log();
    assert_eq!(fs::metadata(room.path()).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(matches!(open(), Err(HostLogError::Locked { .. })));
    drop(log);
    for (mode, fits) in [(0o660, false), (0o644, false), (0o600, true), (0o640, true)] {
        fs::set_permissions(room.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(open().is_ok(), fits, "{mode:o}");
    }
    for foreign in ["hello\n", "hello", "{}\n{}\n", "{\"v\":1,\"time\":\"x\n"] {
        fs::write(room.path(), foreign).unwrap();
        assert!(matches!(open(), Err(HostLogError::Unfit { .. })), "{foreign}");
        assert_eq!(fs::read_to_string(room.path()).unwrap(), foreign);
    }
    fs::remove_file(room.path()).unwrap();
    std::os::unix::fs::symlink("/dev/null", room.path()).unwrap();
    assert!(open().is_err());
}

#[test]
fn records_of_sessions_name_their_policy_and_the_logs_own_name_none() {
    let room = Room::new();
    let mut log = room.log_with(HostLogConfig { max_bytes: 700, ..room.config() });
    let other = Revision::of(&"cd".repeat(32));
    let unknown = Entry { revision: None, ..noise("c", "1") };
    let entries =
        vec![noise("a", "1"), Entry { revision: other, ..noise("b", "1") }, unknown, noise("a", "2")];
    log.append_all(entries).unwrap();
    log.count_lost(1, "to be told");
    log.close().unwrap();
    let records = room.records();
    let host = |record: &&Record| record.session == SessionId::host();
    let own: Vec<_> =
        records.iter().filter(host).map(|record| (record.body.event(), record.revision)).collect();
    for event in ["rotated", "carried", "lost"] {
        assert!(own.contains(&(event, None)), "{event}: {own:?}");
    }
    assert!(own.iter().all(|(_, named)| named.is_none()), "{own:?}");
    let sessions: Vec<_> =
        records.iter().filter(|record| !host(record)).map(|record| record.revision).collect();
    assert_eq!(sessions, [revision(), other, None, revision()]);
    assert!(room.verified().repairs.is_empty());
    // The next one goes on from there.
    let mut log = room.log();
    log.append(noise("b", "2")).unwrap();
    assert_eq!(room.records().last().unwrap().seq, 2);
}

#[test]
fn a_record_that_no_line_can_hold_is_counted_and_told_of() {
    let room = Room::new();
    let mut log = room.log();
    let lines = "x".repeat(4000);
    let huge = Body::SessionStart(Box::new(SessionStart {
        mcpguard: String::new(),
        policy: Policy { name: String::new(), revision: String::new(), sources: vec![lines; 3000] },
        command: vec![],
        workspace: String::new(),
        uid: 0,
        pid: 0,
        client: None,
        scopes: vec![],
        kernel: Kernel::default(),
        coverage: vec![],
        degraded: vec![],
        unredacted: vec![],
    }));
    let entries = vec![noise("a", "1"), Entry { body: huge, ..noise("a", "") }, noise("a", "2")];
    assert_eq!(log.append_all(entries).unwrap(), Appended { written: 2, skipped: 0, lost: 1 });
    assert_eq!(room.metric("mcpguard_log_lost_records_total"), Some(1.0));
    log.tick().unwrap();
    assert_eq!(room.events(), ["noise", "noise", "lost"]);
    assert_eq!(room.verified().records, 3);
}
