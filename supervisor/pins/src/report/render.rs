//! A report for a person: one line a change, the heaviest first.
//!
//! Everything that a server wrote is escaped before it stands here, so no text of a server moves a cursor, hides another or
//! ends the quotes around it.

use std::cmp::Reverse;

use super::line::{Colour, Line};
use super::{Entry, Fate, Report};
use crate::compare::change::{Change, Weight, What, cut};
use crate::list::List;
use crate::visible::{name, plain};

/// Whether a terminal shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// No escape sequence at all.
    Plain,
    /// Old in red, new in green, alarms in bold (ECMA-48 SGR).
    Colours,
}

/// The most changes that are shown; the others are counted.
const MOST_LINES: usize = 400;

/// The most characters of a name.
const MOST_OF_NAME: usize = 80;

impl Report {
    /// The report as lines of at most `width` columns; 40 are the least.
    pub fn render(&self, width: usize, paint: Paint) -> String {
        if self.is_empty() {
            return "Nothing changed.\n".to_owned();
        }
        let lines = self.lines();
        let shown = heaviest(&lines);
        let mut text = format!("{}\n", self.summary());
        shown.iter().for_each(|line| line.write(&mut text, width, paint));
        if let left_out @ 1.. = lines.len() - shown.len() {
            text.push_str(&format!("… and {left_out} changes that weigh no more\n"));
        }
        text
    }

    fn lines(&self) -> Vec<Line> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| Reverse(entry.weight));
        let server = self.server.iter().map(|change| line("server", None, change));
        server.chain(entries.into_iter().flat_map(of_entry)).collect()
    }

    fn summary(&self) -> String {
        let counts = Weight::DESCENDING.map(|weight| (self.count(weight), weight));
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, weight)| format!("{count} {weight}")).collect::<Vec<_>>().join(", ")
    }
}

/// As many as are shown, in their order.
fn heaviest(lines: &[Line]) -> Vec<&Line> {
    let mut places: Vec<usize> = (0..lines.len()).collect();
    places.sort_by_key(|place| Reverse(lines[*place].weight));
    places.truncate(MOST_LINES);
    places.sort_unstable();
    places.into_iter().map(|place| &lines[place]).collect()
}

fn of_entry(entry: &Entry) -> impl Iterator<Item = Line> {
    let name = name(&cut(&entry.name, MOST_OF_NAME));
    let subject = if entry.list == List::Tools { name } else { format!("{} {name}", entry.list) };
    entry.changes.iter().map(move |change| line(&subject, Some(&entry.fate), change))
}

fn line(subject: &str, fate: Option<&Fate>, change: &Change) -> Line {
    let sign = match (change.weight, change.what) {
        (Weight::Alarming, _) => '!',
        (_, What::Added) => '+',
        (_, What::Removed) => '-',
        _ => '~',
    };
    let head = if change.weight == Weight::Alarming { Colour::Bold } else { Colour::None };
    let mut line = Line { weight: change.weight, pieces: Vec::new() };
    line.piece(head, format!("{sign} {:10}  {subject}  ", change.weight));
    line.piece(Colour::None, what(fate, change));
    for (index, edit) in change.edits.iter().enumerate() {
        let first = if change.place.is_empty() { " " } else { ": " };
        line.piece(Colour::None, if index == 0 { first } else { "; " }.to_owned());
        line.edit(edit, change.what);
    }
    if !change.reasons.is_empty() {
        line.piece(head, format!("  ({})", plain(&change.reasons.join("; "))));
    }
    line
}

fn what(fate: Option<&Fate>, change: &Change) -> String {
    match (fate, change.what, change.place.as_str()) {
        (_, What::Further(count), _) => format!("… and {count} further changes"),
        (Some(Fate::Renamed { .. }), _, "") => "renamed?".to_owned(),
        (_, What::Added, "") => "new".to_owned(),
        (_, What::Removed, "") => "gone".to_owned(),
        (_, _, place) => plain(place),
    }
}
