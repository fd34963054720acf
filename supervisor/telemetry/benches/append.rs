//! The price of records in the host's log: small kernel denials, in batches as the daemon hears them.

use std::num::NonZeroU64;
use std::sync::Arc;

use audit::{Action, Body, Cause, Denial, KernelDenial, Layer, Process, Revision, SessionId};
use divan::counter::ItemsCount;
use jiff::Timestamp;
use telemetry::{Entry, HostLog, HostLogConfig, Metrics, Sinks, Sync};

/// Records of one batch.
const BATCH: u64 = 1000;
/// Sessions that they are of, in turn.
const SESSIONS: u64 = 50;

fn main() {
    divan::main();
}

fn entry(session: &SessionId, sequence: u64) -> Entry {
    let denial = Denial {
        layer: Layer::Ebpf,
        cause: Cause::File,
        what: "/home/someone/.ssh/id_ed25519".to_owned(),
        detail: Some("read".to_owned()),
        action: Action::Denied,
        rule: None,
        reason: None,
        process: Some(Process { pid: 4711, program: Some("node".to_owned()) }),
        calls: Vec::new(),
        count: 1,
        limit: None,
    };
    let sequence = NonZeroU64::new(sequence).expect("numbers count from 1");
    let (session, revision) = (session.clone(), Revision::of(&"ab".repeat(32)));
    Entry { session, revision, body: Body::KernelDenial(KernelDenial { sequence, denial }) }
}

fn log(room: &tempfile::TempDir, sync: Sync) -> HostLog {
    let path = room.path().join("host.jsonl");
    let config = HostLogConfig { path, max_bytes: 1 << 30, max_age: None, keep: 2, sync };
    let metrics = Arc::new(Metrics::new("bench", Timestamp::now()));
    HostLog::open(config, Sinks::none(), metrics).expect("a log")
}

/// The `round`th thousand records, of fifty sessions in turn.
fn batch(round: u64) -> Vec<Entry> {
    let session = |at| SessionId::new(format!("{:016x}", at % SESSIONS)).expect("a name that fits");
    let number = |at| round * (BATCH / SESSIONS) + at / SESSIONS + 1;
    (0..BATCH).map(|at| entry(&session(at), number(at))).collect()
}

/// A thousand records of fifty sessions in one append.
#[divan::bench(args = [Sync::Rotation, Sync::Batch])]
fn append(bencher: divan::Bencher, sync: Sync) {
    let room = tempfile::tempdir().expect("a temporary directory");
    let (mut log, mut round) = (log(&room, sync), 0);
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| {
            round += 1;
            batch(round)
        })
        .bench_local_values(|entries| log.append_all(entries).expect("room on the disk"));
}

/// Starting again on a file of so many thousand records: 150 are about what a file of 64 MiB holds.
#[divan::bench(args = [1, 150], sample_count = 10)]
fn open(bencher: divan::Bencher, thousands: u64) {
    let room = tempfile::tempdir().expect("a temporary directory");
    let mut written = log(&room, Sync::Rotation);
    for round in 0..thousands {
        written.append_all(batch(round)).expect("room on the disk");
    }
    drop(written);
    bencher.counter(ItemsCount::new(thousands * BATCH)).bench_local(|| log(&room, Sync::Rotation));
}
