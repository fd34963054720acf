//! Metrics of the host: counted here, shown as OpenMetrics text, and read by the OTLP sink.

mod family;
mod names;
mod server;
mod text;
mod usage;

pub use server::{ListenError, MetricsListener, serve_metrics};
pub use usage::SessionUsage;

pub(crate) use family::{Family, Kind};

use std::sync::{Mutex, PoisonError};

use audit::{Actor, EndReason};
use jiff::Timestamp;
use serde::Serialize;

use names::Families;
use usage::Spent;

/// How many sessions are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// Being opened.
    pub opening: u64,
    /// Running.
    pub running: u64,
    /// Frozen.
    pub frozen: u64,
    /// Being ended.
    pub ending: u64,
    /// Their supervisor is gone.
    pub orphaned: u64,
}

/// How a proof that a guard denies went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// What must be denied was denied and told.
    Ok,
    /// It was not.
    Failed,
}

/// Everything that is counted on this host. All methods may be called from any thread and never wait for long.
///
/// A metric has at most 256 series; what comes with other labels after that is counted under `other`.
#[derive(Debug)]
pub struct Metrics {
    families: Families,
    spent: Mutex<Spent>,
}

impl Metrics {
    /// Nothing is counted yet. `version` is that of the build, `started` when the front started.
    pub fn new(version: &str, started: Timestamp) -> Self {
        let families = Families::new();
        families.build.set(&[version], 1);
        families.started.set(&[], started.as_microsecond().max(0).unsigned_abs());
        let metrics = Self { families, spent: Mutex::default() };
        metrics.sessions(SessionCounts::default());
        metrics.begin_at_zero();
        metrics
    }

    /// Series that alerts look at are there before the first event: a rate needs a value to grow from.
    fn begin_at_zero(&self) {
        for actor in [Actor::Owner, Actor::Operator, Actor::Policy, Actor::Daemon] {
            self.families.kills.add(&[&word(actor)], 0);
            self.families.freezes.add(&[&word(actor)], 0);
        }
        for result in ["ok", "failed"] {
            self.families.canary.add(&[result], 0);
        }
    }

    /// Sessions by state, all at once.
    pub fn sessions(&self, counts: SessionCounts) {
        let SessionCounts { opening, running, frozen, ending, orphaned } = counts;
        let states = [
            ("opening", opening),
            ("running", running),
            ("frozen", frozen),
            ("ending", ending),
            ("orphaned", orphaned),
        ];
        states.into_iter().for_each(|(state, count)| self.families.sessions.set(&[state], count));
    }

    /// A session was opened.
    pub fn opened(&self) {
        self.families.opened.add(&[], 1);
    }

    /// A session was asked for and refused, with this code (`host_rules`, `not_enforceable`).
    pub fn refused(&self, code: &str) {
        self.families.refused.add(&[code], 1);
    }

    /// A session ended.
    pub fn ended(&self, reason: EndReason) {
        self.families.ended.add(&[&word(reason)], 1);
    }

    /// The kernel denied something so many times: what was attempted (`open`, `connect`) and why (`not_granted`).
    pub fn denied(&self, kind: &str, reason: &str, count: u64) {
        self.families.denials.add(&[kind, reason], count);
    }

    /// The kernel had no room for so many events.
    pub fn events_dropped(&self, count: u64) {
        self.families.dropped.add(&[], count);
    }

    /// A session was killed.
    pub fn killed(&self, by: Actor) {
        self.families.kills.add(&[&word(by)], 1);
    }

    /// A session was frozen.
    pub fn frozen(&self, by: Actor) {
        self.families.freezes.add(&[&word(by)], 1);
    }

    /// A guard was proved to deny, or not.
    pub fn proved(&self, proof: Proof) {
        let result = match proof {
            Proof::Ok => "ok",
            Proof::Failed => "failed",
        };
        self.families.canary.add(&[result], 1);
    }

    /// The front was started again so many times, as the keeper says.
    pub fn front_restarts(&self, count: u64) {
        self.families.front_restarts.set(&[], count);
    }

    /// What all sessions that run use now. Sessions that are not named have ended: their processor time stays counted.
    pub fn usage(&self, sessions: &[SessionUsage]) {
        let labels = |usage: &SessionUsage| vec![usage.policy.clone(), usage.user.clone()];
        let Families { policy_sessions, memory, cpu, .. } = &self.families;
        policy_sessions.replace(sessions.iter().map(|usage| (labels(usage), 1)));
        memory.replace(sessions.iter().map(|usage| (labels(usage), usage.memory_bytes)));
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner).since(sessions);
        for (usage, spent) in sessions.iter().zip(spent) {
            cpu.add(&[&usage.policy, &usage.user], spent);
        }
    }

    pub(crate) fn logged(&self, records: u64, bytes: u64) {
        self.families.log_records.add(&[], records);
        self.families.log_bytes.add(&[], bytes);
    }

    pub(crate) fn log_lost(&self, records: u64) {
        self.families.log_lost.add(&[], records);
    }

    pub(crate) fn log_rotated(&self) {
        self.families.log_rotations.add(&[], 1);
    }

    pub(crate) fn sink_sent(&self, sink: &str, records: u64) {
        self.families.sink_records.add(&[sink], records);
    }

    pub(crate) fn sink_dropped(&self, sink: &str, records: u64) {
        self.families.sink_dropped.add(&[sink], records);
    }

    pub(crate) fn sink_failed(&self, sink: &str) {
        self.families.sink_failures.add(&[sink], 1);
    }

    /// All metrics, in the order in which they are shown.
    pub(crate) fn families(&self) -> Vec<&Family> {
        self.families.all()
    }
}

/// The word that stands for the value in the log; the same in metrics.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
