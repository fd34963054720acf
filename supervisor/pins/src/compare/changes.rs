//! Changes as they are found, judged and bounded.

use std::collections::BTreeSet;

use super::change::{Change, Edit, Place, Weight, What, cut};
use super::{Suspicion, judgement, words};
use crate::json::Node;

/// The most changes that are listed of one tool; the others are counted.
const MOST_CHANGES: usize = 200;

pub(super) struct Changes<'a> {
    suspicion: &'a Suspicion<'a>,
    found: Vec<Change>,
    further: usize,
    heaviest: Weight,
}

impl<'a> Changes<'a> {
    pub(super) fn new(suspicion: &'a Suspicion<'a>) -> Self {
        Self { suspicion, found: Vec::new(), further: 0, heaviest: Weight::Harmless }
    }

    pub(super) fn finish(mut self) -> Vec<Change> {
        if self.further > 0 {
            self.found.push(Change {
                place: String::new(),
                what: What::Further(self.further),
                edits: Vec::new(),
                weight: self.heaviest,
                reasons: Vec::new(),
            });
        }
        self.found
    }

    /// Adds a change that nobody has to judge.
    pub(super) fn push(&mut self, change: Change) {
        if self.found.len() < MOST_CHANGES {
            self.found.push(change);
        } else {
            self.further += 1;
            self.heaviest = self.heaviest.max(change.weight);
        }
    }

    /// A member that has a value, had one, or both.
    pub(super) fn value(
        &mut self,
        place: &Place<'_>,
        old: Option<&Node>,
        new: Option<&Node>,
        weight: Weight,
        reason: &str,
    ) {
        let shown = |node: Option<&Node>| node.map_or(String::new(), |node| shown(&node.canonical()));
        let what = match (old, new) {
            (Some(old), Some(new)) if old == new => return,
            (None, None) => return,
            (None, Some(_)) => What::Added,
            (Some(_), None) => What::Removed,
            (Some(_), Some(_)) => What::Changed,
        };
        let edit = Edit { old: shown(old), new: shown(new), ..Edit::default() };
        let reasons = vec![reason.to_owned()];
        let change = Change { place: place.to_string(), what, edits: vec![edit], weight, reasons };
        let mut now = texts(new);
        if what == What::Added {
            now.insert(place.name());
        }
        self.judged(change, &texts(old), &now);
    }

    /// A member of which only the digest is remembered. All its texts count as new.
    pub(super) fn replaced(&mut self, place: &Place<'_>, new: &Node) {
        let edits = vec![Edit { new: shown(&new.canonical()), ..Edit::default() }];
        let (place, weight, reasons) = (place.to_string(), Weight::Notable, Vec::new());
        let change = Change { place, what: What::Changed, edits, weight, reasons };
        self.judged(change, &BTreeSet::new(), &texts(Some(new)));
    }

    /// The whole of something that was not there.
    pub(super) fn appeared(&mut self, change: Change, new: &Node) {
        self.judged(change, &BTreeSet::new(), &texts(Some(new)));
    }

    /// Another name of the same thing.
    pub(super) fn renamed(&mut self, change: Change, old: &str, new: &str) {
        self.judged(change, &BTreeSet::from([old]), &BTreeSet::from([new]));
    }

    /// A text that is there, was there, or both.
    pub(super) fn text(&mut self, place: &Place<'_>, old: Option<&str>, new: Option<&str>) {
        let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
        let what = match (old, new) {
            _ if old == new => return,
            (None, _) => What::Added,
            (_, None) => What::Removed,
            _ => What::Reworded,
        };
        let (weight, reasons) = judgement::reworded(before, after);
        let edits = match what {
            // What is only counted is not compared word by word.
            What::Reworded if self.found.len() >= MOST_CHANGES => Vec::new(),
            What::Reworded => words::edits(before, after),
            _ => vec![Edit { old: json(old), new: json(new), ..Edit::default() }],
        };
        let change = Change { place: place.to_string(), what, edits, weight, reasons };
        self.judged(change, &BTreeSet::from([before]), &BTreeSet::from([after]));
    }

    /// Adds a change unless the new texts alarm, which makes it alarming.
    fn judged(&mut self, mut change: Change, old: &BTreeSet<&str>, new: &BTreeSet<&str>) {
        let alarms = judgement::alarms(self.suspicion, old, new);
        if !alarms.is_empty() {
            change.weight = Weight::Alarming;
        }
        change.reasons.retain(|reason| !reason.is_empty());
        change.reasons.splice(0..0, alarms);
        change.reasons.truncate(judgement::MOST_REASONS);
        self.push(change);
    }
}

fn shown(text: &str) -> String {
    cut(text, words::MOST_SHOWN)
}

fn texts(node: Option<&Node>) -> BTreeSet<&str> {
    let mut texts = BTreeSet::new();
    if let Some(node) = node {
        node.texts(&mut |text| texts.extend([text]));
    }
    texts
}

/// A text as JSON, as all values are shown; nothing for none.
pub(super) fn json(text: Option<&str>) -> String {
    text.map_or(String::new(), |text| shown(&Node::Text(text.to_owned()).canonical()))
}
