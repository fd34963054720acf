//! The policy: what one text and everything it extends mean together. Cannot be invalid: [`load`] alone makes it.

mod alerts;
mod check;
mod domains;
pub(crate) mod duplicates;
mod load;
mod paths;
pub(crate) mod rates;
mod size;
mod tools;

use std::collections::BTreeMap;

pub use load::{Library, Source, load};

use crate::document::Document;
use crate::plan::Origin;
use crate::problem::Problems;

/// A policy whose every key was understood. Host-independent: variables are not expanded yet.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    description: Option<String>,
    revision: String,
    document: Document,
    order: Order,
    warnings: Problems,
}

impl Policy {
    /// The policy's name: what `name` says, else the last part of the source's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy's description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// SHA-256 in hex over every source text in the order of merging, each preceded by its length in bytes
    /// as eight bytes, little end first.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// What its author probably did not mean, although it is valid.
    pub fn warnings(&self) -> &Problems {
        &self.warnings
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn order(&self) -> &Order {
        &self.order
    }
}

/// In which order sources were merged: later ones have higher ranks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    ranks: BTreeMap<String, usize>,
}

impl Order {
    /// Notes that a source was merged now. A source that is merged twice has the rank of the last time.
    fn note(&mut self, source: &str) {
        let rank = self.ranks.values().max().map_or(0, |rank| rank + 1);
        self.ranks.insert(source.to_owned(), rank);
    }

    /// Whether `first` stands in a file that was merged before the file of `second`.
    pub(crate) fn is_earlier(&self, first: &Origin, second: &Origin) -> bool {
        self.rank(first) < self.rank(second)
    }

    /// Whether this is the source that was given by the user, not one that it extends.
    pub(crate) fn is_entry(&self, origin: &Origin) -> bool {
        self.rank(origin) == self.ranks.values().max().copied()
    }

    /// The rank of a source; higher is later.
    pub(crate) fn rank(&self, origin: &Origin) -> Option<usize> {
        self.ranks.get(&origin.source).copied()
    }
}
