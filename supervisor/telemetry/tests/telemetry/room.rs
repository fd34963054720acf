//! A directory with a host's log in it, and records to write into it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::*;
use jiff::Timestamp;
use telemetry::{Entry, HostLog, HostLogConfig, Metrics, Sinks, SinksSection, Sync};

/// A directory that vanishes with the test.
pub(crate) struct Room {
    directory: tempfile::TempDir,
    pub(crate) metrics: Arc<Metrics>,
}

impl Room {
    pub(crate) fn new() -> Self {
        let metrics = Arc::new(Metrics::new("1.2.3", Timestamp::now()));
        Self { directory: tempfile::tempdir().unwrap(), metrics }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.at("log/host.jsonl")
    }

    pub(crate) fn config(&self) -> HostLogConfig {
        HostLogConfig { path: self.path(), max_bytes: 1 << 30, max_age: None, keep: 8, sync: Sync::Rotation }
    }

    pub(crate) fn log(&self) -> HostLog {
        self.log_with(self.config())
    }

    pub(crate) fn log_with(&self, config: HostLogConfig) -> HostLog {
        HostLog::open(config, Sinks::none(), Arc::clone(&self.metrics)).unwrap()
    }

    pub(crate) fn log_to(&self, sinks: &SinksSection) -> HostLog {
        let sinks = Sinks::start(sinks, &self.metrics).unwrap();
        HostLog::open(self.config(), sinks, Arc::clone(&self.metrics)).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        read(&self.path(), Filter::default()).unwrap().map(Result::unwrap).collect()
    }

    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.records().iter().map(|record| record.body.event()).collect()
    }

    pub(crate) fn verified(&self) -> Verified {
        verify(&self.path()).unwrap()
    }

    /// The value of a series as Prometheus would read it; `None` if it is not there.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }

    /// Waits until the series has at least this value.
    pub(crate) fn reaches(&self, series: &str, value: f64) {
        until(series, || self.metric(series).is_some_and(|now| now >= value));
    }
}

/// Waits until something holds, for as long as a loaded machine may take.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} in 30 seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn session(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

/// The policy of all these sessions.
pub(crate) fn revision() -> Option<Revision> {
    Revision::of(&"ab".repeat(32))
}

fn entry(name: &str, body: Body) -> Entry {
    Entry { session: session(name), revision: revision(), body }
}

pub(crate) fn noise(name: &str, sample: &str) -> Entry {
    let body = Noise { stream: Stream::Stdout, bytes: 1, lines: 1, sample: Some(sample.to_owned()) };
    entry(name, Body::Noise(body))
}

pub(crate) fn denial(what: &str) -> Denial {
    Denial {
        layer: Layer::Ebpf,
        cause: Cause::File,
        what: what.to_owned(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: None,
        calls: vec![CallRef { call: 7, tool: "read_file".to_owned() }],
        count: 1,
        limit: None,
    }
}

pub(crate) fn kernel(name: &str, sequence: u64) -> Entry {
    let body = KernelDenial { sequence: sequence.try_into().unwrap(), denial: denial("/etc/shadow") };
    entry(name, Body::KernelDenial(body))
}

pub(crate) fn end(name: &str) -> Entry {
    let body = SessionEnd {
        reason: EndReason::ServerExited,
        detail: None,
        exit_code: Some(0),
        signal: None,
        calls: 1,
        denials: 0,
        duration_us: 5,
        processes_killed: 0,
    };
    entry(name, Body::SessionEnd(body))
}
