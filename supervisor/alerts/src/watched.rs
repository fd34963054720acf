//! One rule at work.

use std::time::Duration;

use crate::alert::Alert;
use crate::clock::{Instant, millis};
use crate::event::Event;
use crate::group::{Group, Meaning};
use crate::groups::{Dropped, Groups};
use crate::key::bounded;
use crate::rule::{GroupBy, Rule};
use crate::seen::MOST_VALUES_OF_RULE;

/// How often it is told at most that groups had to go, where the rule's own quiet time is shorter.
const CROWDED_QUIET: Duration = Duration::from_secs(60);

/// A rule and what it knows.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    rule: Rule,
    groups: Groups,
    /// How many more values it may remember.
    room: usize,
    crowded: Crowded,
}

/// Groups that had to go and were missed.
#[derive(Clone, Debug, Default)]
struct Crowded {
    told: Option<u64>,
    dropped: u64,
    /// What was never told of them.
    suppressed: u64,
}

impl Watched {
    pub(crate) fn new(rule: Rule) -> Self {
        Self { rule, groups: Groups::default(), room: MOST_VALUES_OF_RULE, crowded: Crowded::default() }
    }

    /// Takes an event, if the rule is about it.
    pub(crate) fn take(&mut self, event: &Event<'_>, now: Instant, alerts: &mut Vec<Alert>) {
        if !self.rule.filter.admits(event) {
            return;
        }
        let key = bounded(self.rule.group_by.key(event));
        if self.groups.get(&key).is_none() {
            self.admit(&key, event, now, alerts);
        }
        let Some(group) = self.groups.enter(&key) else { return };
        match group.take(&self.rule, event, now.run, &mut self.room) {
            Meaning::Nothing => {}
            Meaning::Worth => alerts.extend(worth(&self.rule, group, event, now)),
            Meaning::Full => alerts.push(Alert::full(&self.rule, group, event, now)),
        }
    }

    /// Makes a group, and room for it.
    fn admit(&mut self, key: &str, event: &Event<'_>, now: Instant, alerts: &mut Vec<Alert>) {
        if let Some(dropped) = self.groups.make_room(&self.rule, now.run) {
            self.room += dropped.group.known();
            alerts.extend(self.miss(&dropped, event, now));
        }
        self.groups.add(&self.rule, key);
    }

    /// A group had to go. If it is missed, somebody is told, now or with the next one.
    fn miss(&mut self, dropped: &Dropped, event: &Event<'_>, now: Instant) -> Option<Alert> {
        if dropped.idle {
            return None;
        }
        let Crowded { told, dropped: count, suppressed } = &mut self.crowded;
        *count = count.saturating_add(1);
        *suppressed = suppressed.saturating_add(dropped.group.suppressed);
        let quiet = millis(self.rule.quiet.max(CROWDED_QUIET));
        if told.is_some_and(|told| now.run.saturating_sub(told) < quiet) {
            return None;
        }
        let alert = Alert::crowded(&self.rule, &dropped.key, (*count, *suppressed), event, now);
        self.crowded = Crowded { told: Some(now.run), ..Crowded::default() };
        Some(alert)
    }

    pub(crate) fn is_locked(&self, by: GroupBy, key: &str, run: u64) -> bool {
        self.rule.group_by == by && self.groups.get(&bounded(key)).is_some_and(|group| group.is_locked(run))
    }

    #[cfg(test)]
    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.room
    }
}

fn worth(rule: &Rule, group: &mut Group, event: &Event<'_>, now: Instant) -> Option<Alert> {
    let suppressed = group.tell(rule, now.run)?;
    let alert = Alert::worth(rule, group, suppressed, event, now);
    group.start_anew(now.run);
    Some(alert)
}
