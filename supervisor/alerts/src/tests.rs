//! Bounds on memory, which nobody sees from outside.

use std::time::Duration;

use proptest::prelude::*;

use crate::group::Memory;
use crate::{
    Condition, Event, Field, Filter, GroupBy, Kind, MOST_GROUPS, MOST_VALUES, MOST_VALUES_OF_RULE, Millis,
    Rule, Severity, Threshold, Watch,
};

fn rule(when: Condition, group_by: GroupBy, quiet: u64) -> Rule {
    Rule {
        name: "rule".to_owned(),
        reason: None,
        severity: Severity::Info,
        filter: Filter::default(),
        when,
        group_by,
        quiet: Duration::from_millis(quiet),
    }
}

fn more_than(count: u32, window: u64) -> Condition {
    Condition::MoreThan(
        Threshold::new(count, Duration::from_millis(window)).expect("a threshold that can be"),
    )
}

/// Every bound holds, and what is known of the room is true.
fn within_bounds(watch: &Watch, count: usize) {
    for watched in watch.rules() {
        assert!(watched.groups().iter().len() <= MOST_GROUPS);
        let mut known = 0;
        for group in watched.groups().iter() {
            known += group.known();
            assert!(group.known() <= MOST_VALUES);
            if let Memory::Window(window) = &group.memory {
                assert!(window.marks().len() <= count + 1);
                assert_eq!(window.total(), window.marks().map(|mark| u64::from(mark.count)).sum::<u64>());
            }
        }
        assert_eq!(known + watched.room(), MOST_VALUES_OF_RULE);
    }
}

#[test]
fn the_bounds_hold_when_everything_is_new() {
    let lock =
        Threshold::new(0, Duration::from_secs(1)).unwrap().locking_out(Duration::from_secs(9)).unwrap();
    let mut watch = Watch::new([
        rule(more_than(3, 1_000_000), GroupBy::Session, 0),
        rule(Condition::FirstSeen(Field::Host), GroupBy::Session, 0),
        rule(Condition::Any, GroupBy::Session, 1_000_000),
        rule(Condition::MoreThan(lock), GroupBy::Session, 0),
    ]);
    for number in 0..4_000_u16 {
        let (session, host) = (format!("s{}", number % 3_000), number.to_string());
        let event = Event { session: &session, host: Some(&host), ..Event::new(Kind::Denial) };
        watch.event(&event, Millis(number.into()));
    }
    within_bounds(&watch, 3);
}

#[test]
fn a_rule_knows_only_so_many_values_in_all_its_groups() {
    let mut watch = Watch::new([rule(Condition::FirstSeen(Field::Host), GroupBy::Server, 0)]);
    for number in 0..70_000_u32 {
        let (server, host) = ((number % 17).to_string(), number.to_string());
        watch.event(&Event { server: &server, host: Some(&host), ..Event::new(Kind::Denial) }, Millis(0));
    }
    within_bounds(&watch, 0);
    assert_eq!(watch.rules()[0].room(), 0, "17 groups know as many values as the rule may");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_bounds_hold_whatever_happens(
        count in 0_u32..6,
        window in 1_u64..5_000,
        lock in proptest::option::of(1_u64..5_000),
        quiet in 0_u64..5_000,
        events in proptest::collection::vec((0_u64..10_000, 0_u16..2_000, any::<u16>(), any::<u64>()), 0..2_500),
    ) {
        let threshold = Threshold::new(count, Duration::from_millis(window)).unwrap();
        let locking = lock.map(|lock| threshold.locking_out(Duration::from_millis(lock)).unwrap());
        let mut watch = Watch::new([
            rule(Condition::MoreThan(locking.unwrap_or(threshold)), GroupBy::Session, quiet),
            rule(Condition::FirstSeen(Field::Host), GroupBy::Session, quiet),
            rule(Condition::Any, GroupBy::Tool, quiet),
        ]);
        for (now, session, host, weight) in events {
            let (session, host) = (session.to_string(), host.to_string());
            let event = Event { session: &session, host: Some(&host), tool: Some(&host), count: weight, ..Event::new(Kind::Denial) };
            watch.event(&event, Millis(now));
        }
        within_bounds(&watch, count as usize);
    }
}
