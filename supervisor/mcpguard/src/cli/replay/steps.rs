//! A log record by record, with a look at those that come next; calls that waited come when they arrived.

use std::collections::VecDeque;

use audit::{Reader, Record};

use super::arrival::Arrival;
use super::scout::{self, Scout};

/// Records that are looked at beside the one that is judged: answers are written down a moment after they were sent.
const AHEAD: usize = 64;

/// The sound records of a log.
pub(super) struct Sound {
    reader: Reader,
    left: u64,
}

impl Sound {
    pub(super) fn new(reader: Reader, left: u64) -> Self {
        Self { reader, left }
    }
}

impl Iterator for Sound {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.left > 0 {
            // What is no record here is damage that a later record accounts for.
            if let Ok(record) = self.reader.next()? {
                self.left -= 1;
                return Some(record);
            }
        }
        None
    }
}

/// What is judged, in the order in which it happened.
pub(super) struct Records {
    here: Sound,
    next: VecDeque<Record>,
    ahead: Sound,
    /// Records that the scout is ahead.
    lead: u64,
    scout: Scout,
}

/// What is judged next.
pub(super) enum Step {
    /// A record in its place.
    Record(Record),
    /// A call that is written down later than it arrived.
    Arrival(Arrival),
    /// The place of a record that was told by its arrival.
    Told(Record),
}

impl Records {
    /// Of a log that is read twice: once here, and once by the scout.
    pub(super) fn of(here: Sound, ahead: Sound) -> Self {
        Self { here, next: VecDeque::new(), ahead, lead: 0, scout: Scout::default() }
    }

    /// The records that come next, as far as they are looked at.
    pub(super) fn ahead(&self) -> &VecDeque<Record> {
        &self.next
    }

    fn look_ahead(&mut self) {
        while self.next.len() < AHEAD
            && let Some(record) = self.here.next()
        {
            self.next.push_back(record);
        }
        while self.lead < scout::AHEAD
            && let Some(record) = self.ahead.next()
        {
            self.lead += 1;
            self.scout.sees(record);
        }
    }
}

impl Iterator for Records {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.look_ahead();
        if let Some(arrival) = self.scout.arrived(&self.next) {
            return Some(Step::Arrival(arrival));
        }
        let record = self.next.pop_front()?;
        self.lead = self.lead.saturating_sub(1);
        self.look_ahead();
        Some(if self.scout.was_told(&record) { Step::Told(record) } else { Step::Record(record) })
    }
}
