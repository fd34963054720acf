//! Who a server is, beside who it was.

use std::cmp::Ordering;

use super::change::{Place, Weight};
use super::changes::Changes;
use super::version;
use crate::identity::{Identity, Told};
use crate::json::Node;

/// What was started. A later version of the same package is an update, if the registry's digest follows it; other bytes
/// under the same version, or behind the same digest, are not.
pub(super) fn started(changes: &mut Changes<'_>, old: &Identity, new: &Identity) {
    let Identity { command, package, version, integrity, binary } = new;
    let root = Place::root("identity");
    let words = |command: &Option<Vec<String>>| {
        command.as_ref().map(|words| Node::List(words.iter().cloned().map(Node::Text).collect()))
    };
    let spelled = |digest: Option<crate::Sha256>| digest.map(|digest| Node::Text(digest.to_string()));
    let mut member = |name: &str, old: Option<Node>, new: Option<Node>, (weight, reason): Judged| {
        changes.value(&root.child(name), old.as_ref(), new.as_ref(), weight, reason);
    };
    member("command", words(&old.command), words(command), (Weight::Meaningful, "another command"));
    member("package", text(&old.package), text(package), (Weight::Meaningful, "another package"));
    member("version", text(&old.version), text(version), numbered(old, new));
    member("integrity", text(&old.integrity), text(integrity), bytes(old, new));
    member("binary", spelled(old.binary), spelled(*binary), program(old, new));
}

/// How much a change matters, and why.
type Judged = (Weight, &'static str);

/// Another version is worth a look only if it is an older one or if the registry's digest, which covers it, is the old one.
fn numbered(old: &Identity, new: &Identity) -> Judged {
    let replaced = old.integrity != new.integrity || old.binary != new.binary;
    match Release::of(old, new) {
        _ if digest_stays(old, new) => (Weight::Alarming, "the registry's digest is the same"),
        Release::Older if replaced => (Weight::Meaningful, "an older version"),
        _ => (Weight::Notable, ""),
    }
}

/// A registry that gives out other bytes for a version that it gave out before breaks its own promise.
fn bytes(old: &Identity, new: &Identity) -> Judged {
    match (Release::of(old, new), &old.integrity, &new.integrity) {
        (Release::Same, Some(_), Some(_)) => (Weight::Alarming, "other bytes under the same version"),
        (Release::Other, Some(_), Some(_)) => (Weight::Meaningful, "other bytes"),
        (_, Some(_), None) => (Weight::Meaningful, "no longer known"),
        _ => (Weight::Notable, ""),
    }
}

/// A later version explains another program, unless the registry's digest tells otherwise. Whoever can write the program can
/// write the version too, so the version alone explains nothing where a digest was known.
fn program(old: &Identity, new: &Identity) -> Judged {
    let follows = match (&old.integrity, &new.integrity) {
        (Some(was), Some(is)) => was != is,
        (None, None) => true,
        _ => false,
    };
    match (old.binary, new.binary) {
        (Some(_), None) => (Weight::Meaningful, "no longer known"),
        (None, _) => (Weight::Meaningful, "was not known"),
        // Another command may start another file of the same package.
        _ if digest_stays(old, new) && old.command == new.command => {
            (Weight::Alarming, "another program, though the registry's digest is the same")
        }
        _ => match Release::of(old, new) {
            Release::Later if follows => (Weight::Notable, ""),
            Release::Older => (Weight::Meaningful, "another program of an older version"),
            _ => (Weight::Meaningful, "another program"),
        },
    }
}

fn digest_stays(old: &Identity, new: &Identity) -> bool {
    old.integrity.is_some() && old.integrity == new.integrity
}

/// What became of the version of the package.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Release {
    /// The package and its version are what they were; both may be unknown.
    Same,
    Later,
    Older,
    /// Another package, or versions that are unknown or have no order.
    Other,
}

impl Release {
    fn of(old: &Identity, new: &Identity) -> Self {
        if old.package != new.package {
            return Self::Other;
        }
        match (&old.version, &new.version) {
            (was, is) if was == is => Self::Same,
            (Some(was), Some(is)) if new.package.is_some() => match version::order(was, is) {
                Some(Ordering::Greater) => Self::Later,
                Some(Ordering::Less) => Self::Older,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
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
