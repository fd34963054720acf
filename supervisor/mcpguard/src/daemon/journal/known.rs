//! What the log remembers of a session while it lasts.

use std::collections::BTreeMap;

use abi::EventKind;
use audit::EndReason;
use control::message::{Actor, Because, Resources};
use enforce::keeper::Usage;

use super::is_somebody;

/// One session.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Kernel events that were told.
    pub(super) denials: u64,
    /// Calls, as last seen.
    pub(super) calls: u64,
    /// Somebody has killed it.
    pub(super) killed: bool,
    /// The guard was not seen to deny what it must.
    pub(super) unproven: bool,
    /// It was there before this front, and what was counted for it was not looked at yet: another front has told of it.
    taken_over: bool,
    dropped: BTreeMap<EventKind, u64>,
    out_of_memory: u64,
    refused: u64,
}

/// A limit of a control group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Memory,
    Processes,
}

impl Known {
    /// One that outlived the last front.
    pub(super) fn taken_over() -> Self {
        Self { taken_over: true, ..Self::default() }
    }

    /// Sees what it uses: kernel events that were dropped since the last look, by kind.
    pub(super) fn look(&mut self, usage: &Usage) -> Vec<(EventKind, u64)> {
        self.calls = usage.calls;
        let before = std::mem::replace(&mut self.dropped, usage.dropped.clone());
        if std::mem::take(&mut self.taken_over) {
            return Vec::new();
        }
        let since = |(kind, count): (&EventKind, &u64)| {
            let new = count.saturating_sub(before.get(kind).copied().unwrap_or(0));
            (new > 0).then_some((*kind, new))
        };
        self.dropped.iter().filter_map(since).collect()
    }

    /// How often limits were reached since the last time.
    pub(super) fn reached(&mut self, resources: Resources) -> Vec<(Limit, u64)> {
        let Resources { oom_kills, processes_refused, .. } = resources;
        let now = [oom_kills, processes_refused].map(|count| count.unwrap_or(0));
        let before = [self.out_of_memory, self.refused];
        [self.out_of_memory, self.refused] = now;
        if self.taken_over {
            return Vec::new();
        }
        let new = [Limit::Memory, Limit::Processes].into_iter().zip(now.into_iter().zip(before));
        new.map(|(limit, (now, before))| (limit, now.saturating_sub(before)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Why it ended.
    pub(super) fn reason(&self, because: &Because) -> EndReason {
        match because.who {
            _ if self.unproven => EndReason::Failed,
            who if self.killed && is_somebody(who) => EndReason::Killed,
            Actor::Owner(_) => EndReason::Supervisor,
            Actor::Operator(_) => EndReason::Killed,
            Actor::Policy => EndReason::Violation,
            Actor::Daemon => EndReason::SupervisorGone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let usage = |count| Usage { dropped: [(EventKind::Open, count)].into(), ..Usage::default() };
        let resources = |count| Resources { oom_kills: Some(count), ..Resources::default() };
        let mut known = Known::default();
        assert_eq!(known.look(&usage(3)), [(EventKind::Open, 3)]);
        assert_eq!(known.look(&usage(3)), []);
        assert_eq!(known.look(&usage(5)), [(EventKind::Open, 2)]);
        assert_eq!(known.reached(resources(2)), [(Limit::Memory, 2)]);
        assert_eq!(known.reached(resources(2)), []);

        let mut known = Known::taken_over();
        assert_eq!(known.reached(resources(7)), [], "the last front has told of it");
        assert_eq!(known.look(&usage(3)), []);
        assert_eq!(known.look(&usage(4)), [(EventKind::Open, 1)]);
        assert_eq!(known.reached(resources(8)), [(Limit::Memory, 1)]);
    }

    #[test]
    fn the_end_says_who_ended_it() {
        let because = |who| Because { who, why: String::new() };
        let reason = |known: Known, who| known.reason(&because(who));
        let killed = || Known { killed: true, ..Known::default() };
        assert_eq!(reason(Known::default(), Actor::Owner(5)), EndReason::Supervisor);
        assert_eq!(reason(killed(), Actor::Owner(5)), EndReason::Killed);
        assert_eq!(reason(killed(), Actor::Operator(0)), EndReason::Killed);
        assert_eq!(reason(Known::default(), Actor::Policy), EndReason::Violation);
        assert_eq!(reason(Known::default(), Actor::Daemon), EndReason::SupervisorGone);
        let unproven = Known { unproven: true, ..Known::default() };
        assert_eq!(reason(unproven, Actor::Daemon), EndReason::Failed);
    }
}
