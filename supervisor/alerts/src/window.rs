//! The events of the last while, as many as are needed to know that there are too many.

use std::collections::VecDeque;

use crate::clock::millis;
use crate::threshold::Threshold;

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// When, as our clock runs.
    pub(crate) at: u64,
    /// How many events it stands for, at least 1.
    pub(crate) count: u32,
    /// The number of its record.
    pub(crate) seq: u64,
}

/// A sliding window. An event is in it while its age is less than the window: at the window's very end it is out.
///
/// It keeps the newest marks that pass the threshold together, and no older ones: those cannot change the answer, since
/// they leave first. Each mark counts at least once, so that there are at most `count + 1` of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    marks: VecDeque<Mark>,
    total: u64,
}

impl Window {
    /// Takes an event and says whether there are too many now.
    pub(crate) fn push(&mut self, threshold: &Threshold, mark: Mark) -> bool {
        self.expire(threshold, mark.at);
        self.marks.push_back(mark);
        self.total += u64::from(mark.count);
        self.trim(threshold);
        self.total > u64::from(threshold.count())
    }

    fn expire(&mut self, threshold: &Threshold, now: u64) {
        while let Some(mark) = self.marks.front().filter(|mark| is_out(mark, threshold, now)) {
            self.total -= u64::from(mark.count);
            self.marks.pop_front();
        }
    }

    fn trim(&mut self, threshold: &Threshold) {
        let enough = u64::from(threshold.count());
        while let Some(front) = self.marks.front().filter(|mark| self.total - u64::from(mark.count) > enough)
        {
            self.total -= u64::from(front.count);
            self.marks.pop_front();
        }
    }

    /// Whether nothing is in it any more.
    pub(crate) fn is_empty(&self, threshold: &Threshold, now: u64) -> bool {
        self.marks.back().is_none_or(|mark| is_out(mark, threshold, now))
    }

    /// How many events its marks stand for.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Its marks, the oldest first.
    pub(crate) fn marks(&self) -> impl ExactSizeIterator<Item = &Mark> {
        self.marks.iter()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn is_out(mark: &Mark, threshold: &Threshold, now: u64) -> bool {
    now.saturating_sub(mark.at) >= millis(threshold.window())
}
