//! JSON Schemas (drafts 4 to 2020-12) compared keyword by keyword.
//!
//! Nothing in a schema is harmless but the spelling of its texts: what narrows it for one reader may tell a model something
//! new, so only fewer choices and what a schema says about itself are merely notable.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Place, Weight};
use super::changes::Changes;
use super::keyword::{Keyword, keyword};
use crate::json::Node;

/// Two schemas, of which either may be missing. The depth of both is bounded, since [`Node`] is.
pub(super) fn compare(changes: &mut Changes<'_>, place: &Place<'_>, old: Option<&Node>, new: Option<&Node>) {
    match (old, new) {
        (Some(Node::Map(old)), Some(Node::Map(new))) => {
            for (name, old, new) in pairs(old, new) {
                at_keyword(changes, &place.child(name), keyword(name), old, new);
            }
        }
        (Some(Node::List(old)), Some(Node::List(new))) => in_a_row(changes, place, old, new),
        _ => changes.value(place, old, new, Weight::Meaningful, ""),
    }
}

/// The members of both, in order, each once.
pub(super) fn pairs<'a>(
    old: &'a BTreeMap<String, Node>,
    new: &'a BTreeMap<String, Node>,
) -> impl Iterator<Item = (&'a str, Option<&'a Node>, Option<&'a Node>)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().map(|name| (name.as_str(), old.get(name), new.get(name)))
}

fn at_keyword(
    changes: &mut Changes<'_>,
    place: &Place<'_>,
    keyword: Keyword,
    old: Option<&Node>,
    new: Option<&Node>,
) {
    match (keyword, old, new) {
        (Keyword::Text, Some(Node::Text(old)), Some(Node::Text(new))) => {
            changes.text(place, Some(old), Some(new));
        }
        (Keyword::Text, Some(Node::Text(old)), None) => changes.text(place, Some(old), None),
        (Keyword::Text, None, Some(Node::Text(new))) => changes.text(place, None, Some(new)),
        (Keyword::Named(noun), Some(Node::Map(old)), Some(Node::Map(new))) => {
            named(changes, place, noun, (old, new));
        }
        (Keyword::Schema, Some(_), Some(_)) => compare(changes, place, old, new),
        (Keyword::Required, ..) => required(changes, place, old, new),
        (Keyword::Enum, Some(Node::List(_)), Some(Node::List(_))) => choices(changes, place, old, new),
        (Keyword::Value(weight, reason), ..) => changes.value(place, old, new, weight, reason),
        _ => changes.value(place, old, new, Weight::Meaningful, ""),
    }
}

fn named(
    changes: &mut Changes<'_>,
    place: &Place<'_>,
    noun: &str,
    (old, new): (&BTreeMap<String, Node>, &BTreeMap<String, Node>),
) {
    for (name, old, new) in pairs(old, new) {
        let place = place.child(name);
        let reason = if old.is_none() { format!("new {noun}") } else { format!("{noun} gone") };
        match (old, new) {
            (Some(_), Some(_)) => compare(changes, &place, old, new),
            _ => changes.value(&place, old, new, Weight::Meaningful, &reason),
        }
    }
}

/// By their place in the row: what is inserted in front changes all behind it, and that is shown.
fn in_a_row(changes: &mut Changes<'_>, place: &Place<'_>, old: &[Node], new: &[Node]) {
    for index in 0..old.len().max(new.len()) {
        compare(changes, &place.child(&index.to_string()), old.get(index), new.get(index));
    }
}

fn required(changes: &mut Changes<'_>, place: &Place<'_>, old: Option<&Node>, new: Option<&Node>) {
    let (before, after) = (members(old), members(new));
    let reason = match (after.is_subset(&before), before.is_subset(&after)) {
        (true, true) => return in_other_words(changes, place, old, new),
        (true, false) => "became optional",
        (false, true) => "became required",
        (false, false) => "others are required",
    };
    changes.value(place, old, new, Weight::Meaningful, reason);
}

fn choices(changes: &mut Changes<'_>, place: &Place<'_>, old: Option<&Node>, new: Option<&Node>) {
    let (before, after) = (members(old), members(new));
    let (weight, reason) = match (after.is_subset(&before), before.is_subset(&after)) {
        (true, true) => return in_other_words(changes, place, old, new),
        (true, false) => (Weight::Notable, "fewer choices"),
        (false, true) => (Weight::Meaningful, "more choices"),
        (false, false) => (Weight::Meaningful, "other choices"),
    };
    changes.value(place, old, new, weight, reason);
}

/// The same set, written otherwise: in another order, with repetitions, or as nothing instead of an empty list.
fn in_other_words(changes: &mut Changes<'_>, place: &Place<'_>, old: Option<&Node>, new: Option<&Node>) {
    let lists = |node: Option<&Node>| node.is_none_or(|node| matches!(node, Node::List(_)));
    let weight = if lists(old) && lists(new) { Weight::Notable } else { Weight::Meaningful };
    changes.value(place, old, new, weight, "the same set");
}

fn members(node: Option<&Node>) -> BTreeSet<&Node> {
    if let Some(Node::List(items)) = node { items.iter().collect() } else { BTreeSet::new() }
}
