//! Places: what holds at each real path that a rule is about, and beneath it up to the next place.
//!
//! The plan's masks contain what a path inherits from shorter ones *as they are written*. Where they really are it may
//! lie beneath others (`/lib` is `/usr/lib`), so that rights are inherited once more, along the real paths.

use std::collections::BTreeMap;

use abi::{Entry, NO_RULE, flags};
use policy::Plan;
use policy::plan::{AbsolutePath, ClassMask, PathRule, RuleId};

use super::{Implied, RealPaths};

/// What holds at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// A deny: nothing holds, whatever else names this path.
    pub(super) closed: bool,
    /// Only written like this, and really elsewhere: a symbolic link is on the way, which is no inode of a path.
    pub(super) only_written: bool,
    pub(super) read: u64,
    pub(super) write: u64,
    pub(super) execute: u64,
    /// Whether the place is meant for reading; `None`: as what lies above it.
    code: Option<bool>,
    loader: bool,
    socket: bool,
    rule: Option<RuleId>,
}

impl Place {
    /// What the programs look up.
    pub(super) fn entry(&self) -> Entry {
        let Self { closed, only_written: _, read, write, execute, code, loader, socket, rule } = self;
        let rule = rule.map_or(NO_RULE, |RuleId(number)| number);
        if *closed {
            return Entry { rule, flags: flags::DECIDES, ..Entry::default() };
        }
        let bits = [(*code == Some(true), flags::CODE), (*loader, flags::LOADER), (*socket, flags::SOCKET)];
        let bits = bits.iter().filter(|(set, _)| *set).fold(flags::DECIDES, |sum, (_, bit)| sum | bit);
        Entry { read: *read, write: *write, execute: *execute, rule, flags: bits, ..Entry::default() }
    }

    /// Takes over what holds above.
    fn inherit(&mut self, above: &Self) {
        let Self { closed, only_written: _, read, write, execute, code, loader: _, socket, rule } = above;
        if !closed {
            self.read |= read;
            self.write |= write;
            self.execute |= execute;
            self.code = self.code.or(*code);
            self.socket |= socket;
            self.rule = self.rule.or(*rule);
        }
    }
}

/// All places, by their real paths.
pub(super) struct Places(BTreeMap<AbsolutePath, Place>);

impl Places {
    pub(super) fn of(plan: &Plan, implied: &Implied, real: &RealPaths) -> Self {
        let mut places = Self(BTreeMap::new());
        for rule in &plan.files.rules {
            places.rule(rule, real);
        }
        for rule in &plan.network.unix_sockets {
            let place = places.at(real.of(&rule.path));
            place.socket = true;
            place.rule.get_or_insert(rule.from);
        }
        let Implied { programs, loaders } = implied;
        let always = ClassMask::ALWAYS.bits();
        for path in programs {
            let place = places.at(real.of(path));
            place.read |= always;
            place.execute |= always;
        }
        for path in loaders {
            let place = places.at(real.of(path));
            place.read |= always;
            place.loader = true;
        }
        // A denied path is denied where it is written as well: the link may be replaced by what it hides.
        for PathRule { path, from, .. } in plan.files.rules.iter().filter(|rule| rule.read.is_empty()) {
            if places.get(path).is_none() {
                places.close(path, from.first().copied());
                places.at(path).only_written = true;
            }
        }
        places.inherit();
        places
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&AbsolutePath, &Place)> {
        self.0.iter()
    }

    pub(super) fn get(&self, path: &AbsolutePath) -> Option<&Place> {
        self.0.get(path)
    }

    fn at(&mut self, path: &AbsolutePath) -> &mut Place {
        self.0.entry(path.clone()).or_default()
    }

    fn rule(&mut self, PathRule { path, read, write, execute, code, from }: &PathRule, real: &RealPaths) {
        let rule = from.first().copied();
        // Every grant reads; only a deny leaves nothing.
        if read.is_empty() {
            return self.close(real.of(path), rule);
        }
        let place = self.at(real.of(path));
        place.read |= read.bits();
        place.write |= write.bits();
        place.execute |= execute.bits();
        place.code = Some(place.code.unwrap_or(false) || *code);
        if !place.closed {
            place.rule = place.rule.or(rule);
        }
    }

    fn close(&mut self, path: &AbsolutePath, rule: Option<RuleId>) {
        let place = self.at(path);
        if !place.closed {
            (place.closed, place.rule) = (true, rule);
        }
    }

    /// From above downwards, so that what lies above is complete.
    fn inherit(&mut self) {
        let paths: Vec<AbsolutePath> = self.0.keys().cloned().collect();
        for path in paths {
            let above = ancestors(&path).find_map(|ancestor| self.0.get(&ancestor)).cloned();
            if let (Some(above), Some(place)) = (above, self.0.get_mut(&path)) {
                place.inherit(&above);
            }
        }
    }
}

/// The directories above a path, the nearest first.
pub(super) fn ancestors(path: &AbsolutePath) -> impl Iterator<Item = AbsolutePath> {
    path.as_path().ancestors().skip(1).filter_map(AbsolutePath::new)
}
