//! Denied files and programs: the longest rule decides, with the grants of the calls that were in flight.

use abi::Reason;
use audit::Denial;
use policy::plan::{AbsolutePath, Ask, ClassMask, PathRule, RuleId};

use crate::cli::replay::judge::Judge;
use crate::cli::replay::untold::PLACES;
use crate::cli::replay::verdict::Verdict;
use crate::session::because;

/// What was to be done with a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    read: bool,
    write: bool,
    execute: bool,
    /// As code of a process: decided by more than grants.
    map: bool,
}

impl Wanted {
    /// `read and write`, `write: rename /a`, `execute /a`, `load code from /a`.
    fn of(detail: &str) -> Self {
        let verb = detail.split_once(": ").map_or(detail, |(verb, _)| verb);
        let verb = verb.split_once(" /").map_or(verb, |(verb, _)| verb);
        let words: Vec<&str> = verb.split(' ').collect();
        let map = verb.starts_with("load code from");
        let any = words.iter().any(|word| ["read", "write", "execute"].contains(word));
        Self {
            read: words.contains(&"read") || !any,
            write: words.contains(&"write"),
            execute: words.contains(&"execute"),
            map,
        }
    }

    fn granted(self, rule: &PathRule, active: ClassMask) -> bool {
        (!self.read || rule.read.intersects(active))
            && (!self.write || rule.write.intersects(active))
            && (!self.execute || rule.execute.intersects(active))
    }
}

pub(super) fn verdict(judge: &Judge, denial: &Denial) -> Verdict {
    let reason = denial.reason.as_deref().unwrap_or_default();
    let Some(path) = AbsolutePath::new(&denial.what) else {
        return Verdict::unknown("the log does not hold the whole path");
    };
    if let Some(name) = judge.files.denied_name(&path) {
        return Verdict::denied(denial.cause, judge.rule(name.from));
    }
    let wanted = Wanted::of(denial.detail.as_deref().unwrap_or_default());
    let rule = judge.files.decisive(&path);
    let from = rule.and_then(|rule| rule.from.first()).and_then(|from| judge.rule(*from));
    let active = judge.active(&denial.calls);
    let grants = |rule: Option<&PathRule>| rule.is_some_and(|rule| wanted.granted(rule, active));
    let granted = grants(rule);
    if let Some(other) = elsewhere(judge, &path, |rule| grants(rule) != granted) {
        return Verdict::unknown(PLACES).by(judge.rule(other));
    }
    if !granted {
        return Verdict::denied(denial.cause, from);
    }
    match decided_by_grants(reason) {
        true if !wanted.map => Verdict::allowed().by(from),
        true => {
            Verdict::unknown("whether code may be loaded depends on what else the file is used for").by(from)
        }
        false if fixed(reason) => Verdict::denied(denial.cause, None),
        false => Verdict::unknown("it was denied for more than the path of the file").by(from),
    }
}

/// A rule of which it is not known where it holds, if one of those would change what is said of this path.
fn elsewhere(
    judge: &Judge,
    path: &AbsolutePath,
    changes: impl Fn(Option<&PathRule>) -> bool,
) -> Option<RuleId> {
    let Judge { plan, files, adrift, .. } = judge;
    let unsure = |rule: &&PathRule| rule.from.iter().any(|from| adrift.contains(from));
    let about_files = |id: &&RuleId| plan.rule(**id).is_some_and(|rule| is_about_files(&rule.ask));
    let mut ids = adrift.iter().filter(about_files);
    let first = ids.clone().next()?;
    // What stands for several places stands for none where nobody knows them.
    let nowhere = ids.find(|id| !files.rules.iter().any(|rule| rule.from.contains(id)));
    let certain = files.rules.iter().rfind(|rule| !unsure(rule) && rule.path.covers(path));
    let changed = changes(certain) || files.rules.iter().filter(unsure).any(|rule| changes(Some(rule)));
    nowhere.or(changed.then_some(first)).copied()
}

fn is_about_files(ask: &Ask) -> bool {
    let path = matches!(ask, Ask::PathGrant | Ask::PathDenyInsideGrant | Ask::PathDenyOutsideGrants);
    path || matches!(ask, Ask::ToolPaths | Ask::ToolPrograms | Ask::Programs)
}

/// No rule granted it, or its name was denied.
fn decided_by_grants(reason: &str) -> bool {
    [Reason::NotGranted, Reason::Name].iter().any(|known| reason == because(*known))
}

/// No policy says otherwise.
fn fixed(reason: &str) -> bool {
    let all = [Reason::Unresolvable, Reason::Kind, Reason::Orphan, Reason::Foreign, Reason::Internal];
    all.iter().any(|known| reason == because(*known))
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn what_was_wanted_is_read_from_the_words_of_records() {
        let none = Wanted::default();
        for (detail, wanted) in [
            ("read", Wanted { read: true, ..none }),
            ("read and write", Wanted { read: true, write: true, ..none }),
            ("write: rename /a/read", Wanted { write: true, ..none }),
            ("execute /usr/bin/read write", Wanted { execute: true, ..none }),
            ("load code from /usr/lib/x", Wanted { read: true, map: true, ..none }),
            ("open", Wanted { read: true, ..none }),
        ] {
            assert_eq!(Wanted::of(detail), wanted, "{detail}");
        }
    }
}
