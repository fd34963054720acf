//! How much it matters that a text is another one, and why.

use std::collections::BTreeSet;

use super::change::{Weight, cut};
use super::{Suspicion, prose};
use crate::visible;

/// The most reasons of one change.
pub(super) const MOST_REASONS: usize = 8;

/// The most characters of a reason.
const MOST_OF_REASON: usize = 120;

/// What looks like an attack in the new texts, and did not in the old ones.
pub(super) fn alarms(suspicion: &Suspicion<'_>, old: &BTreeSet<&str>, new: &BTreeSet<&str>) -> Vec<String> {
    let fresh = || new.difference(old).copied();
    let gone = || old.difference(new).copied();
    let known: BTreeSet<String> = gone().filter_map(suspicion).collect();
    let suspected = fresh().filter_map(suspicion).filter(|reason| !known.contains(reason));
    let alarms = hidden(fresh(), gone()).into_iter().chain(suspected);
    alarms.take(MOST_REASONS).map(|reason| shown(&reason)).collect()
}

/// Characters that hide something, unless all of them stood there already, in this order.
fn hidden<'a>(fresh: impl Iterator<Item = &'a str>, gone: impl Iterator<Item = &'a str>) -> Option<String> {
    let now: Vec<char> = fresh.flat_map(visible::hidden).collect();
    let mut known = gone.flat_map(visible::hidden);
    if now.iter().all(|character| known.any(|before| before == *character)) {
        return None;
    }
    let first = now.first().map_or(0, |character| u32::from(*character));
    let says = match visible::smuggled(&now.iter().collect::<String>()) {
        nothing if nothing.is_empty() => nothing,
        text => format!(", saying \"{}\"", visible::quoted(&text)),
    };
    Some(format!("hidden characters: {}, from U+{first:04X} on{says}", now.len()))
}

/// The weight and the reasons of a text that reads otherwise, as far as its words tell.
pub(super) fn reworded(old: &str, new: &str) -> (Weight, Vec<String>) {
    let known = prose::addresses(old);
    let addresses: Vec<&str> = prose::addresses(new).difference(&known).copied().collect();
    if addresses.is_empty() && prose::words(old) == prose::words(new) {
        return (Weight::Harmless, vec!["spelling only".to_owned()]);
    }
    let scope: Vec<&str> = prose::scope(new).difference(&prose::scope(old)).copied().collect();
    let named =
        [("now names", addresses), ("now says", scope)].into_iter().filter(|(_, items)| !items.is_empty());
    (Weight::Meaningful, named.map(|(what, items)| shown(&format!("{what} {}", items.join(", ")))).collect())
}

fn shown(reason: &str) -> String {
    cut(&visible::plain(reason), MOST_OF_REASON)
}
