//! What was judged, counted: exactly in numbers, and in as many groups as a person may read.

use std::collections::BTreeMap;
use std::rc::Rc;

use audit::{RuleRef, SessionId};
use jiff::Timestamp;

use super::counts::Counts;
use super::verdict::{Change, Now, Then, Verdict};

/// Groups that are kept; what belongs to none of them is counted.
const MOST: usize = 1000;

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Call,
    /// A tool in a list that the server tells.
    Listed,
    File,
    Network,
    Program,
    Syscall,
    Message,
    Rate,
    Other,
}

/// Where something was recorded.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) log: Rc<str>,
    pub(super) session: SessionId,
    pub(super) seq: u64,
    pub(super) time: Timestamp,
}

/// Equal differences.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) change: Change,
    pub(super) kind: Kind,
    /// The tool, path, address, name, method …
    pub(super) subject: String,
    pub(super) then: Then,
    pub(super) now: Now,
    pub(super) rule: Option<RuleRef>,
    /// Of the first.
    pub(super) why: String,
    pub(super) first: Seen,
    pub(super) count: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) records: u64,
    pub(super) sessions: u64,
    /// Sessions whose `session_start` is not in the log.
    pub(super) without_start: u64,
    /// Sessions that a call which is refused now would have ended.
    pub(super) ended_by_refusal: u64,
    pub(super) calls: Counts,
    pub(super) denials: Counts,
    groups: BTreeMap<Key, Group>,
    /// Differences and unknowns that belong to no group.
    pub(super) crowded_out: u64,
}

/// What makes differences equal: what changes, of what, how it was and is, and by which rule.
type Key = (Change, Kind, String, String, String);

impl Tally {
    /// Counts `count` equal ones.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        subject: &str,
        count: u64,
        seen: &Seen,
        then: Then,
        verdict: &Verdict,
    ) {
        let change = verdict.change(then);
        let counts = if kind == Kind::Call { &mut self.calls } else { &mut self.denials };
        counts.add(change, count);
        if change == Change::None {
            return;
        }
        let Verdict { now, rule, why } = verdict;
        let said = rule.as_ref().map(|rule| format!("{}\0{}:{}", rule.text, rule.line, rule.column));
        let said =
            said.unwrap_or_else(|| if change == Change::Unknown { why.clone() } else { String::new() });
        let key = (change, kind, subject.to_owned(), format!("{then:?}{now:?}"), said);
        if let Some(group) = self.groups.get_mut(&key) {
            group.count = group.count.saturating_add(count);
        } else if self.groups.len() < MOST {
            let (rule, why, subject) = (rule.clone(), why.clone(), subject.to_owned());
            let group =
                Group { change, kind, subject, then, now: *now, rule, why, first: seen.clone(), count };
            self.groups.insert(key, group);
        } else {
            self.crowded_out = self.crowded_out.saturating_add(count);
        }
    }

    /// The groups: what is denied now first, what cannot be told last.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// What was allowed and is not any more, or not at once.
    pub(super) fn narrowed(&self) -> u64 {
        self.calls.narrowed().saturating_add(self.denials.narrowed())
    }

    /// What was denied and is not any more, or may pass.
    pub(super) fn widened(&self) -> u64 {
        self.calls.widened().saturating_add(self.denials.widened())
    }
}
