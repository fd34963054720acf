//! What a server showed in one session, collected page by page.

mod file;

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::{Identity, Told};
use crate::item::Item;
use crate::list::List;
use crate::tool::Tool;

pub use file::{MAX_SURFACE_FILE, SurfaceFileError};

/// The most bytes that everything which a server shows may have together.
pub const MAX_SURFACE: usize = 4 << 20;

/// Everything that a server showed: who it is, what it told about itself, and its lists.
///
/// A part that was not seen is unknown, which is not the same as empty: unknown parts are not compared, and accepting leaves
/// what is remembered of them. Of a list that was not read to its end nothing counts as removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surface {
    pub(crate) identity: Option<Identity>,
    pub(crate) told: Option<Told>,
    pub(crate) tools: BTreeMap<String, Tool>,
    /// The other lists. A list without items may be missing.
    pub(crate) items: BTreeMap<List, BTreeMap<String, Item>>,
    pub(crate) complete: BTreeSet<List>,
    /// Of all canonical texts.
    bytes: usize,
}

/// What cannot be added to a surface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceError {
    /// One listing has two of one name, of which each client may take another one.
    #[error("the {list} \"{}\" stands twice in one listing", crate::visible::quoted(key))]
    Twice {
        /// The list.
        list: List,
        /// Its name or URI.
        key: String,
    },
    /// More than [`MAX_SURFACE`] bytes.
    #[error("the server shows more than {MAX_SURFACE} bytes")]
    TooLarge,
}

impl Surface {
    /// Says what was started.
    pub fn set_identity(&mut self, identity: Identity) {
        self.identity = Some(identity);
    }

    /// Says what the server told about itself.
    ///
    /// # Errors
    /// Too many bytes. The surface is unchanged then.
    pub fn set_told(&mut self, told: Told) -> Result<(), SurfaceError> {
        let before = self.told.as_ref().map_or(0, Told::bytes);
        self.grow(self.bytes - before, told.bytes())?;
        self.told = Some(told);
        Ok(())
    }

    /// A list begins anew: its first page was asked for.
    pub fn begin(&mut self, list: List) {
        let tools = if list == List::Tools { std::mem::take(&mut self.tools) } else { BTreeMap::new() };
        let items = self.items.remove(&list).unwrap_or_default();
        let gone = tools.values().map(|tool| tool.bytes).chain(items.values().map(|item| item.bytes));
        self.bytes -= gone.sum::<usize>();
        self.complete.remove(&list);
    }

    /// The last page of a list was seen: what is not in it does not exist.
    pub fn complete(&mut self, list: List) {
        self.complete.insert(list);
    }

    /// Adds a tool of a page.
    ///
    /// # Errors
    /// A name that comes twice, too many bytes. The surface is unchanged then.
    pub fn add_tool(&mut self, tool: Tool) -> Result<(), SurfaceError> {
        if self.tools.contains_key(&tool.name) {
            return Err(SurfaceError::Twice { list: List::Tools, key: tool.name });
        }
        self.grow(self.bytes, tool.bytes)?;
        self.tools.insert(tool.name.clone(), tool);
        Ok(())
    }

    /// Adds anything of a page.
    ///
    /// # Errors
    /// A key that comes twice, too many bytes. The surface is unchanged then.
    pub fn add(&mut self, item: Item) -> Result<(), SurfaceError> {
        if item.list == List::Tools {
            return self.add_tool(Tool::of(item));
        }
        if self.items.get(&item.list).is_some_and(|items| items.contains_key(&item.key)) {
            return Err(SurfaceError::Twice { list: item.list, key: item.key });
        }
        self.grow(self.bytes, item.bytes)?;
        self.items.entry(item.list).or_default().insert(item.key.clone(), item);
        Ok(())
    }

    /// Adds everything of another part of the same listing: what it tells about the server replaces what was known.
    ///
    /// # Errors
    /// A key that is in both, too many bytes. The surface may hold some of the other part then.
    pub fn merge(&mut self, other: Self) -> Result<(), SurfaceError> {
        let Self { identity, told, tools, items, complete, bytes: _ } = other;
        self.identity = identity.or(self.identity.take());
        if let Some(told) = told {
            self.set_told(told)?;
        }
        tools.into_values().try_for_each(|tool| self.add_tool(tool))?;
        items.into_values().flat_map(BTreeMap::into_values).try_for_each(|item| self.add(item))?;
        self.complete.extend(complete);
        Ok(())
    }

    /// Only this list: neither another one, nor who the server is and what it told.
    #[must_use]
    pub fn of(&self, list: List) -> Self {
        let mut part = Self::default();
        match list {
            List::Tools => part.tools.clone_from(&self.tools),
            list => part.items.extend(self.items.get(&list).map(|items| (list, items.clone()))),
        }
        part.complete.extend(self.complete.get(&list));
        part.bytes = self.bytes;
        part
    }

    /// The tools, by name.
    pub fn tools(&self) -> &BTreeMap<String, Tool> {
        &self.tools
    }

    /// What the server told about itself, if that was seen.
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// Whether a list was read to its end.
    pub fn is_complete(&self, list: List) -> bool {
        self.complete.contains(&list)
    }

    fn grow(&mut self, from: usize, by: usize) -> Result<(), SurfaceError> {
        let grown = from.saturating_add(by);
        if grown > MAX_SURFACE {
            return Err(SurfaceError::TooLarge);
        }
        self.bytes = grown;
        Ok(())
    }
}
