//! What a server shows now, beside what was accepted.

mod annotations;
pub(crate) mod change;
mod changes;
mod identity;
mod judgement;
mod keyword;
mod prose;
mod renamed;
mod schema;
mod server;
mod version;
mod words;

use change::{Change, Edit, Place, Weight, What};
use changes::Changes;

use crate::item::{Item, PinnedItem, others};
use crate::json::Node;
use crate::list::List;
use crate::tool::{PinnedTool, Tool};

pub use server::compare_server;

/// Says why a text looks like an attack, or nothing. The caller's scanner for hidden instructions is asked here, so that
/// this crate has no opinion of its own.
pub type Suspicion<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// How a tool differs from what was accepted; empty if and only if both have the same digest.
pub fn compare(old: &PinnedTool, new: &Tool, suspicion: &Suspicion<'_>) -> Vec<Change> {
    if old.digest() == new.digest() {
        return Vec::new();
    }
    named(differences(old, new, suspicion))
}

/// The same for a prompt, a resource or a template.
pub fn compare_item(old: &PinnedItem, new: &Item, suspicion: &Suspicion<'_>) -> Vec<Change> {
    if old.digest == new.pinned.digest {
        return Vec::new();
    }
    let mut changes = Changes::new(suspicion);
    members(&mut changes, old, (new.list, &new.node));
    named(changes.finish())
}

/// Another digest is never without a change, whatever a hand that edited the lock file did to it.
fn named(mut changes: Vec<Change>) -> Vec<Change> {
    if changes.is_empty() {
        changes.push(Change {
            place: "digest".to_owned(),
            what: What::Changed,
            edits: Vec::new(),
            weight: Weight::Notable,
            reasons: vec!["nothing that the lock file remembers as text".to_owned()],
        });
    }
    changes
}

/// Everything but the name, which a renamed tool has changed.
fn differences(old: &PinnedTool, new: &Tool, suspicion: &Suspicion<'_>) -> Vec<Change> {
    let PinnedTool { item, input_schema, output_schema, annotations } = old;
    let mut changes = Changes::new(suspicion);
    members(&mut changes, item, (List::Tools, &new.node));
    let schemas = [("inputSchema", input_schema), ("outputSchema", output_schema)];
    for (name, old) in schemas {
        let old = remembered(old.as_deref());
        schema::compare(&mut changes, &Place::root(name), old.as_ref(), new.node.get(name));
    }
    let old = remembered(annotations.as_deref());
    annotations::compare(&mut changes, old.as_ref(), new.node.get("annotations"));
    changes.finish()
}

/// What is remembered was canonical JSON when it was read.
fn remembered(text: Option<&str>) -> Option<Node> {
    Node::parse(text?).ok()
}

/// The texts, and the members of which the digest is remembered.
fn members(changes: &mut Changes<'_>, old: &PinnedItem, (list, new): (List, &Node)) {
    let PinnedItem { digest: _, title, description, other } = old;
    let text = |name| new.get(name).and_then(Node::text);
    changes.text(&Place::root("title"), title.as_deref(), text("title"));
    changes.text(&Place::root("description"), description.as_deref(), text("description"));
    for (name, member) in others(list, new) {
        let place = Place::root(name);
        match other.get(name) {
            None => changes.value(&place, None, Some(member), Weight::Notable, ""),
            Some(digest) if *digest != member.digest() => changes.replaced(&place, member),
            Some(_) => {}
        }
    }
    let gone = other.keys().filter(|name| new.get(name).is_none());
    gone.for_each(|name| changes.push(forgotten(name)));
}

fn forgotten(name: &str) -> Change {
    let place = Place::root(name).to_string();
    Change { place, what: What::Removed, edits: Vec::new(), weight: Weight::Notable, reasons: Vec::new() }
}

/// A change of something as a whole; the texts say what it was and is.
fn whole(what: What, weight: Weight, old: Option<&str>, new: Option<&str>) -> Change {
    let edits = vec![Edit { old: changes::json(old), new: changes::json(new), ..Edit::default() }];
    Change { place: String::new(), what, edits, weight, reasons: Vec::new() }
}
