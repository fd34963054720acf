//! A whole server compared: who it is, what it told about itself, and its lists.

use std::collections::BTreeMap;

use super::change::{Change, Weight, What};
use super::changes::Changes;
use super::renamed::{self, Likeness};
use super::{Suspicion, compare, compare_item, differences, identity, whole};
use crate::item::Item;
use crate::json::Node;
use crate::list::List;
use crate::lock::Pinned;
use crate::report::{Entry, Fate, Report};
use crate::surface::Surface;
use crate::tool::{PinnedTool, Tool};

/// How a server differs from what was accepted. What the surface does not know is not compared, and only lists that were
/// read to their end say what is gone.
pub fn compare_server(old: &Pinned, new: &Surface, suspicion: &Suspicion<'_>) -> Report {
    let mut changes = Changes::new(suspicion);
    if let Some(now) = &new.identity {
        identity::started(&mut changes, &old.identity.clone().unwrap_or_default(), now);
    }
    if let Some(now) = &new.told {
        identity::told(&mut changes, &old.told.clone().unwrap_or_default(), now);
    }
    let mut entries = tools(old, new, suspicion);
    for list in [List::Prompts, List::Resources, List::Templates] {
        entries.extend(items(old, new, list, suspicion));
    }
    Report { server: changes.finish(), entries }
}

fn tools(old: &Pinned, new: &Surface, suspicion: &Suspicion<'_>) -> Vec<Entry> {
    let complete = new.is_complete(List::Tools);
    let gone = old.tools.iter().filter(|(name, _)| complete && !new.tools.contains_key(*name));
    let mut gone: BTreeMap<&str, &PinnedTool> = gone.map(|(name, tool)| (name.as_str(), tool)).collect();
    let fresh = new.tools.values().filter(|tool| !old.tools.contains_key(tool.name()));
    let mut fresh: BTreeMap<&str, &Tool> = fresh.map(|tool| (tool.name(), tool)).collect();
    let mut entries = renamed(&mut gone, &mut fresh, suspicion);
    entries.extend(changed(old, new, suspicion));
    let added = |tool: &Tool| appeared(&tool.node, Weight::Meaningful, suspicion);
    entries.extend(fresh.values().map(|tool| entry(List::Tools, tool.name(), Fate::Added, added(tool))));
    entries.extend(gone.into_iter().map(|(name, tool)| removed(List::Tools, name, tool.description())));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

fn changed(old: &Pinned, new: &Surface, suspicion: &Suspicion<'_>) -> Vec<Entry> {
    let both = new.tools.values().filter_map(|now| Some((old.tools.get(now.name())?, now)));
    let compared = both.map(|(old, now)| (now.name(), compare(old, now, suspicion)));
    let changed = compared.filter(|(_, changes)| !changes.is_empty());
    changed.map(|(name, changes)| entry(List::Tools, name, Fate::Changed, changes)).collect()
}

/// Takes the pairs out of both lists.
fn renamed(
    gone: &mut BTreeMap<&str, &PinnedTool>,
    fresh: &mut BTreeMap<&str, &Tool>,
    suspicion: &Suspicion<'_>,
) -> Vec<Entry> {
    if gone.is_empty() || fresh.is_empty() {
        return Vec::new();
    }
    let (old, new): (Vec<_>, Vec<_>) =
        (gone.clone().into_iter().collect(), fresh.values().copied().collect());
    let old_likeness: Vec<_> = old.iter().map(|(_, tool)| Likeness::of(tool)).collect();
    let new_likeness: Vec<_> = new.iter().map(|tool| Likeness::of(tool.pinned())).collect();
    let pairs = renamed::pairs(&old_likeness, &new_likeness).into_iter().map(|(a, b)| (old[a], new[b]));
    let entries = pairs.map(|((name, before), now)| {
        gone.remove(name);
        fresh.remove(now.name());
        let mut changes = renaming(name, now.name(), suspicion);
        changes.extend(differences(before, now, suspicion));
        entry(List::Tools, now.name(), Fate::Renamed { from: name.to_owned() }, changes)
    });
    entries.collect()
}

fn renaming(old: &str, new: &str, suspicion: &Suspicion<'_>) -> Vec<Change> {
    let mut changes = Changes::new(suspicion);
    changes.renamed(whole(What::Changed, Weight::Meaningful, Some(old), Some(new)), old, new);
    changes.finish()
}

fn items(old: &Pinned, new: &Surface, list: List, suspicion: &Suspicion<'_>) -> Vec<Entry> {
    let known = old.items(list);
    let now = new.items.get(&list).cloned().unwrap_or_default();
    let judged = |item: &Item| match known.get(&item.key) {
        Some(pinned) => (Fate::Changed, compare_item(pinned, item, suspicion)),
        None => (Fate::Added, appeared(&item.node, Weight::Notable, suspicion)),
    };
    let found = now.iter().map(|(key, item)| (key, judged(item)));
    let found = found.filter(|(_, (_, changes))| !changes.is_empty());
    let mut entries: Vec<Entry> =
        found.map(|(key, (fate, changes))| entry(list, key, fate, changes)).collect();
    let gone = known.iter().filter(|(key, _)| new.is_complete(list) && !now.contains_key(*key));
    entries.extend(gone.map(|(key, pinned)| removed(list, key, pinned.description())));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

fn appeared(node: &Node, weight: Weight, suspicion: &Suspicion<'_>) -> Vec<Change> {
    let description = node.get("description").and_then(Node::text);
    let mut changes = Changes::new(suspicion);
    changes.appeared(whole(What::Added, weight, None, description), node);
    changes.finish()
}

fn removed(list: List, name: &str, description: Option<&str>) -> Entry {
    entry(list, name, Fate::Removed, vec![whole(What::Removed, Weight::Notable, description, None)])
}

fn entry(list: List, name: &str, fate: Fate, changes: Vec<Change>) -> Entry {
    let weight = changes.iter().map(|change| change.weight).max().unwrap_or(Weight::Notable);
    Entry { list, name: name.to_owned(), fate, weight, changes }
}
