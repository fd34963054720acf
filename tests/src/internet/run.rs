//! Running the table: every trick with every backend.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::evidence::Seen;
use super::guard::Guard;
use super::judge::{Verdict, judge};
use super::raise::{Internet, Who};
use super::report::{Report, Row};
use super::stage::{Attempt, Stage};
use super::trick::{Need, Proof, Trick};
use crate::patience::patience;

/// How long what has been sent may take to be seen.
const ARRIVAL: Duration = Duration::from_secs(1);

/// Who guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Nobody: what works at all.
    Bare,
    /// User notification, for a user without any capability.
    Notify,
    /// eBPF, as root.
    Ebpf,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bare, Self::Notify, Self::Ebpf];

    /// As it stands in tables and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Notify => "notify",
            Self::Ebpf => "ebpf",
        }
    }

    /// As whom a trick is tried.
    fn who(self, trick: &Trick) -> Who {
        match self {
            Self::Ebpf => Who::Root,
            Self::Bare if matches!(trick.needs, Need::Root | Need::RootAndPair) => Who::Root,
            _ => Who::User,
        }
    }
}

/// Runs every trick with every backend, in an internet of its own.
pub fn table(backends: &[Backend], tricks: &[Trick]) -> Result<Report> {
    table_in(&Internet::raise()?, backends, tricks)
}

/// The same, with another section `network` of the policy and with more options of `mcpguard exec`.
pub fn table_with(backends: &[Backend], tricks: &[Trick], options: &[&str], network: &str) -> Result<Report> {
    run(&Internet::raise()?, &Guard::with(network, options), backends, tricks)
}

/// The same, in an internet that stands already.
pub fn table_in(internet: &Internet, backends: &[Backend], tricks: &[Trick]) -> Result<Report> {
    run(internet, &Guard::ordinary(), backends, tricks)
}

fn run(internet: &Internet, guard: &Guard, backends: &[Backend], tricks: &[Trick]) -> Result<Report> {
    let mut rows: Vec<Row> = tricks.iter().cloned().map(Row::new).collect();
    for &backend in backends {
        let verdicts =
            Column { internet, guard, backend, shared: Vec::new(), kept: Vec::new() }.run(tricks)?;
        rows.iter_mut().zip(verdicts).for_each(|(row, verdict)| row.verdicts.push((backend, verdict)));
    }
    // By class, and what is allowed at the end.
    rows.sort_by_key(|row| (row.trick.is_benign(), row.trick.class));
    Ok(Report { rows, wire: internet.wire() })
}

/// One backend's column.
struct Column<'a> {
    internet: &'a Internet,
    guard: &'a Guard,
    backend: Backend,
    /// The sessions that tricks share, by whom they run as.
    shared: Vec<(Who, Stage<'a>)>,
    /// The sessions of tricks that want one of their own.
    kept: Vec<Stage<'a>>,
}

impl<'a> Column<'a> {
    /// Every trick is tried first; what has arrived is looked at once, when the last of it has had its time.
    fn run(mut self, tricks: &[Trick]) -> Result<Vec<Verdict>> {
        // What has to be waited for begins first, so that the others fill the time.
        let mut order: Vec<usize> = (0..tricks.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(tricks[index].proof.delay()));
        let mut attempts: Vec<Option<Attempt>> = tricks.iter().map(|_| None).collect();
        let mut due = Instant::now();
        for index in order {
            attempts[index] = self.attempt(&tricks[index])?;
            due = due.max(Instant::now() + tricks[index].proof.delay() + patience(ARRIVAL));
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        self.shared.iter_mut().try_for_each(|(_, stage)| stage.still_works())?;
        let seen = Seen::of(self.internet);
        let judged = tricks.iter().zip(&attempts);
        Ok(judged
            .map(|(trick, attempt)| judge(self.internet, self.backend, trick, attempt.as_ref(), &seen))
            .collect())
    }

    /// Tries one; `None` where it cannot be tried.
    fn attempt(&mut self, trick: &Trick) -> Result<Option<Attempt>> {
        let on_the_wire = matches!(trick.needs, Need::Pair | Need::RootAndPair);
        if on_the_wire && self.internet.wire() == super::Wire::Loopback {
            return Ok(None);
        }
        let who = self.backend.who(trick);
        if trick.has_a_session_of_its_own() {
            let mut stage = self.open(who)?;
            let attempt = stage.attempt(trick)?;
            // Its processes live for as long as the session, and some of them have not yet done what they are for.
            self.kept.push(stage);
            return Ok(Some(attempt));
        }
        let known = self.shared.iter().position(|(its, _)| *its == who);
        let at = match known {
            Some(at) => at,
            None => {
                let stage = self.open(who)?;
                self.shared.push((who, stage));
                self.shared.len() - 1
            }
        };
        self.shared[at].1.attempt(trick).map(Some)
    }

    fn open(&self, who: Who) -> Result<Stage<'a>> {
        Stage::open(self.internet, self.guard, self.backend, who)
    }
}

impl Proof {
    /// How long after the call it can be seen, beyond the ordinary.
    fn delay(self) -> Duration {
        match self {
            Self::ArrivesAfter(seconds) => Duration::from_secs(seconds),
            _ => Duration::ZERO,
        }
    }
}
