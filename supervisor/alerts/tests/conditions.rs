//! When a rule alerts: each condition, the edges of windows, what is told later.

use std::time::Duration;

use alerts::{
    Alert, Condition, Event, Field, Filter, GroupBy, Kind, Millis, Rule, Severity, Threshold, Watch,
};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn more_than(count: u32, window: u64) -> Condition {
    Condition::MoreThan(Threshold::new(count, ms(window)).expect("a threshold that can be"))
}

fn watch(when: Condition, group_by: GroupBy, quiet: u64) -> Watch {
    let (name, filter, quiet) = ("rule".to_owned(), Filter::default(), ms(quiet));
    Watch::new([Rule { name, reason: None, severity: Severity::Info, filter, when, group_by, quiet }])
}

fn event() -> Event<'static> {
    Event { seq: 1, session: "a", caller: Some("alice"), ..Event::new(Kind::Denial) }
}

/// The times at which one of these events alerts, each with what was suppressed before.
fn fired(watch: &mut Watch, times: &[u64]) -> Vec<(u64, u64)> {
    let alerts = times.iter().flat_map(|time| watch.event(&event(), Millis(*time)));
    alerts.map(|alert| (alert.last.0, alert.suppressed)).collect()
}

#[test]
fn windows_have_exact_edges() {
    let (none, window): (&[u64], u64) = (&[], 1_000);
    for (count, times, expected) in [
        (0, &[5][..], &[5][..]),
        (1, &[0, 999], &[999]),
        // At the very end of its window an event is out.
        (1, &[0, 1_000], none),
        (1, &[0, 1_000, 1_999], &[1_999]),
        (2, &[0, 0, 0], &[0]),
        (2, &[0, 500, 999], &[999]),
        (2, &[0, 500, 1_000], none),
        (2, &[0, 500, 1_000, 1_499], &[1_499]),
        (2, &[0, 500, 1_000, 1_500], none),
        (2, &[0, 1, 2, 3, 2_000, 2_001, 2_002], &[2, 3, 2_002]),
    ] {
        let mut watch = watch(more_than(count, window), GroupBy::None, 0);
        let found: Vec<u64> = fired(&mut watch, times).into_iter().map(|(time, _)| time).collect();
        assert_eq!(found, expected, "more than {count} at {times:?}");
    }
}

#[test]
fn an_alert_tells_what_was_in_the_window() {
    let mut watch = watch(more_than(9, 1_000), GroupBy::Session, 0);
    let all: Vec<Alert> = (1..=12)
        .flat_map(|seq| watch.event(&Event { seq, host: Some("h"), ..event() }, Millis(seq * 10)))
        .collect();
    let [first, _, last] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.count, first.first, first.last), (10, Millis(10), Millis(100)));
    assert_eq!(first.sample, [3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!((last.count, last.first, last.last), (10, Millis(30), Millis(120)), "no more than passes it");
    assert_eq!((first.window, first.subject.as_deref()), (Some(ms(1_000)), Some("h")));
}

#[test]
fn equal_facts_that_were_put_together_count_each() {
    for (counts, fires) in
        [(&[10][..], false), (&[11], true), (&[5, 5], false), (&[5, 6], true), (&[0, 10], true)]
    {
        let mut watch = watch(more_than(10, 1_000), GroupBy::None, 0);
        let alerts: Vec<Alert> = counts
            .iter()
            .flat_map(|count| watch.event(&Event { count: *count, ..event() }, Millis(0)))
            .collect();
        assert_eq!(!alerts.is_empty(), fires, "{counts:?}");
    }
    let mut watch = watch(more_than(10, 1_000), GroupBy::None, 0);
    let alert = watch.event(&Event { count: 500, ..event() }, Millis(0)).remove(0);
    assert_eq!((alert.count, alert.sample), (500, vec![1]));
}

#[test]
fn any_event_alerts_and_then_it_is_quiet() {
    let mut loud = watch(Condition::Any, GroupBy::None, 0);
    assert_eq!(fired(&mut loud, &[0, 0, 1]), [(0, 0), (0, 0), (1, 0)]);
    let mut quiet = watch(Condition::Any, GroupBy::None, 100);
    // Told again when the time is over, not before.
    assert_eq!(fired(&mut quiet, &[0, 1, 99, 100, 199, 200, 500]), [(0, 0), (100, 2), (200, 1), (500, 0)]);
}

#[test]
fn what_was_not_told_belongs_to_its_group() {
    let mut watch = watch(Condition::Any, GroupBy::Session, 100);
    let mut at = |session, time| watch.event(&Event { session, ..event() }, Millis(time));
    assert_eq!((at("a", 0).len(), at("b", 1).len(), at("a", 2).len(), at("a", 3).len()), (1, 1, 0, 0));
    assert_eq!(at("b", 150)[0].suppressed, 0);
    assert_eq!(at("a", 151)[0].suppressed, 2);
}

#[test]
fn a_burst_that_goes_on_is_told_once_in_a_while() {
    let mut watch = watch(more_than(2, 1_000), GroupBy::None, 500);
    let times: Vec<u64> = (0..100).map(|step| step * 10).collect();
    assert_eq!(fired(&mut watch, &times), [(20, 0), (520, 49)]);
}

#[test]
fn a_value_is_new_once() {
    for (field, fits) in [
        (Field::Host, (|value| Event { host: Some(value), ..event() }) as fn(&'static str) -> Event<'static>),
        (Field::Tool, |value| Event { tool: Some(value), ..event() }),
        (Field::Program, |value| Event { program: Some(value), ..event() }),
    ] {
        let mut watch = watch(Condition::FirstSeen(field), GroupBy::Session, 0);
        let new: Vec<bool> =
            ["x", "y", "x", "X", "z"].map(|value| !watch.event(&fits(value), Millis(0)).is_empty()).into();
        assert_eq!(new, [true, true, false, false, true], "{field:?}");
        assert_eq!(watch.event(&Event { session: "b", ..fits("x") }, Millis(0)).len(), 1, "another group");
        assert_eq!(watch.event(&event(), Millis(0)), [], "nothing is no value");
    }
}

#[test]
fn a_new_value_in_quiet_time_is_counted() {
    let mut watch = watch(Condition::FirstSeen(Field::Host), GroupBy::None, 100);
    let mut at = |host, time| watch.event(&Event { host: Some(host), ..event() }, Millis(time));
    assert_eq!((at("a", 0).len(), at("b", 1).len(), at("b", 2).len()), (1, 0, 0));
    assert_eq!(at("c", 100)[0].suppressed, 1);
}
