//! The rules of all packs, ready to be searched for together.

use std::sync::{Arc, LazyLock, OnceLock};

use crate::class::Classes;
use crate::findings::Findings;
use crate::keywords::{Keywords, Texts};
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
    /// The keywords by the classes that are wanted and by the texts, made when they first are: a policy wants one set or two.
    keywords: [OnceLock<Result<Keywords, PackError>>; Texts::KINDS * Classes::SETS],
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

    /// The scanner of this process with the packs that come with the program, made by whoever asks first; that, and the first
    /// search for a set of classes, take some milliseconds each.
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
    /// Two rules of one name.
    pub fn with(packs: impl IntoIterator<Item = Pack>) -> Result<Self, PackError> {
        let rules: Vec<Arc<Rule>> = packs.into_iter().flat_map(|pack| pack.rules).collect();
        unique(&rules)?;
        let runs = rules.iter().enumerate().filter_map(|(index, rule)| Some((rule.run?, index)));
        let rules_of_runs = runs.collect();
        Ok(Self { rules, keywords: [const { OnceLock::new() }; Texts::KINDS * Classes::SETS], rules_of_runs })
    }

    /// The keywords of the wanted classes for such texts.
    ///
    /// # Errors
    /// More keywords than can be searched together.
    pub(crate) fn keywords(&self, wanted: Classes, texts: Texts) -> Result<&Keywords, &PackError> {
        let made = &self.keywords[Texts::KINDS * wanted.number() + texts as usize];
        made.get_or_init(|| Keywords::new(&self.rules, wanted, texts)).as_ref()
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

#[cfg(test)]
mod tests;
