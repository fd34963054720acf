//! An alert as one line for people.

use std::fmt;
use std::time::Duration;

use audit::for_people;

use crate::alert::Alert;
use crate::occasion::{LockOut, Occasion};

/// The most characters of an alert's line.
pub const MOST_CHARACTERS: usize = 200;

/// The most characters of a text in it that nobody of ours wrote: it must not push out what follows.
const MOST_OF_A_TEXT: usize = 48;

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, severity, reason, subject, suppressed, lock_out, .. } = self;
        let mut parts = vec![self.what()];
        parts.extend(subject.as_ref().map(|subject| format!("`{}`", clipped(subject, MOST_OF_A_TEXT))));
        parts.extend(self.whose());
        parts.extend((*suppressed > 0).then(|| format!("suppressed: {suppressed}")));
        parts.extend(lock_out.map(|lock_out| self.locked(lock_out)));
        let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        let (severity, rule) = (severity.as_str(), clipped(rule, MOST_OF_A_TEXT));
        let line = format!("[{severity}] {rule}: {}{reason}", parts.join(", "));
        f.write_str(&clipped(&line, MOST_CHARACTERS))
    }
}

impl Alert {
    fn what(&self) -> String {
        let count = self.count;
        match (self.occasion, self.window) {
            (Occasion::Matched, Some(window)) => format!("{count} in {}", span(window)),
            (Occasion::Matched, None) if count > 1 => format!("{count} times"),
            (Occasion::Matched, None) => "once".to_owned(),
            (Occasion::GroupsDropped, _) => format!("too many groups, {count} forgotten"),
            (Occasion::ValuesFull, _) => format!("{count} values known, new ones are not told"),
        }
    }

    fn whose(&self) -> Option<String> {
        let group = self.group.as_ref()?;
        let key = if group.key.is_empty() { "unknown" } else { &group.key };
        Some(format!("{} {}", group.by.as_str(), clipped(key, MOST_OF_A_TEXT)))
    }

    /// How long it takes is more to a person than a time on a clock that begins anywhere.
    fn locked(&self, LockOut { until }: LockOut) -> String {
        format!("to be locked out for {}", span(Duration::from_millis(until.0.saturating_sub(self.last.0))))
    }
}

fn span(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 1_000 != 0 => format!("{millis} ms"),
        millis if millis >= 120_000 && millis % 60_000 == 0 => format!("{} min", millis / 60_000),
        millis => format!("{} s", millis / 1_000),
    }
}

/// The text with nothing in it that a terminal would obey or a reader overlook, and no longer than this.
fn clipped(text: &str, most: usize) -> String {
    let shown = for_people(text);
    match shown.char_indices().nth(most) {
        None => shown.into_owned(),
        Some(_) => shown.chars().take(most - 1).chain(['…']).collect(),
    }
}
