//! Which of the new tools may be one that is gone, under another name.

use std::collections::BTreeSet;

use super::prose;
use crate::json::Node;
use crate::tool::PinnedTool;

/// With more tools than this on one side nothing is called renamed; this bounds the pairs.
const MOST_COMPARED: usize = 64;

/// The words of a description that are compared.
const MOST_WORDS: usize = 200;

/// How alike two tools must be, of 100.
const ALIKE: usize = 75;

/// What two tools are compared by.
pub(super) struct Likeness<'a> {
    tool: &'a PinnedTool,
    words: BTreeSet<String>,
    parameters: BTreeSet<String>,
}

impl<'a> Likeness<'a> {
    pub(super) fn of(tool: &'a PinnedTool) -> Self {
        let words = prose::words(tool.description().unwrap_or_default());
        let schema = tool.input_schema().and_then(|text| Node::parse(text).ok());
        let properties = schema.as_ref().and_then(|schema| schema.get("properties")?.map());
        Self {
            tool,
            words: words.into_iter().take(MOST_WORDS).collect(),
            parameters: properties.into_iter().flatten().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Tools without a description and without parameters are all alike, which says nothing.
    fn says_something(&self) -> bool {
        !self.words.is_empty() || !self.parameters.is_empty()
    }

    fn same(&self, other: &Self) -> bool {
        let (own, others) = (self.tool, other.tool);
        let same = own.description() == others.description() && own.input_schema == others.input_schema;
        self.says_something() && same
    }

    /// From 0 to 100: the words count for three fifths, the parameters for two.
    fn alike(&self, other: &Self) -> usize {
        if self.same(other) {
            return 100;
        }
        let score = 3 * shared(&self.words, &other.words) + 2 * shared(&self.parameters, &other.parameters);
        if self.says_something() && other.says_something() { score / 5 } else { 0 }
    }
}

/// The shared part of what two sets have together, of 100.
fn shared(a: &BTreeSet<String>, b: &BTreeSet<String>) -> usize {
    let both = a.intersection(b).count();
    (100 * both).checked_div(a.len() + b.len() - both).unwrap_or(100)
}

/// Pairs of a tool that is gone and one that is new, by their places; each tool is in one pair at most.
pub(super) fn pairs(gone: &[Likeness<'_>], new: &[Likeness<'_>]) -> Vec<(usize, usize)> {
    if gone.len().max(new.len()) > MOST_COMPARED {
        return Vec::new();
    }
    let scored = gone
        .iter()
        .enumerate()
        .flat_map(|(old, a)| new.iter().enumerate().map(move |(new, b)| (a.alike(b), old, new)));
    let mut scored: Vec<_> = scored.filter(|(score, ..)| *score >= ALIKE).collect();
    scored.sort_by_key(|(score, old, new)| (std::cmp::Reverse(*score), *old, *new));
    let (mut taken, mut claimed) = (BTreeSet::new(), BTreeSet::new());
    scored.retain(|(_, old, new)| {
        let free = !taken.contains(old) && !claimed.contains(new);
        free && taken.insert(*old) && claimed.insert(*new)
    });
    scored.into_iter().map(|(_, old, new)| (old, new)).collect()
}
