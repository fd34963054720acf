//! The host log as the front's [`Log`]: every fact becomes a record, and is counted.
//!
//! ```text
//! Fact ─► record ─► what waits ── flush ─► thread: telemetry::HostLog ─► host.jsonl, sinks
//!   └───► telemetry::Metrics                  └─► up to which notice everything is written for good
//! ```
//! The disk is waited for on a thread of its own. What waits for it is bounded: kernel events by the kernel's ring, since
//! the keeper reads no further while nothing is acknowledged; everything else is counted as lost beyond a number.

mod known;
mod record;
mod refusals;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Result;
use std::sync::Arc;

use control::SessionId;
use control::message::{Actor, Because, State};
use enforce::KernelEvent;
use telemetry::{
    Entry, HostLog, HostLogConfig, LogSection, Metrics, Proof, SessionCounts, SessionUsage, Sinks,
};

use super::front::log::{About, Fact, Log, Seen};
use super::front::words;
use known::Known;
use refusals::Refusals;
use writer::{Message, Writer};

/// Facts that wait to be written, beyond which those are lost that the keeper could not tell again.
const WAITING: usize = 128 << 10;

/// The host log.
pub(super) struct Journal {
    metrics: Arc<Metrics>,
    writer: Writer,
    known: BTreeMap<SessionId, Known>,
    refusals: Refusals,
    /// What was taken since the last flush, and how many facts there was no room for.
    taken: Vec<Entry>,
    lost: u64,
    /// The last notice that was taken, and the last one that the writer was told of.
    last: u64,
    told: u64,
    /// Whether the sessions that there were in the beginning are known.
    began: bool,
}

impl Journal {
    /// Opens the log and starts the thread that writes it.
    ///
    /// # Errors
    /// The file cannot be the host's log, a sink cannot be used, or no thread can be had.
    pub(super) fn open(section: &LogSection, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let sinks = Sinks::start(&section.sinks, metrics)?;
        let log = HostLog::open(HostLogConfig::from(section), sinks, Arc::clone(metrics))?;
        Ok(Self {
            metrics: Arc::clone(metrics),
            writer: Writer::start(log)?,
            known: BTreeMap::new(),
            refusals: Refusals::default(),
            taken: vec![record::start()],
            lost: 0,
            last: 0,
            told: 0,
            began: false,
        })
    }

    /// Takes a record, if there is room for it.
    fn take(&mut self, entry: Entry) {
        match self.taken.len() + self.writer.waiting() < WAITING {
            true => self.taken.push(entry),
            false => self.lost += 1,
        }
    }

    /// The kernel's ring has bounded these already.
    fn denied(&mut self, id: &SessionId, about: Option<&About<'_>>, event: &KernelEvent) {
        let word = |value| record::word(&value);
        self.metrics.denied(&word(words::kind(event.kind)), &record::word(&words::reason(event.reason)), 1);
        if let Some(known) = self.known.get_mut(id) {
            known.denials += 1;
        }
        self.taken.push(record::denied(id, about, event));
    }

    fn ended(&mut self, about: &About<'_>, because: &Because) {
        let known = self.known.remove(about.id).unwrap_or_default();
        let reason = known.reason(because);
        self.metrics.ended(reason);
        self.take(record::ended(about, because, reason, &known));
    }

    fn known(&mut self, about: &About<'_>) -> &mut Known {
        self.known.entry(about.id.clone()).or_default()
    }

    fn count(&self, sessions: &[Seen<'_>]) {
        let mut counts = SessionCounts::default();
        for seen in sessions {
            let count = match seen.state {
                State::Opening => &mut counts.opening,
                State::Running => &mut counts.running,
                State::Frozen(_) => &mut counts.frozen,
                State::Ending => &mut counts.ending,
                State::Orphaned => &mut counts.orphaned,
            };
            *count += 1;
        }
        self.metrics.sessions(counts);
        let usage: Vec<SessionUsage> = sessions.iter().map(usage).collect();
        self.metrics.usage(&usage);
    }

    /// What there was before the first fact: sessions that the log does not know begin, those that it misses have ended.
    fn begin(&mut self, sessions: &[Seen<'_>]) {
        self.began = true;
        for seen in sessions {
            self.known.insert(seen.about.id.clone(), Known::taken_over());
        }
        let standing = sessions.iter().map(|seen| record::opened(&seen.about)).collect();
        self.writer.tell(Message::Standing(standing));
    }
}

fn usage(seen: &Seen<'_>) -> SessionUsage {
    SessionUsage {
        session: record::session(seen.about.id),
        policy: seen.about.memo.policy.clone(),
        user: seen.about.uid.to_string(),
        memory_bytes: seen.usage.memory.unwrap_or(0),
        cpu_us: seen.usage.cpu_us.unwrap_or(0),
    }
}

impl Log for Journal {
    fn event(&mut self, notice: Option<u64>, fact: &Fact<'_>) {
        self.last = self.last.max(notice.unwrap_or(0));
        tracing::debug!("{fact}");
        match fact {
            Fact::Opened(about) => {
                self.known.insert(about.id.clone(), Known::default());
                self.metrics.opened();
                self.take(record::opened(about));
            }
            Fact::Resumed(about) => self.take(record::resumed(about)),
            Fact::Denied(about, event) => self.denied(about.id, Some(about), event),
            Fact::DeniedElsewhere(id, event) => self.denied(id, None, event),
            Fact::Resources(about, resources) => {
                let reached = self.known(about).reached(*resources);
                reached
                    .into_iter()
                    .for_each(|(limit, count)| self.take(record::reached(about, limit, count)));
            }
            Fact::Killed(about, because) => {
                self.metrics.killed(record::actor(because.who).0);
                self.known(about).killed = true;
                self.take(record::killed(about, because));
            }
            Fact::Unproven(about, why) => {
                self.metrics.proved(Proof::Failed);
                self.known(about).unproven = true;
                self.take(record::unproven(about, why));
            }
            Fact::Proven(_) => self.metrics.proved(Proof::Ok),
            Fact::Ended(about, because) => self.ended(about, because),
            Fact::Frozen(about, because) => {
                self.metrics.frozen(record::actor(because.who).0);
                self.take(record::frozen(about, because));
            }
            Fact::Thawed(about, because) => self.take(record::thawed(about, because)),
            Fact::Limited(about, because) => self.take(record::limited(about, because)),
            Fact::Revised(about, before) => self.take(record::revised(about, before)),
            Fact::Refused { uid, process, refusal } => {
                self.metrics.refused(&record::word(&refusal.code));
                if self.refusals.has_room(*uid) {
                    self.take(record::refused(*uid, *process, refusal));
                }
            }
            Fact::Quarantined(revision, uid) => self.take(record::quarantined(revision, *uid)),
            Fact::Released(revision, uid) => self.take(record::released(revision, *uid)),
            Fact::Reloaded(uid) => self.take(record::reloaded(*uid)),
            Fact::Doomed(sessions, who) => self.take(record::doomed(sessions, *who)),
            // What clients could not be told of is in the log, but for what the kernel had no room for: see `look`.
            Fact::Dropped(..) | Fact::Stray(_) => {}
        }
    }

    fn flush(&mut self) -> Result<u64> {
        if !self.taken.is_empty() || self.last > self.told || self.lost > 0 {
            let entries = std::mem::take(&mut self.taken);
            let lost = std::mem::take(&mut self.lost);
            self.told = self.last;
            self.writer.tell(Message::Facts { entries, up_to: self.last, lost });
        }
        self.writer.written()
    }

    fn look(&mut self, sessions: &[Seen<'_>]) {
        self.count(sessions);
        if !self.began {
            return self.begin(sessions);
        }
        for seen in sessions {
            let dropped = self.known(&seen.about).look(seen.usage);
            let count: u64 = dropped.iter().map(|(_, count)| count).sum();
            if count > 0 {
                self.metrics.events_dropped(count);
                self.take(record::dropped(&seen.about, &dropped, count));
            }
        }
        for (uid, count) in self.refusals.look() {
            self.take(record::refusals(uid, count));
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.take(record::stop());
        // Whether it was written is for the next one to see.
        let _ = self.flush();
    }
}

/// Whether somebody has done it, and not the daemon by itself.
fn is_somebody(who: Actor) -> bool {
    matches!(who, Actor::Owner(_) | Actor::Operator(_))
}
