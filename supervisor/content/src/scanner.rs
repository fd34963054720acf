//! The rules of all packs, ready to be searched for together.

use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::class::Classes;
use crate::findings::Findings;
use crate::pack::{Pack, PackError, Rule, Run};
use crate::search::Search;

pub(crate) const PACKS: [&str; 4] = [
    include_str!("../packs/injection.toml"),
    include_str!("../packs/exfiltration.toml"),
    include_str!("../packs/secrets.toml"),
    include_str!("../packs/pii.toml"),
];

/// Looks for what packs of rules describe. Made once, used by any number of threads.
#[derive(Debug)]
pub struct Scanner {
    pub(crate) rules: Vec<Arc<Rule>>,
    /// All keywords of all rules, in one automaton.
    pub(crate) keywords: AhoCorasick,
    /// The rules of each keyword, as indices.
    pub(crate) rules_of: Vec<Vec<usize>>,
    /// The rules without keywords.
    pub(crate) rules_of_runs: Vec<(Run, usize)>,
}

impl Scanner {
    /// A scanner with the packs that come with the program.
    ///
    /// # Errors
    /// None in practice: the packs are part of the program, and its tests read them.
    pub fn new() -> Result<Self, PackError> {
        let packs: Result<Vec<Pack>, PackError> = PACKS.into_iter().map(Pack::trusted).collect();
        Self::with(packs?)
    }

    /// The scanner of this process with the packs that come with the program, made by whoever asks first; that takes about ten
    /// milliseconds.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn shipped() -> Result<&'static Self, &'static PackError> {
        static SHIPPED: LazyLock<Result<Scanner, PackError>> = LazyLock::new(Scanner::new);
        SHIPPED.as_ref()
    }

    /// A scanner with other packs.
    ///
    /// # Errors
    /// Two rules of one name, or more keywords than can be searched together.
    pub fn with(packs: impl IntoIterator<Item = Pack>) -> Result<Self, PackError> {
        let rules: Vec<Arc<Rule>> = packs.into_iter().flat_map(|pack| pack.rules).collect();
        unique(&rules)?;
        let (words, rules_of) = keywords(&rules);
        let keywords = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
            .map_err(|error| PackError::Keywords { what: error.to_string() })?;
        let runs = rules.iter().enumerate().filter_map(|(index, rule)| Some((rule.run?, index)));
        let rules_of_runs = runs.collect();
        Ok(Self { rules, keywords, rules_of, rules_of_runs })
    }

    /// The rules, pack by pack.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(Arc::as_ref)
    }

    /// Everything of the wanted classes in a text, in time linear in its length.
    pub fn scan(&self, text: &str, wanted: Classes) -> Findings {
        if wanted == Classes::NONE {
            return Findings::default();
        }
        Search::new(self, text, wanted).run()
    }

    /// The classes that the scanner has rules for.
    pub fn classes(&self) -> Classes {
        self.rules.iter().fold(Classes::NONE, |classes, rule| classes | rule.class().into())
    }
}

fn unique(rules: &[Arc<Rule>]) -> Result<(), PackError> {
    let mut known = std::collections::BTreeSet::new();
    match rules.iter().find(|rule| !known.insert(rule.id())) {
        Some(rule) => Err(PackError::Twice { line: 1, rule: rule.id().to_owned() }),
        None => Ok(()),
    }
}

/// Each keyword once, and the rules that it is of.
fn keywords(rules: &[Arc<Rule>]) -> (Vec<&str>, Vec<Vec<usize>>) {
    let mut known: std::collections::BTreeMap<&str, Vec<usize>> = std::collections::BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        rule.keywords.iter().for_each(|keyword| known.entry(keyword).or_default().push(index));
    }
    known.into_iter().unzip()
}

#[cfg(test)]
mod tests;
