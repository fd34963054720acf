//! Who a server is, beside who it was.

use super::change::{Place, Weight};
use super::changes::Changes;
use crate::identity::{Identity, Told};
use crate::json::Node;

/// What was started. Another version of the same package is an update; other bytes under the same version are not.
pub(super) fn started(changes: &mut Changes<'_>, old: &Identity, new: &Identity) {
    let Identity { command, package, version, integrity, binary } = new;
    let root = Place::root("identity");
    let updated = old.version != *version && old.package == *package;
    let words = |command: &Option<Vec<String>>| {
        command.as_ref().map(|words| Node::List(words.iter().cloned().map(Node::Text).collect()))
    };
    let mut member = |name: &str, old: Option<Node>, new: Option<Node>, weight, reason| {
        changes.value(&root.child(name), old.as_ref(), new.as_ref(), weight, reason);
    };
    member("command", words(&old.command), words(command), Weight::Meaningful, "another command");
    member("package", text(&old.package), text(package), Weight::Meaningful, "another package");
    member("version", text(&old.version), text(version), Weight::Notable, "");
    let (weight, reason) = bytes(updated, old.integrity.is_some(), integrity.is_some());
    member("integrity", text(&old.integrity), text(integrity), weight, reason);
    let spelled = |digest: Option<crate::Sha256>| digest.map(|digest| Node::Text(digest.to_string()));
    let replaced = if updated { (Weight::Notable, "") } else { (Weight::Meaningful, "another program") };
    member("binary", spelled(old.binary), spelled(*binary), replaced.0, replaced.1);
}

/// A registry that gives out other bytes for a version that it gave out before breaks its own promise.
fn bytes(updated: bool, was_known: bool, is_known: bool) -> (Weight, &'static str) {
    match (was_known, is_known) {
        (true, true) if !updated => (Weight::Alarming, "other bytes under the same version"),
        (true, false) => (Weight::Meaningful, "no longer known"),
        _ => (Weight::Notable, ""),
    }
}

fn text(value: &Option<String>) -> Option<Node> {
    value.clone().map(Node::Text)
}

/// What the server told about itself.
pub(super) fn told(changes: &mut Changes<'_>, old: &Told, new: &Told) {
    let Told { name, version, instructions } = new;
    let root = Place::root("serverInfo");
    let mut member = |of: &str, old: &Option<String>, new: &Option<String>, weight, reason| {
        changes.value(&root.child(of), text(old).as_ref(), text(new).as_ref(), weight, reason);
    };
    member("name", &old.name, name, Weight::Meaningful, "calls itself otherwise");
    member("version", &old.version, version, Weight::Notable, "");
    changes.text(&Place::root("instructions"), old.instructions.as_deref(), instructions.as_deref());
}
