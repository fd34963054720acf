//! What is known of the events that belong together.

use crate::clock::millis;
use crate::event::Event;
use crate::rule::{Condition, Rule};
use crate::seen::{Seen, Sight};
use crate::window::{Mark, Window};

/// What is known of one group under one rule.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Which event it had last, by number; no two groups of a rule had the same.
    pub(crate) used: u64,
    /// When somebody was told of it last.
    told: Option<u64>,
    /// What was worth telling since then.
    pub(crate) suppressed: u64,
    locked_until: u64,
    pub(crate) memory: Memory,
}

/// What the condition needs to know.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    Nothing,
    Window(Window),
    Seen(Seen),
}

/// What an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing.
    Nothing,
    /// It is worth an alert.
    Worth,
    /// From here on nobody knows.
    Full,
}

impl Group {
    pub(crate) fn new(condition: &Condition) -> Self {
        let memory = match condition {
            Condition::Any => Memory::Nothing,
            Condition::MoreThan(_) => Memory::Window(Window::default()),
            Condition::FirstSeen(_) => Memory::Seen(Seen::default()),
        };
        Self { used: 0, told: None, suppressed: 0, locked_until: 0, memory }
    }

    /// Takes an event. While a group is locked out its events are counted and nothing else: who tries on does not make it
    /// longer, or anybody could keep somebody else out for good.
    pub(crate) fn take(&mut self, rule: &Rule, event: &Event<'_>, run: u64, room: &mut usize) -> Meaning {
        if self.is_locked(run) {
            self.suppressed = self.suppressed.saturating_add(1);
            return Meaning::Nothing;
        }
        match (&rule.when, &mut self.memory) {
            (Condition::MoreThan(threshold), Memory::Window(window)) => {
                let count = u32::try_from(event.count.max(1)).unwrap_or(u32::MAX);
                let passed = window.push(threshold, Mark { at: run, count, seq: event.seq });
                if passed { Meaning::Worth } else { Meaning::Nothing }
            }
            (Condition::FirstSeen(field), Memory::Seen(seen)) => {
                field.of(event).map_or(Meaning::Nothing, |value| meaning(seen.look(value, room)))
            }
            // A group is made for its rule's condition, so that these are `Any`.
            (Condition::Any | Condition::MoreThan(_) | Condition::FirstSeen(_), _) => Meaning::Worth,
        }
    }

    /// Whether somebody is to be told now, and how much was not told since the last time. A lock-out is always told:
    /// somebody must act on it.
    pub(crate) fn tell(&mut self, rule: &Rule, run: u64) -> Option<u64> {
        let lock_out = lock_out(rule);
        if self.is_quiet(rule, run) && lock_out.is_none() {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.told = Some(run);
        self.locked_until = lock_out.map_or(0, |time| run.saturating_add(time));
        Some(std::mem::take(&mut self.suppressed))
    }

    /// After a lock-out the group is counted from nothing.
    pub(crate) fn start_anew(&mut self, run: u64) {
        if let (true, Memory::Window(window)) = (self.is_locked(run), &mut self.memory) {
            window.clear();
        }
    }

    pub(crate) fn is_locked(&self, run: u64) -> bool {
        run < self.locked_until
    }

    /// Whether nobody misses it: its window is empty, nobody is locked out, nothing waits to be told. Known values may go:
    /// then they are told once more, and nothing is hidden.
    pub(crate) fn is_idle(&self, rule: &Rule, run: u64) -> bool {
        let empty = match (&rule.when, &self.memory) {
            (Condition::MoreThan(threshold), Memory::Window(window)) => window.is_empty(threshold, run),
            _ => true,
        };
        empty && self.suppressed == 0 && !self.is_locked(run) && !self.is_quiet(rule, run)
    }

    fn is_quiet(&self, rule: &Rule, run: u64) -> bool {
        self.told.is_some_and(|told| run.saturating_sub(told) < millis(rule.quiet))
    }

    /// How many values it knows.
    pub(crate) fn known(&self) -> usize {
        if let Memory::Seen(seen) = &self.memory { seen.len() } else { 0 }
    }

    /// In which order groups go: idle ones, then those that are not locked out, and of equal ones the one that was used
    /// least lately.
    pub(crate) fn worth(&self, rule: &Rule, run: u64) -> (bool, bool, u64) {
        (!self.is_idle(rule, run), self.is_locked(run), self.used)
    }
}

/// For how many milliseconds a rule locks out.
fn lock_out(rule: &Rule) -> Option<u64> {
    if let Condition::MoreThan(threshold) = &rule.when { threshold.lock_out().map(millis) } else { None }
}

fn meaning(sight: Sight) -> Meaning {
    match sight {
        Sight::First => Meaning::Worth,
        Sight::Full => Meaning::Full,
        Sight::Known | Sight::Unknown => Meaning::Nothing,
    }
}
