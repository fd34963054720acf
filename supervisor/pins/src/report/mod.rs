//! What changed on a whole server, for people and for programs.

mod line;
mod render;

use serde::Serialize;

use crate::compare::change::{Change, Weight};
use crate::list::List;

pub use render::Paint;

/// How a server differs from what was accepted.
///
/// As JSON it holds the server's own texts as they are: a caller that writes them to a terminal escapes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Who it is, and what it told about itself.
    pub server: Vec<Change>,
    /// The tools, then the prompts, the resources and the templates that differ, each list by name.
    pub entries: Vec<Entry>,
}

/// Something listed that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Where it is listed.
    pub list: List,
    /// Its name; the URI of a resource. The server's own text, which may hold anything.
    pub name: String,
    /// What happened to it.
    pub fate: Fate,
    /// The highest weight of its changes.
    pub weight: Weight,
    /// How it differs; never empty.
    pub changes: Vec<Change>,
}

/// What happened to something that is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It was not accepted yet.
    Added,
    /// It is gone.
    Removed,
    /// It is so much like one that is gone that it may be the same under another name. A guess.
    Renamed {
        /// The name that is gone.
        from: String,
    },
    /// It differs.
    Changed,
}

impl Report {
    /// Whether the server is as it was accepted.
    pub fn is_empty(&self) -> bool {
        self.server.is_empty() && self.entries.is_empty()
    }

    /// The highest weight; `None` if nothing changed.
    pub fn weight(&self) -> Option<Weight> {
        let server = self.server.iter().map(|change| change.weight);
        server.chain(self.entries.iter().map(|entry| entry.weight)).max()
    }

    /// What differs of one list.
    pub fn of(&self, list: List) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.list == list)
    }

    /// How many changes have this weight. Those that are only counted ([`What::Further`](crate::What)) are one change here.
    pub fn count(&self, weight: Weight) -> usize {
        let of_entries = self.entries.iter().flat_map(|entry| &entry.changes);
        self.server.iter().chain(of_entries).filter(|change| change.weight == weight).count()
    }
}
