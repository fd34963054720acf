//! The rules at work, each by itself, so that another policy changes only what it says differently.

use ::alerts::{Alert, Event, Millis, Rule, Watch};

/// The rules at work.
pub(super) struct Watches(Vec<(Rule, Watch)>);

impl Watches {
    pub(super) fn of(rules: Vec<Rule>) -> Self {
        Self(rules.into_iter().map(begun).collect())
    }

    /// Other rules hold. Those that stay the same know what they knew.
    pub(super) fn follow(&mut self, rules: Vec<Rule>) {
        let mut old = std::mem::take(&mut self.0);
        let kept = |rule: Rule| match old.iter().position(|(known, _)| *known == rule) {
            Some(at) => old.swap_remove(at),
            None => begun(rule),
        };
        self.0 = rules.into_iter().map(kept).collect();
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// What somebody is to be told of an event, in the order of the rules.
    pub(super) fn event(&mut self, event: &Event<'_>, now: Millis) -> Vec<Alert> {
        self.0.iter_mut().flat_map(|(_, watch)| watch.event(event, now)).collect()
    }
}

fn begun(rule: Rule) -> (Rule, Watch) {
    let watch = Watch::new([rule.clone()]);
    (rule, watch)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ::alerts::{Condition, Filter, GroupBy, Kind, Severity, Threshold};

    use super::*;

    fn rule(name: &str, count: u32) -> Rule {
        let threshold = Threshold::new(count, Duration::from_secs(60)).unwrap();
        Rule {
            name: name.to_owned(),
            reason: None,
            severity: Severity::Info,
            filter: Filter::default(),
            when: Condition::MoreThan(threshold),
            group_by: GroupBy::None,
            quiet: Duration::ZERO,
        }
    }

    #[test]
    fn what_stays_the_same_counts_on_and_what_changes_begins_anew() {
        let mut watches = Watches::of(vec![rule("a", 2), rule("b", 2)]);
        let told = |watches: &mut Watches| -> Vec<String> {
            let alerts = watches.event(&Event::new(Kind::ToolCall), Millis(1));
            alerts.into_iter().map(|alert| alert.rule).collect()
        };
        assert_eq!((told(&mut watches).len(), told(&mut watches).len()), (0, 0));
        watches.follow(vec![rule("c", 0), rule("b", 1), rule("a", 2)]);
        assert_eq!(told(&mut watches), ["c", "a"]);
        assert_eq!(told(&mut watches), ["c", "b", "a"]);
        watches.follow(vec![]);
        assert!(watches.are_none() && told(&mut watches).is_empty());
    }
}
