//! A file that cannot grow: the write fails with the kernel's own error, and the chain stays whole.
//!
//! A file of its own, because the limit holds for the whole process; one test at a time.

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit::*;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};

fn noise(sample: &str) -> Body {
    Body::Noise(Noise { stream: Stream::Stderr, bytes: 1, lines: 1, sample: Some(sample.to_owned()) })
}

/// Lets files of this process grow to so many bytes (setrlimit(2), `RLIMIT_FSIZE`: EFBIG, and SIGXFSZ if not blocked).
fn limit(bytes: u64) {
    setrlimit(Resource::RLIMIT_FSIZE, bytes, RLIM_INFINITY).expect("the hard limit is higher");
}

fn config(room: &tempfile::TempDir, max_bytes: u64) -> LogConfig {
    LogConfig {
        path: room.path().join("log.jsonl"),
        max_bytes,
        keep: 8,
        session: SessionId::new("s1").expect("a name that fits"),
        revision: None,
        redactor: Arc::new(Redactor::none()),
    }
}

static LIMIT: Mutex<()> = Mutex::new(());

/// Only this test changes the limit now, and gets an error instead of a signal.
fn alone() -> MutexGuard<'static, ()> {
    let alone = LIMIT.lock().unwrap_or_else(PoisonError::into_inner);
    SigSet::from(Signal::SIGXFSZ).thread_block().expect("a signal that can be blocked");
    limit(RLIM_INFINITY);
    alone
}

#[test]
fn a_record_that_does_not_fit_leaves_no_trace_but_a_count() {
    let _alone = alone();
    let room = tempfile::tempdir().unwrap();
    let mut log = Log::open(config(&room, 1 << 30)).unwrap();
    let path = log.path().to_owned();
    log.write(noise("fits")).unwrap();
    let before = fs::read(&path).unwrap();

    // Half of the next line fits: the kernel writes that half, and it must be taken back.
    limit(before.len() as u64 + 150);
    for lost in 1..=3 {
        let error = log.write(noise("does not fit")).unwrap_err();
        let LogError::Write { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.raw_os_error(), Some(nix::libc::EFBIG));
        assert_eq!(log.lost(), lost);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(verify(&path).unwrap().truncated_tail, None);
    }
    limit(RLIM_INFINITY);
    log.write(noise("fits again")).unwrap();
    assert_eq!(log.lost(), 0);
    log.close().unwrap();

    let records: Vec<_> = read(&path, Filter::default()).unwrap().map(Result::unwrap).collect();
    let events: Vec<_> = records.iter().map(|record| record.body.event()).collect();
    assert_eq!(events, ["noise", "lost", "noise"]);
    let Body::Lost(Lost { count: 3, kind: LostKind::Records, reason: Some(reason) }) = &records[1].body
    else {
        panic!("{:?}", records[1]);
    };
    assert!(reason.contains("File too large"), "{reason}");
    assert_eq!(verify(&path).unwrap().sessions[0].last, 3);
}

#[test]
fn a_rotation_that_fails_leaves_the_old_file() {
    let _alone = alone();
    let room = tempfile::tempdir().unwrap();
    let mut log = Log::open(config(&room, 600)).unwrap();
    let path = log.path().to_owned();
    log.write(noise("first")).unwrap();
    let before = fs::read(&path).unwrap();
    limit(100);
    assert!(log.write(noise(&"long ".repeat(100))).is_err());
    limit(RLIM_INFINITY);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    log.write(noise(&"long ".repeat(100))).unwrap();
    log.close().unwrap();
    let verified = verify(&path).unwrap();
    assert!(verified.files.len() > 1 && verified.sessions[0].first == 1, "{verified:?}");
}

#[test]
fn losses_at_the_end_are_not_kept_quiet() {
    let _alone = alone();
    let room = tempfile::tempdir().unwrap();
    let mut log = Log::open(config(&room, 1 << 30)).unwrap();
    limit(10);
    assert!(log.write(noise("lost")).is_err());
    assert!(log.close().is_err());
    limit(RLIM_INFINITY);
    let mut log = Log::open(config(&room, 1 << 30)).unwrap();
    assert!(log.write(noise("found")).is_ok());
}
