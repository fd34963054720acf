//! The server is compared with what it was when somebody looked at it (`mcpguard.lock`).
//!
//! ```text
//! tools/list, prompts/list ── each element ─► as it was, or changed without meaning ─► passes
//!                                            └ changed, or new ─► closed: cut out of the list, refused when it is asked for
//! initialize ── instructions ─► changed ─► withheld
//! the last page ─► a first use is told of whole (the shell remembers it), and what differs in one report
//! ```
//! A tool that is called before the server has listed it is known by its name only: it passes if it is pinned.

mod answers;

use std::collections::{BTreeMap, BTreeSet};

use content::suspicion;
use pins::{Change, Identity, Item, List, Lock, Paint, Pinned, Report, Surface, Told, Tool, Weight};
use policy::plan::{FirstUse, OnChange, PinsPlan, RuleId};
use serde_json::value::RawValue;

use crate::fact::Fact;
use crate::value;

pub(super) use answers::list_again;

/// Pages of one listing; what comes on later ones is not met for the first time any more.
const MOST_PAGES: u32 = 256;

/// Columns of a report that a fact carries.
const WIDTH: usize = 120;

/// What the server was, as the shell knows it.
#[derive(Clone, Debug)]
pub struct Pinning {
    /// Under which name the lock file has it.
    pub name: String,
    /// The lock file.
    pub lock: Lock,
    /// What was started.
    pub identity: Identity,
}

/// What of the server is pinned, and what it shows in this session.
pub(super) struct Pins {
    plan: PinsPlan,
    name: String,
    lock: Lock,
    identity: Identity,
    surface: Surface,
    /// Tools and prompts that have changed in meaning, or are new.
    changed: BTreeSet<(List, String)>,
    /// Names that came twice in one listing: which of the two is meant nobody can accept.
    twice: BTreeSet<(List, String)>,
    /// Lists of which nothing was known when the listing began that goes on now.
    met: BTreeSet<List>,
    /// Pages of each list's listing.
    pages: BTreeMap<List, u32>,
    /// Everything is.
    all_closed: bool,
    /// The last report that was told.
    told: String,
}

impl Pins {
    pub(super) fn new(plan: PinsPlan, pinning: Pinning) -> Self {
        let Pinning { name, lock, identity } = pinning;
        let mut surface = Surface::default();
        surface.set_identity(identity.clone());
        let mut pins = Self {
            plan,
            name,
            lock,
            identity,
            surface,
            changed: BTreeSet::new(),
            twice: BTreeSet::new(),
            met: BTreeSet::new(),
            pages: BTreeMap::new(),
            all_closed: false,
            told: String::new(),
        };
        pins.judge_server();
        pins
    }

    fn pinned(&self) -> Option<&Pinned> {
        self.lock.server(&self.name)
    }

    /// The rule that closes it.
    pub(super) fn closed(&self, list: List, name: &str) -> Option<RuleId> {
        let shown = || list == List::Tools && self.surface.tools().contains_key(name);
        let unknown = || !self.knows(list, name) && !shown() && self.is_strict_about(list);
        let changed = || self.changed.contains(&(list, name.to_owned())) || unknown();
        let closed = self.all_closed || (self.plan.on_change != OnChange::Flag && changed());
        closed.then_some(self.plan.from)
    }

    fn knows(&self, list: List, name: &str) -> bool {
        self.pinned().is_some_and(|pinned| match list {
            List::Tools => pinned.tools().contains_key(name),
            list => pinned.items(list).contains_key(name),
        })
    }

    /// Whether what the lock file does not know of a list is new, and not only met for the first time. It is met in one
    /// listing: a server that never comes to its end would have any number of tools met later on.
    fn is_strict_about(&self, list: List) -> bool {
        let listed = self.pinned().is_some_and(|pinned| pinned.is_listed(list));
        self.plan.first_use == FirstUse::Refuse
            || listed
            || (self.has_some(list) && !self.met.contains(&list))
    }

    /// Whether anything of a list is pinned.
    fn has_some(&self, list: List) -> bool {
        self.pinned().is_some_and(|pinned| match list {
            List::Tools => !pinned.tools().is_empty(),
            list => !pinned.items(list).is_empty(),
        })
    }

    /// Whether the server as a whole is another one.
    fn judge_server(&mut self) {
        let report = self.pinned().map(|pinned| pins::compare_server(pinned, &self.surface, &suspicion));
        let weight = report.and_then(|report| heaviest(&report.server));
        self.all_closed = match (self.pinned(), self.plan.on_change) {
            (None, _) => self.plan.first_use == FirstUse::Refuse,
            (Some(_), OnChange::Flag) => false,
            (Some(_), OnChange::Quarantine) => weight >= Some(Weight::Alarming),
            (Some(_), OnChange::Block) => weight >= Some(Weight::Meaningful) || !self.changed.is_empty(),
        };
    }

    /// What the server says of itself; whether its instructions have changed and are to be withheld. That it says nothing is
    /// something that it can change as well.
    fn told(&mut self, told: Told) -> bool {
        let known = self.surface.set_told(told).is_ok();
        self.judge_server();
        let new = self.surface.told().and_then(|told| told.instructions.as_ref());
        let changed = match self.pinned().and_then(Pinned::told) {
            Some(pinned) => pinned.instructions.as_ref() != new && new.is_some(),
            // One tool of it may have been accepted, and nothing that it says.
            None => self.plan.first_use == FirstUse::Refuse,
        };
        (self.all_closed || !known || changed) && self.plan.on_change != OnChange::Flag
    }

    /// What the server says of itself is met for the first time although its lists are known: it is remembered.
    fn met_told(&mut self) -> Option<Fact> {
        let first = self.pinned().is_some_and(|pinned| pinned.told().is_none());
        if !first || self.all_closed || self.plan.first_use == FirstUse::Refuse {
            return None;
        }
        let mut part = Surface::default();
        part.set_told(self.surface.told()?.clone()).ok()?;
        self.lock.accept(&self.name, &part).ok()?;
        Some(Fact::ServerPinned { surface: part.to_json(), tools: 0 })
    }

    /// One element of a list.
    fn element(&mut self, list: List, raw: &[u8]) {
        let Ok(item) =
            serde_json::from_slice::<&RawValue>(raw).map_err(|_| ()).and_then(|raw| read(list, raw))
        else {
            // It has no name that can be read, so that `listing` leaves it out; or it holds what cannot be compared.
            if let Some(name) = value::member(raw, "name").and_then(value::string) {
                self.changed.insert((list, name));
            }
            self.all_closed |= self.plan.on_change == OnChange::Block;
            return;
        };
        let (name, weight) = match &item {
            Shown::Tool(tool) => (tool.name().to_owned(), self.weight_of_tool(tool)),
            Shown::Item(item) => (item.key().to_owned(), self.weight_of_item(item)),
        };
        let added = match item {
            Shown::Tool(tool) => self.surface.add_tool(tool),
            Shown::Item(item) => self.surface.add(item),
        };
        let closes = weight >= Some(Weight::Meaningful) || added.is_err();
        let key = (list, name);
        if added.is_err() {
            self.twice.insert(key.clone());
        }
        let _ = if closes { self.changed.insert(key) } else { self.changed.remove(&key) };
        self.all_closed |= closes && self.plan.on_change == OnChange::Block;
    }

    /// How much a tool differs from what is pinned.
    fn weight_of_tool(&self, tool: &Tool) -> Option<Weight> {
        let old = self.pinned().and_then(|pinned| Some((pinned, pinned.tools().get(tool.name())?)));
        match old {
            Some((pinned, _)) if pinned.matches_tool(tool) => None,
            Some((_, old)) => heaviest(&pins::compare(old, tool, &suspicion)),
            None => self.is_strict_about(List::Tools).then_some(Weight::Meaningful),
        }
    }

    fn weight_of_item(&self, item: &Item) -> Option<Weight> {
        let list = item.list();
        let old = self.pinned().and_then(|pinned| Some((pinned, pinned.items(list).get(item.key())?)));
        match old {
            Some((pinned, _)) if pinned.matches_item(item) => None,
            Some((_, old)) => heaviest(&pins::compare_item(old, item, &suspicion)),
            None => self.is_strict_about(list).then_some(Weight::Meaningful),
        }
    }

    /// A page of a list.
    fn page(&mut self, list: List, elements: &[u8], first: bool, last: bool) -> Option<Fact> {
        if first {
            self.surface.begin(list);
            // What is pinned stays closed until it is shown as somebody has accepted it; what is not is judged by its name.
            let mut changed = std::mem::take(&mut self.changed);
            changed.retain(|(of, name)| *of != list || self.knows(*of, name));
            self.changed = changed;
            self.twice.retain(|(of, _)| *of != list);
            let _ = if self.has_some(list) { self.met.remove(&list) } else { self.met.insert(list) };
            self.pages.remove(&list);
        }
        value::elements(elements).for_each(|raw| self.element(list, raw));
        let pages = self.pages.entry(list).or_default();
        *pages = pages.saturating_add(1);
        let pages = *pages;
        let last = last || pages == MOST_PAGES;
        if last {
            self.surface.complete(list);
        }
        // Whoever finds something closed must be able to look at it, though the list never comes to its end.
        let closes = pages.is_power_of_two() && self.changed.iter().any(|(of, _)| *of == list);
        let met = self.met(list);
        if met.is_some() || !(last || closes) { met } else { self.compared() }
    }

    /// What is met for the first time is remembered, page by page: a list may never come to its end.
    fn met(&mut self, list: List) -> Option<Fact> {
        let changed = self.all_closed || self.changed.iter().any(|(of, _)| *of == list);
        if self.is_strict_about(list) || changed {
            return None;
        }
        let mut part = self.surface.of(list);
        if self.pinned().is_none() {
            part.set_identity(self.identity.clone());
            self.surface.told().cloned().map(|told| part.set_told(told)).transpose().ok()?;
        }
        let before = self.pinned().cloned();
        // What cannot be remembered is met for the first time once more.
        self.lock.accept(&self.name, &part).ok()?;
        let tools = part.tools().len() as u64;
        (self.pinned() != before.as_ref()).then(|| Fact::ServerPinned { surface: part.to_json(), tools })
    }

    /// A list has come to its end: what differs is told.
    fn compared(&mut self) -> Option<Fact> {
        let report = self.pinned().map(|pinned| pins::compare_server(pinned, &self.surface, &suspicion));
        self.changed(&report.unwrap_or_default())
    }

    fn changed(&mut self, report: &Report) -> Option<Fact> {
        let unknown = self.pinned().is_none();
        if report.is_empty() && !unknown {
            return None;
        }
        let text = match unknown {
            true => "nobody has looked at this server yet\n".to_owned(),
            false => report.render(WIDTH, Paint::Plain),
        };
        if text == self.told {
            return None;
        }
        self.told.clone_from(&text);
        let closes = self.plan.on_change != OnChange::Flag;
        Some(Fact::ServerChanged {
            report: text,
            weight: report.weight().unwrap_or(Weight::Meaningful),
            closed: self.changed.iter().filter(|_| closes).map(|(_, name)| name.clone()).collect(),
            all_closed: self.all_closed,
            rule: self.plan.from,
            surface: self.surface.to_json(),
        })
    }

    /// Whether a tool is neither shown nor pinned any more.
    fn is_gone(&self, list: List, name: &str) -> bool {
        list == List::Tools && !self.surface.tools().contains_key(name) && !self.knows(list, name)
    }

    /// Whether a tool is shown once, and as somebody has accepted it.
    fn is_accepted(&self, list: List, name: &str) -> bool {
        let shown = || self.surface.tools().get(name);
        let once = list == List::Tools && !self.twice.contains(&(list, name.to_owned()));
        once && shown().is_some_and(|tool| self.weight_of_tool(tool) < Some(Weight::Meaningful))
    }

    /// Somebody has accepted something: what is shown is compared anew.
    pub(super) fn follow(&mut self, lock: Lock) -> Option<Fact> {
        self.lock = lock;
        // Only what is seen to be accepted opens. Prompts, and tools that could not be read, wait for the next listing.
        let mut changed = std::mem::take(&mut self.changed);
        changed.retain(|(list, name)| !self.is_gone(*list, name) && !self.is_accepted(*list, name));
        self.changed = changed;
        self.judge_server();
        self.compared()
    }
}

fn heaviest(changes: &[Change]) -> Option<Weight> {
    changes.iter().map(|change| change.weight).max()
}

/// An element of a list.
enum Shown {
    Tool(Tool),
    Item(Item),
}

fn read(list: List, raw: &RawValue) -> Result<Shown, ()> {
    match list {
        List::Tools => Tool::read(raw).map(Shown::Tool).map_err(drop),
        list => Item::read(list, raw).map(Shown::Item).map_err(drop),
    }
}

#[cfg(test)]
mod tests;
