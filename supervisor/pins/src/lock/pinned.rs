//! What was accepted of one server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::identity::{Identity, Told};
use crate::item::{Item, PinnedItem};
use crate::list::List;
use crate::surface::Surface;
use crate::tool::{PinnedTool, Tool};

/// What was accepted of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pinned {
    pub(crate) identity: Option<Identity>,
    pub(crate) told: Option<Told>,
    pub(crate) tools: BTreeMap<String, PinnedTool>,
    /// The other lists. A list without items is missing.
    pub(crate) items: BTreeMap<List, BTreeMap<String, PinnedItem>>,
    /// Lists that were seen to their end: what is not in them was not there.
    pub(crate) listed: BTreeSet<List>,
}

impl Pinned {
    /// Whether a tool is what was accepted, without saying how it differs. What cannot be read is not.
    pub fn matches(&self, name: &str, raw: &RawValue) -> bool {
        Tool::read(raw).is_ok_and(|tool| tool.name() == name && self.matches_tool(&tool))
    }

    /// The same for a tool that was read already.
    pub fn matches_tool(&self, tool: &Tool) -> bool {
        self.tools.get(tool.name()).is_some_and(|pinned| pinned.digest() == tool.digest())
    }

    /// The same for a prompt, a resource or a template.
    pub fn matches_item(&self, item: &Item) -> bool {
        match item.list() {
            List::Tools => self.tools.get(item.key()).is_some_and(|tool| tool.digest() == item.pinned.digest),
            list => {
                self.items(list).get(item.key()).is_some_and(|pinned| pinned.digest == item.pinned.digest)
            }
        }
    }

    /// What was started.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What the server told about itself.
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// The tools, by name.
    pub fn tools(&self) -> &BTreeMap<String, PinnedTool> {
        &self.tools
    }

    /// The prompts, resources or templates, by key; nothing for tools, which [`Self::tools`] tells.
    pub fn items(&self, list: List) -> &BTreeMap<String, PinnedItem> {
        static NONE: BTreeMap<String, PinnedItem> = BTreeMap::new();
        self.items.get(&list).unwrap_or(&NONE)
    }

    /// Whether the list was seen to its end when it was accepted, so that what is not in it is new.
    pub fn is_listed(&self, list: List) -> bool {
        self.listed.contains(&list)
    }

    pub(super) fn accept_tool(&mut self, tool: &Tool) {
        self.tools.insert(tool.name().to_owned(), tool.pinned().clone());
    }

    pub(super) fn accept(&mut self, surface: &Surface) {
        let Surface { identity, told, tools, items, complete, .. } = surface;
        self.identity = identity.clone().or(self.identity.take());
        self.told = told.clone().or(self.told.take());
        for list in complete {
            self.clear(*list);
            self.listed.insert(*list);
        }
        tools.values().for_each(|tool| self.accept_tool(tool));
        for item in items.values().flat_map(BTreeMap::values) {
            let known = self.items.entry(item.list).or_default();
            known.insert(item.key.clone(), item.pinned.clone());
        }
    }

    fn clear(&mut self, list: List) {
        match list {
            List::Tools => self.tools.clear(),
            _ => drop(self.items.remove(&list)),
        }
    }
}
