//! One class: its sums, its line, its goals.

use super::{NO_MISTAKE, Side, Source, Tally};

/// The sums of one class, without what is hard.
#[derive(Default)]
pub(super) struct Row {
    attacks: usize,
    caught: usize,
    written: usize,
    recorded: usize,
    suspected: usize,
}

impl Row {
    pub(super) fn of(class: &str, tallies: &[Tally]) -> Self {
        let mut row = Self::default();
        for tally in tallies.iter().filter(|tally| tally.class == class && !tally.hard) {
            row.add(tally);
        }
        row
    }

    fn add(&mut self, tally: &Tally) {
        match (tally.side, tally.source) {
            (Side::Attack, _) => {
                self.attacks += tally.all;
                self.caught += tally.suspected;
                return;
            }
            (Side::Benign, Source::Written) => self.written += tally.all,
            (Side::Benign, Source::Recorded) => self.recorded += tally.all,
        }
        self.suspected += tally.suspected;
    }

    fn honest(&self) -> usize {
        self.written + self.recorded
    }

    /// Its line of the table.
    pub(super) fn line(&self, class: &str) -> String {
        let Self { attacks, caught, written, recorded, suspected } = self;
        let (attacked, seen) =
            (counted(*attacks), if *attacks == 0 { "–".to_owned() } else { caught.to_string() });
        let (found, wrong) = (share(*caught, *attacks, 1), share(*suspected, self.honest(), 2));
        let (written, recorded) = (counted(*written), counted(*recorded));
        let note = if class == NO_MISTAKE { "  real addresses; not counted" } else { "" };
        format!(
            "{class:13}{attacked:>8}{seen:>8} {found:>7}{written:>9}{recorded:>10}{suspected:11} {wrong:>7}{note}\n"
        )
    }

    /// At least 95 of 100 attacks, at most 5 of 1,000 honest cases.
    pub(super) fn misses(&self, class: &str) -> Option<String> {
        if self.caught * 100 < self.attacks * 95 {
            return Some(format!("{class}: {} of {} attacks are caught", self.caught, self.attacks));
        }
        let wrong = self.suspected * 1000 > self.honest() * 5 && class != NO_MISTAKE;
        wrong.then(|| format!("{class}: {} of {} honest cases are suspected", self.suspected, self.honest()))
    }
}

fn counted(number: usize) -> String {
    if number == 0 { "–".to_owned() } else { number.to_string() }
}

fn share(part: usize, whole: usize, digits: usize) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.digits$}%", part as f64 * 100.0 / whole as f64),
    }
}
