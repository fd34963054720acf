//! The price of records in the host's log: small kernel denials, in batches as the daemon hears them.

use std::num::NonZeroU64;
use std::sync::Arc;

use audit::{Action, Body, Cause, Denial, KernelDenial, Layer, Process, SessionId};
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
    Entry { session: session.clone(), body: Body::KernelDenial(KernelDenial { sequence, denial }) }
}

/// A thousand records of fifty sessions in one append.
#[divan::bench(args = [Sync::Rotation, Sync::Batch])]
fn append(bencher: divan::Bencher, sync: Sync) {
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = room.path().join("host.jsonl");
    let config = HostLogConfig { path, max_bytes: 64 << 20, max_age: None, keep: 2, sync };
    let metrics = Arc::new(Metrics::new("bench", Timestamp::now()));
    let mut log = HostLog::open(config, Sinks::none(), metrics).expect("a log");
    let sessions: Vec<SessionId> =
        (0..SESSIONS).filter_map(|n| SessionId::new(format!("{n:016x}"))).collect();
    let mut round = 0;
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| {
            round += 1;
            let number = |at| round * (BATCH / SESSIONS) + at / SESSIONS;
            (0..BATCH).map(|at| entry(&sessions[(at % SESSIONS) as usize], number(at))).collect::<Vec<_>>()
        })
        .bench_local_values(|entries| log.append_all(entries).expect("room on the disk"));
}
