//! A file that cannot grow: nothing of what failed is in it, numbers are taken back, and losses are told of later.
//!
//! A file of its own, because the limit holds for the whole process; one test at a time.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit::*;
use jiff::Timestamp;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use telemetry::{Entry, HostLog, HostLogConfig, HostLogError, Metrics, Sinks, Sync};

static LIMIT: Mutex<()> = Mutex::new(());

/// Only this test changes the limit now, and gets an error instead of a signal.
fn alone() -> MutexGuard<'static, ()> {
    let alone = LIMIT.lock().unwrap_or_else(PoisonError::into_inner);
    SigSet::from(Signal::SIGXFSZ).thread_block().expect("a signal that can be blocked");
    limit(RLIM_INFINITY);
    alone
}

/// Lets files of this process grow to so many bytes (setrlimit(2), `RLIMIT_FSIZE`: EFBIG, and SIGXFSZ if not blocked).
fn limit(bytes: u64) {
    setrlimit(Resource::RLIMIT_FSIZE, bytes, RLIM_INFINITY).expect("the hard limit is higher");
}

fn log(path: &Path, max_bytes: u64) -> HostLog {
    let config =
        HostLogConfig { path: path.to_owned(), max_bytes, max_age: None, keep: 8, sync: Sync::Batch };
    HostLog::open(config, Sinks::none(), Arc::new(Metrics::new("1", Timestamp::now()))).expect("a log")
}

fn session() -> SessionId {
    SessionId::new("s1").expect("a name that fits")
}

fn kernel(sequence: u64) -> Entry {
    let denial = Denial {
        layer: Layer::Ebpf,
        cause: Cause::File,
        what: "/etc/shadow".to_owned(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: None,
        calls: vec![],
        count: 1,
        limit: None,
    };
    let sequence = sequence.try_into().expect("numbers count from 1");
    Entry { session: session(), revision: None, body: Body::KernelDenial(KernelDenial { sequence, denial }) }
}

#[test]
fn a_batch_that_does_not_fit_leaves_no_trace_but_a_count() {
    let _alone = alone();
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("host.jsonl");
    let mut log = log(&path, 1 << 30);
    log.append(kernel(1)).unwrap();
    let (before, head) = (fs::read(&path).unwrap(), log.head());

    // The first record of the batch would fit and half of the second: all of it must be taken back. Then not even the
    // record that tells of the loss fits.
    let length = before.len() as u64;
    for (round, room) in (1..).zip([length * 5 / 2, length + 150, length + 1]) {
        limit(room);
        let error = log.append_all(vec![kernel(2), kernel(3)]).unwrap_err();
        assert_eq!((error.written, error.lost), (0, 2), "{error}");
        let HostLogError::Write { source, .. } = &error.source else { panic!("{error}") };
        assert_eq!(source.raw_os_error(), Some(nix::libc::EFBIG));
        assert!(fs::read(&path).unwrap() == before, "round {round}");
        assert_eq!((log.last_kernel_sequence(&session()), log.head()), (1, head));
        assert_eq!(log.lost(), 2 * round);
    }
    limit(RLIM_INFINITY);
    assert_eq!(log.append_all(vec![kernel(2), kernel(3)]).unwrap().written, 2);
    drop(log);

    let records: Vec<Record> = read(&path, Filter::default()).unwrap().map(Result::unwrap).collect();
    let Body::Lost(lost) = &records[1].body else { panic!("a loss") };
    assert_eq!((lost.count, lost.kind, records.len()), (6, LostKind::Records, 4));
    let verified = verify(&path).unwrap();
    assert_eq!((verified.sessions[0].kernel_last, verified.sessions[0].kernel_missing), (3, 0));
}

#[test]
fn a_rotation_that_fails_leaves_the_old_file_and_where_sessions_stand() {
    let _alone = alone();
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("host.jsonl");
    let mut log = log(&path, 900);
    log.append_all(vec![kernel(1), kernel(2)]).unwrap();
    let before = fs::read(&path).unwrap();
    // Not even the first line of the next file fits.
    limit(100);
    let error = log.append(kernel(3)).unwrap_err();
    assert!(matches!(error.source, HostLogError::Rotate { .. }), "{error}");
    limit(RLIM_INFINITY);
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    log.append(kernel(3)).unwrap();
    log.close().unwrap();
    let verified = verify(&path).unwrap();
    let records = read(&path, Filter::default()).unwrap().map(Result::unwrap);
    let events: Vec<_> = records.map(|record| record.body.event()).collect();
    let count = |event| events.iter().filter(|found| **found == event).count();
    assert_eq!((count("kernel_denial"), count("lost")), (3, 1));
    assert_eq!(count("rotated") + 1, verified.files.len());
    let seen = verified.sessions.iter().find(|seen| seen.session == session()).unwrap();
    assert_eq!((seen.last, seen.kernel_last, seen.kernel_missing), (3, 3, 0));
}
