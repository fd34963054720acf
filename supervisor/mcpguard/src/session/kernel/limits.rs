//! Limits of the control group that were reached: out of memory, no more processes.

use std::time::{Duration, Instant};

use audit::{Action, Body, Cause, Denial, Layer};
use policy::Plan;
use policy::plan::Ask;

use super::ground::Ground;
use super::tell::Rules;

/// How often the counters are read.
const EVERY: Duration = Duration::from_secs(1);

/// What was counted when it was last looked at.
pub(super) struct Limits {
    memory: Option<u64>,
    processes: Option<u64>,
    out_of_memory: u64,
    refused_forks: u64,
    next: Option<Instant>,
}

impl Limits {
    pub(super) fn of(plan: &Plan) -> Self {
        let memory = plan.limits.memory_bytes;
        let processes = plan.limits.max_processes.map(u64::from);
        let next = (memory.is_some() || processes.is_some()).then(|| Instant::now() + EVERY);
        Self { memory, processes, out_of_memory: 0, refused_forks: 0, next }
    }

    /// When the counters are to be read.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The records about limits that were reached since the last time.
    pub(super) fn records(&mut self, of: &Ground, rules: &Rules, now: Instant, all: bool) -> Vec<Body> {
        if !(all || self.next.is_some_and(|next| next <= now)) {
            return Vec::new();
        }
        self.next = self.next.map(|_| now + EVERY);
        let events = of.resources();
        let (killed, refused) = (events.oom_kills.unwrap_or(0), events.pids_max_hits.unwrap_or(0));
        let new = [
            (killed - killed.min(self.out_of_memory), "memory", Ask::Memory, self.memory, Action::Killed),
            (
                refused - refused.min(self.refused_forks),
                "processes",
                Ask::Processes,
                self.processes,
                Action::Denied,
            ),
        ];
        (self.out_of_memory, self.refused_forks) = (killed, refused);
        let reached = new.into_iter().filter(|(count, ..)| *count > 0);
        reached
            .map(|(count, what, ask, limit, action)| reached_limit(what, rules, &ask, limit, action, count))
            .collect()
    }
}

fn reached_limit(
    what: &str,
    rules: &Rules,
    ask: &Ask,
    limit: Option<u64>,
    action: Action,
    count: u64,
) -> Body {
    Body::Denial(Denial {
        layer: Layer::Cgroup,
        cause: Cause::Resource,
        what: what.to_owned(),
        detail: None,
        action,
        rule: rules.asking(ask),
        reason: Some(format!("the control group's limit of {what} was reached")),
        process: None,
        calls: Vec::new(),
        count,
        limit,
    })
}
