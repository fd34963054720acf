//! Rates: what two samples differ by.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::sample::{Key, Machine, Sample, Session, State, Tally};

/// Values of a session that are kept for its sparklines: as many as a wide screen shows.
const KEPT: usize = 240;
/// Samples that are nearer to each other make no rate: a tick of the processor's clock would be a peak.
const NEAREST: Duration = Duration::from_millis(100);

/// The last sample, and what came of it and those before.
#[derive(Debug, Default)]
pub(super) struct Trends {
    last: Option<(Timestamp, Instant)>,
    pub(super) machine: Machine,
    /// In the order of the sample.
    pub(super) rows: Vec<Row>,
}

/// A session, and how fast it goes.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) session: Session,
    /// Calls in a second.
    pub(super) call_rate: Option<f64>,
    /// Refusals in a second.
    pub(super) denial_rate: Option<f64>,
    /// Percent of one processor.
    pub(super) cpu: Option<f64>,
    /// Tenths of a percent of one processor, sample by sample.
    pub(super) cpu_history: VecDeque<u64>,
    /// Refusals, sample by sample.
    pub(super) denial_history: VecDeque<u64>,
}

impl Trends {
    /// When the last sample was taken.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.last.map(|(at, _)| at)
    }

    /// Takes the next sample.
    pub(super) fn take(&mut self, sample: Sample) {
        let Sample { at, moment, machine, sessions } = sample;
        let elapsed = self.last.map_or(Duration::ZERO, |(_, last)| moment.saturating_duration_since(last));
        let mut before: HashMap<Key, Row> =
            self.rows.drain(..).map(|row| (row.session.key.clone(), row)).collect();
        let row = |session: Session| match before.remove(&session.key) {
            Some(earlier) => earlier.then(session, elapsed),
            None => Row::new(session),
        };
        self.rows = sessions.into_iter().map(row).collect();
        self.machine = machine;
        self.last = Some((at, moment));
    }

    /// All sessions together.
    pub(super) fn totals(&self) -> Totals {
        self.rows.iter().fold(Totals::default(), Totals::add)
    }
}

impl Row {
    /// A session that was not there before.
    fn new(session: Session) -> Self {
        let (cpu_history, denial_history) = Default::default();
        Self { session, call_rate: None, denial_rate: None, cpu: None, cpu_history, denial_history }
    }

    fn then(self, session: Session, elapsed: Duration) -> Self {
        let mut row = Self { session, ..self };
        if elapsed < NEAREST {
            return row;
        }
        let (seconds, before, now) = (elapsed.as_secs_f64(), &self.session, &row.session);
        let grown = |count: fn(&Tally) -> u64| {
            let of = |session: &Session| session.tally.as_ref().map(count);
            of(before).zip(of(now)).map(|(before, now)| now.saturating_sub(before))
        };
        let (calls, denials) = (grown(|tally| tally.calls), grown(|tally| tally.denials));
        let cpu = now.cpu.saturating_sub(before.cpu).as_secs_f64() / seconds * 100.0;
        row.call_rate = calls.map(|calls| calls as f64 / seconds);
        row.denial_rate = denials.map(|denials| denials as f64 / seconds);
        row.cpu = Some(cpu);
        keep(&mut row.cpu_history, (cpu * 10.0).round() as u64);
        keep(&mut row.denial_history, denials.unwrap_or(0));
        row
    }
}

fn keep(history: &mut VecDeque<u64>, value: u64) {
    if history.len() == KEPT {
        history.pop_front();
    }
    history.push_back(value);
}

/// Sums over all sessions of what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Totals {
    pub(super) sessions: usize,
    pub(super) frozen: usize,
    /// Sessions whose logs say nothing.
    pub(super) untold: usize,
    pub(super) calls: u64,
    pub(super) denials: u64,
    pub(super) call_rate: f64,
    pub(super) denial_rate: f64,
    pub(super) cpu: f64,
    pub(super) memory: u64,
}

impl Totals {
    fn add(self, row: &Row) -> Self {
        let tally = row.session.tally.as_ref();
        Self {
            sessions: self.sessions + 1,
            frozen: self.frozen + usize::from(row.session.state == State::Frozen),
            untold: self.untold + usize::from(tally.is_none()),
            calls: self.calls.saturating_add(tally.map_or(0, |tally| tally.calls)),
            denials: self.denials.saturating_add(tally.map_or(0, |tally| tally.denials)),
            call_rate: self.call_rate + row.call_rate.unwrap_or(0.0),
            denial_rate: self.denial_rate + row.denial_rate.unwrap_or(0.0),
            cpu: self.cpu + row.cpu.unwrap_or(0.0),
            memory: self.memory.saturating_add(row.session.memory),
        }
    }
}
