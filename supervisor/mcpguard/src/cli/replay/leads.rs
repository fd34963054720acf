//! Rules about files by where their paths lead on this host.

use policy::plan::{AbsolutePath, ClassMask, FilesPlan, PathRule};

use crate::host::real;

/// The kernel names files by where they really are; so must be the rules that are compared with its events.
pub(super) fn as_they_lead(files: &FilesPlan) -> FilesPlan {
    let lead = |rule: &PathRule| {
        let path = AbsolutePath::new(real(rule.path.as_path()));
        PathRule { path: path.unwrap_or_else(|| rule.path.clone()), ..rule.clone() }
    };
    let mut rules: Vec<PathRule> = files.rules.iter().map(lead).collect();
    rules.sort_by(|a, b| a.path.cmp(&b.path));
    rules.dedup_by(|other, kept| {
        let same = kept.path == other.path;
        if same {
            merge(kept, other);
        }
        same
    });
    FilesPlan { rules, names: files.names.clone() }
}

/// Two rules about one place: deny wins, else both grant.
fn merge(kept: &mut PathRule, other: &PathRule) {
    let denies = |rule: &PathRule| rule.read.union(rule.write).union(rule.execute).is_empty();
    let both = |one: ClassMask, two: ClassMask| match denies(kept) || denies(other) {
        true => ClassMask::NONE,
        false => one.union(two),
    };
    let (read, write, execute) =
        (both(kept.read, other.read), both(kept.write, other.write), both(kept.execute, other.execute));
    (kept.read, kept.write, kept.execute) = (read, write, execute);
    kept.code &= other.code;
    kept.from.extend(&other.from);
}
