//! The hints of a tool (MCP specification 2025-11-25, `ToolAnnotations`). Clients ask people less often because of them, so
//! a hint that becomes milder weighs as much as one that becomes worse.

use super::change::{Place, Weight};
use super::changes::Changes;
use super::schema::pairs;
use crate::json::Node;

/// Each hint, what it means where it is absent, and what `true` and `false` say.
const HINTS: &[(&str, bool, &str, &str)] = &[
    ("readOnlyHint", false, "says that it only reads", "no longer says that it only reads"),
    ("destructiveHint", true, "may destroy", "says that it destroys nothing"),
    ("idempotentHint", false, "says that repeating it changes nothing", "repeating it may change more"),
    ("openWorldHint", true, "reaches an open world", "says that it reaches nothing outside"),
];

pub(super) fn compare(changes: &mut Changes<'_>, old: Option<&Node>, new: Option<&Node>) {
    let place = Place::root("annotations");
    let (Some(before), Some(after)) = (members(old), members(new)) else {
        return changes.value(&place, old, new, Weight::Meaningful, "");
    };
    for (name, old, new) in pairs(&before, &after) {
        let place = place.child(name);
        match (HINTS.iter().find(|(hint, ..)| *hint == name), old, new) {
            (Some((_, absent, yes, no)), ..) => hint(changes, &place, (old, new), *absent, (yes, no)),
            (None, Some(Node::Text(old)), Some(Node::Text(new))) => {
                changes.text(&place, Some(old), Some(new))
            }
            _ => changes.value(&place, old, new, Weight::Meaningful, ""),
        }
    }
}

/// No annotations and none in an object are the same.
fn members(node: Option<&Node>) -> Option<std::collections::BTreeMap<String, Node>> {
    node.map_or_else(|| Some(Default::default()), |node| node.map().cloned())
}

fn hint(
    changes: &mut Changes<'_>,
    place: &Place<'_>,
    (old, new): (Option<&Node>, Option<&Node>),
    absent: bool,
    (yes, no): (&str, &str),
) {
    let says = |node: Option<&Node>| match node {
        None => Some(absent),
        Some(Node::Bare(word)) if word == "true" => Some(true),
        Some(Node::Bare(word)) if word == "false" => Some(false),
        Some(_) => None,
    };
    let (weight, reason) = match (says(old), says(new)) {
        (Some(old), Some(new)) if old == new => (Weight::Notable, "it means the same"),
        (_, Some(true)) => (Weight::Meaningful, yes),
        (_, Some(false)) => (Weight::Meaningful, no),
        (_, None) => (Weight::Meaningful, "neither true nor false"),
    };
    changes.value(place, old, new, weight, reason);
}
