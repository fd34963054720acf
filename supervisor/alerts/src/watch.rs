//! All rules at work.

use crate::alert::Alert;
use crate::clock::{Clock, Millis};
use crate::event::Event;
use crate::rule::{GroupBy, Rule};
use crate::watched::Watched;

/// Rules, and what they know of the events until now.
#[derive(Clone, Debug)]
pub struct Watch {
    clock: Clock,
    rules: Vec<Watched>,
}

impl Watch {
    /// Watches by these rules, in this order. Nothing has happened yet.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { clock: Clock::default(), rules: rules.into_iter().map(Watched::new).collect() }
    }

    /// Takes an event that happens now, and gives what somebody is to be told, in the order of the rules. Allocates
    /// nothing if no rule is about the event.
    pub fn event(&mut self, event: &Event<'_>, now: Millis) -> Vec<Alert> {
        let now = self.clock.advance(now);
        let mut alerts = Vec::new();
        for rule in &mut self.rules {
            rule.take(event, now, &mut alerts);
        }
        alerts
    }

    /// Whether a rule locks this group out now. It is open again at [`crate::LockOut::until`]. Asking changes nothing.
    ///
    /// A group that had to make room is not locked out any more; [`crate::Occasion::GroupsDropped`] tells of it.
    pub fn is_locked(&self, by: GroupBy, key: &str, now: Millis) -> bool {
        let run = self.clock.at(now);
        self.rules.iter().any(|rule| rule.is_locked(by, key, run))
    }

    #[cfg(test)]
    pub(crate) fn rules(&self) -> &[Watched] {
        &self.rules
    }
}
