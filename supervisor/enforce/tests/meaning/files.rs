//! A file system that changes: some paths exist when the rules are registered, and some are other inodes afterwards.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use abi::name_hash;
use policy::Plan;
use policy::plan::AbsolutePath;

/// What exists is decided by a seed, but for the granted paths: they exist, with everything above them, and stay.
pub(crate) struct Files {
    /// `None`: everything exists and stays.
    seed: Option<u64>,
    replaced: Option<AbsolutePath>,
    granted: BTreeSet<AbsolutePath>,
    above: BTreeSet<AbsolutePath>,
}

/// Questions about a path.
#[derive(Clone, Copy)]
enum Coin {
    Existed = 1,
    Exists = 2,
    Replaced = 3,
    Directory = 4,
}

impl Files {
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        let grants = plan.files.rules.iter().filter(|rule| !rule.read.is_empty());
        let granted: BTreeSet<AbsolutePath> = grants.map(|rule| rule.path.clone()).collect();
        let above = granted.iter().flat_map(|path| path.as_path().ancestors().filter_map(AbsolutePath::new));
        Self { seed: Some(seed), replaced: None, above: above.collect(), granted }
    }

    /// A file system in which everything exists and stays.
    pub(crate) fn settled() -> Self {
        Self { seed: None, replaced: None, granted: BTreeSet::new(), above: BTreeSet::new() }
    }

    /// The same, but one path is another inode now.
    pub(crate) fn replaced(path: &str) -> Self {
        Self { replaced: AbsolutePath::new(path), ..Self::settled() }
    }

    /// The inode when the rules were registered. Nothing exists in what does not.
    pub(crate) fn then(&self, path: &AbsolutePath) -> Option<u64> {
        let mut parts = path.as_path().ancestors().filter_map(AbsolutePath::new);
        let existed = parts.all(|part| self.above.contains(&part) || self.coin(&part, Coin::Existed));
        existed.then(|| hash(path) << 1)
    }

    /// The inode now. Whatever no grant names may have been replaced, or made in the meantime.
    pub(crate) fn now(&self, path: &AbsolutePath) -> Option<u64> {
        let exists = self.above.contains(path) || self.coin(path, Coin::Exists);
        exists.then(|| self.directory(path))
    }

    /// The inode now of something that exists because something beneath it is asked for.
    pub(crate) fn directory(&self, path: &AbsolutePath) -> u64 {
        let stayed = self.granted.contains(path) || !self.coin(path, Coin::Replaced);
        self.then(path).filter(|_| stayed).unwrap_or(hash(path) << 1 | 1)
    }

    /// Whether something that nothing lies in is a directory.
    pub(crate) fn is_directory(&self, path: &AbsolutePath) -> bool {
        self.coin(path, Coin::Directory)
    }

    fn coin(&self, path: &AbsolutePath, coin: Coin) -> bool {
        let Some(seed) = self.seed else {
            return !matches!(coin, Coin::Replaced) || self.replaced.as_ref() == Some(path);
        };
        let mixed = (hash(path) ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed >> (40 + coin as u32) & 1 == 1
    }
}

fn hash(path: &AbsolutePath) -> u64 {
    name_hash(path.as_path().as_os_str().as_bytes())
}
