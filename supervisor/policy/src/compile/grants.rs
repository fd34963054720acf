//! Path grants and denies → path rules with effective masks.
//!
//! For one right and one class, the longest rule that covers a path decides, and at equal length deny wins.
//! Rules about another right do not count: a `read` grant beneath a `write` grant takes nothing away.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use crate::plan::{AbsolutePath, ClassId, ClassMask, FilesPlan, NameRule, PathRule, RuleId};

/// What may be done with a path. Writing includes reading; executing includes reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    Read,
    Write,
    Execute,
}

#[derive(Debug, Default)]
struct Entry {
    read: ClassMask,
    write: ClassMask,
    execute: ClassMask,
    /// What the nearest grant of files is for: `Read` or `Write`.
    meant_for: Option<Right>,
    /// The longest path's rules first.
    granted_by: Vec<RuleId>,
    denied_by: BTreeSet<RuleId>,
}

/// Every path that some rule names.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// By the path's bytes: comparing those costs less than comparing its parts.
    paths: BTreeMap<OsString, (AbsolutePath, Entry)>,
    names: Vec<NameRule>,
}

impl Grants {
    /// Grants a right to a class.
    pub(super) fn grant(&mut self, path: AbsolutePath, right: Right, class: ClassId, rule: RuleId) {
        let entry = self.entry(path);
        let mask = ClassMask::only(class);
        entry.read = entry.read.union(mask);
        match right {
            Right::Read => entry.meant_for = Some(Right::Read),
            Right::Write => entry.write = entry.write.union(mask),
            Right::Execute => entry.execute = entry.execute.union(mask),
        }
        if right == Right::Write {
            entry.meant_for.get_or_insert(Right::Write);
        }
        if !entry.granted_by.contains(&rule) {
            entry.granted_by.push(rule);
        }
    }

    /// Closes a path to every class.
    pub(super) fn deny(&mut self, path: AbsolutePath, rule: RuleId) {
        self.entry(path).denied_by.insert(rule);
    }

    /// Closes a name to every class.
    pub(super) fn deny_name(&mut self, rule: NameRule) {
        self.names.push(rule);
    }

    /// The rules that deny exactly this path.
    pub(super) fn denials(&self, path: &AbsolutePath) -> impl Iterator<Item = RuleId> {
        let entry = self.paths.get(path.as_path().as_os_str());
        entry.into_iter().flat_map(|(_, entry)| entry.denied_by.iter().copied())
    }

    /// Every path that is denied, and by which rules.
    pub(super) fn all_denials(&self) -> Vec<(AbsolutePath, Vec<RuleId>)> {
        let denied = self.paths.values().filter(|(_, entry)| !entry.denied_by.is_empty());
        denied.map(|(path, entry)| (path.clone(), entry.denied_by.iter().copied().collect())).collect()
    }

    /// Whether class 0 has a right to a path already.
    pub(super) fn always(&self, path: &AbsolutePath, right: Right) -> bool {
        let effective = self.effective(path);
        let masks = match right {
            Right::Read => [effective.read, effective.read],
            Right::Write => [effective.read, effective.write],
            Right::Execute => [effective.read, effective.execute],
        };
        masks.iter().all(|mask| mask.contains(ClassId::ALWAYS))
    }

    /// Whether any grant covers a path from above, denies apart.
    pub(super) fn is_inside_grant(&self, path: &AbsolutePath) -> bool {
        self.ancestors(path).any(|entry| !entry.granted_by.is_empty())
    }

    /// The rules with their effective masks.
    pub(super) fn into_plan(self) -> FilesPlan {
        let mut rules: Vec<PathRule> = self.paths.values().map(|(path, _)| self.rule(path)).collect();
        rules.sort_by(|left, right| left.path.cmp(&right.path));
        FilesPlan { rules, names: self.names }
    }

    fn rule(&self, path: &AbsolutePath) -> PathRule {
        let Entry { read, write, execute, meant_for, granted_by, denied_by } = self.effective(path);
        let from = denied_by.into_iter().chain(granted_by).collect();
        let code = meant_for == Some(Right::Read);
        PathRule { path: path.clone(), read, write, execute, code, from }
    }

    /// What holds for a path: every grant that is longer than the longest deny.
    fn effective(&self, path: &AbsolutePath) -> Entry {
        let mut effective = Entry::default();
        for entry in self.ancestors(path) {
            if !entry.denied_by.is_empty() {
                effective.denied_by.clone_from(&entry.denied_by);
                break;
            }
            effective.read = effective.read.union(entry.read);
            effective.write = effective.write.union(entry.write);
            effective.execute = effective.execute.union(entry.execute);
            effective.meant_for = effective.meant_for.or(entry.meant_for);
            let new = entry.granted_by.iter().filter(|rule| !effective.granted_by.contains(rule));
            let new: Vec<RuleId> = new.copied().collect();
            effective.granted_by.extend(new);
        }
        effective
    }

    /// The entries that cover a path, longest first.
    fn ancestors(&self, path: &AbsolutePath) -> impl Iterator<Item = &Entry> {
        let ancestors = path.as_path().ancestors();
        ancestors.filter_map(|ancestor| self.paths.get(ancestor.as_os_str())).map(|(_, entry)| entry)
    }

    fn entry(&mut self, path: AbsolutePath) -> &mut Entry {
        let key = path.as_path().as_os_str().to_owned();
        &mut self.paths.entry(key).or_insert_with(|| (path, Entry::default())).1
    }
}
