//! Groups and values, more than can be kept.

use std::time::Duration;

use alerts::{
    Alert, Condition, Event, Field, Filter, GroupBy, Kind, MOST_GROUPS, MOST_VALUES, Millis, Occasion, Rule,
    Severity, Threshold, Watch,
};

const SECOND: Duration = Duration::from_secs(1);

fn watch(when: Condition, group_by: GroupBy, quiet: Duration) -> Watch {
    let (name, filter) = ("rule".to_owned(), Filter::default());
    Watch::new([Rule { name, reason: None, severity: Severity::Critical, filter, when, group_by, quiet }])
}

fn more_than(count: u32) -> Threshold {
    Threshold::new(count, SECOND).expect("a threshold that can be")
}

fn call(watch: &mut Watch, session: &str, time: u64) -> Vec<Alert> {
    watch.event(&Event { session, caller: Some(session), ..Event::new(Kind::ToolCall) }, Millis(time))
}

/// One event of each of so many groups that none has room any more.
fn fill(watch: &mut Watch, time: u64) -> Vec<Alert> {
    (0..MOST_GROUPS).flat_map(|number| call(watch, &format!("s{number}"), time)).collect()
}

#[test]
fn each_field_makes_groups() {
    type Keyed = fn(&'static str) -> Event<'static>;
    let fields: [(GroupBy, Keyed); 4] = [
        (GroupBy::Session, |session| Event { session, ..Event::new(Kind::ToolCall) }),
        (GroupBy::Server, |server| Event { server, ..Event::new(Kind::ToolCall) }),
        (GroupBy::Tool, |tool| Event { tool: Some(tool), ..Event::new(Kind::ToolCall) }),
        (GroupBy::Caller, |caller| Event { caller: Some(caller), ..Event::new(Kind::ToolCall) }),
    ];
    for (by, event) in fields {
        let mut watch = watch(Condition::MoreThan(more_than(1)), by, Duration::ZERO);
        let fires = ["a", "b", "a", ""].map(|key| watch.event(&event(key), Millis(0)).len());
        assert_eq!(fires, [0, 0, 1, 0], "{by:?}");
        assert_eq!(watch.event(&Event::new(Kind::Denial), Millis(0)).len(), 1, "no {by:?} is the empty one");
    }
    let mut all = watch(Condition::MoreThan(more_than(1)), GroupBy::None, Duration::ZERO);
    assert_eq!((call(&mut all, "a", 0).len(), call(&mut all, "b", 0)[0].group.clone()), (0, None));
}

#[test]
fn idle_groups_make_room_and_nobody_hears_of_it() {
    let mut watch = watch(Condition::MoreThan(more_than(1)), GroupBy::Session, Duration::ZERO);
    assert_eq!(fill(&mut watch, 0), []);
    assert_eq!(call(&mut watch, "s0", 1_000), [], "its first event has just left");
    for number in 0..MOST_GROUPS - 1 {
        assert_eq!(call(&mut watch, &format!("t{number}"), 1_500), []);
    }
    assert_eq!(call(&mut watch, "s0", 1_501).len(), 1, "all others of the first ones had to go");
}

#[test]
fn a_group_that_is_missed_is_told_of_once_in_a_while() {
    let mut watch = watch(Condition::MoreThan(more_than(1)), GroupBy::Session, Duration::ZERO);
    assert_eq!(fill(&mut watch, 0), []);
    let alert = call(&mut watch, "new", 1).remove(0);
    assert_eq!(
        (alert.occasion, alert.count, alert.severity),
        (Occasion::GroupsDropped, 1, Severity::Critical)
    );
    assert_eq!(alert.group.clone().unwrap().key, "s0");
    assert_eq!(alert.to_string(), "[critical] rule: too many groups, 1 forgotten, session s0");
    let more: Vec<Alert> = (0..100).flat_map(|number| call(&mut watch, &format!("n{number}"), 2)).collect();
    assert_eq!(more, [], "it was told a moment ago");
    assert_eq!(fill(&mut watch, 59_500), [], "the windows are empty");
    assert_eq!(call(&mut watch, "again", 60_001)[0].count, 101);
}

#[test]
fn what_a_dropped_group_never_told_is_told_for_it() {
    let mut watch = watch(Condition::Any, GroupBy::Session, Duration::from_secs(90));
    assert_eq!(call(&mut watch, "loud", 0).len() + call(&mut watch, "loud", 1).len(), 1);
    assert_eq!(call(&mut watch, "loud", 2), []);
    let alerts = fill(&mut watch, 200_000);
    let dropped: Vec<u64> = alerts
        .iter()
        .filter(|alert| alert.occasion == Occasion::GroupsDropped)
        .map(|alert| alert.suppressed)
        .collect();
    assert_eq!((dropped, alerts.len()), (vec![2], MOST_GROUPS + 1));
}

#[test]
fn who_is_locked_out_makes_room_last() {
    let lock = more_than(1).locking_out(Duration::from_secs(60)).unwrap();
    let mut watch = watch(Condition::MoreThan(lock), GroupBy::Caller, Duration::ZERO);
    assert_eq!(call(&mut watch, "mallory", 0).len() + call(&mut watch, "mallory", 1).len(), 1);
    let told = (0..2).map(|_| fill(&mut watch, 2).len()).sum::<usize>();
    assert!(told > 0);
    assert!(watch.is_locked(GroupBy::Caller, "mallory", Millis(3)));
}

#[test]
fn an_idle_group_goes_before_an_older_one_that_is_not() {
    let lock = more_than(1).locking_out(Duration::from_secs(60)).unwrap();
    let mut watch = watch(Condition::MoreThan(lock), GroupBy::Caller, Duration::ZERO);
    assert_eq!(call(&mut watch, "mallory", 0).len() + call(&mut watch, "mallory", 1).len(), 1);
    for number in 0..10 * MOST_GROUPS {
        let second = u64::try_from(number).unwrap() * 2;
        assert_eq!(call(&mut watch, &format!("c{number}"), second), [], "windows are empty soon enough");
    }
    assert!(watch.is_locked(GroupBy::Caller, "mallory", Millis(20_000)));
}

#[test]
fn values_that_are_full_are_told_once() {
    let mut watch = watch(Condition::FirstSeen(Field::Host), GroupBy::Server, Duration::ZERO);
    let mut see = |server, host: &str| {
        let event = Event { server, host: Some(host), ..Event::new(Kind::Connection) };
        watch.event(&event, Millis(0)).pop().map(|alert| (alert.occasion, alert.count))
    };
    for number in 0..MOST_VALUES {
        assert_eq!(see("a", &number.to_string()), Some((Occasion::Matched, 1)));
    }
    let full = u64::try_from(MOST_VALUES).unwrap();
    assert_eq!(see("a", "one more"), Some((Occasion::ValuesFull, full)));
    assert_eq!(see("a", "two more"), None);
    assert_eq!(see("a", "0"), None, "still known");
    assert_eq!(see("b", "one more"), Some((Occasion::Matched, 1)), "another group has room");
}

#[test]
fn long_keys_and_values_are_told_apart() {
    let long = "x".repeat(100_000);
    let (a, b) = (format!("{long}a"), format!("{long}b"));
    let mut counting = watch(Condition::MoreThan(more_than(1)), GroupBy::Session, Duration::ZERO);
    assert_eq!((call(&mut counting, &a, 0).len(), call(&mut counting, &b, 0).len()), (0, 0));
    let alert = call(&mut counting, &a, 0).remove(0);
    assert!(alert.group.unwrap().key.len() <= 256 && alert.session.len() <= 256);
    let mut seeing = watch(Condition::FirstSeen(Field::Host), GroupBy::None, Duration::ZERO);
    let fires = [&a, &b, &a].map(|host| {
        seeing.event(&Event { host: Some(host), ..Event::new(Kind::Connection) }, Millis(0)).len()
    });
    assert_eq!(fires, [1, 1, 0]);
}

#[test]
fn of_groups_that_are_missed_the_one_least_lately_used_goes() {
    let mut watch = watch(Condition::MoreThan(more_than(2)), GroupBy::Session, Duration::ZERO);
    assert_eq!((fill(&mut watch, 0), call(&mut watch, "s0", 1)), (vec![], vec![]));
    assert_eq!(call(&mut watch, "new", 2)[0].group.clone().unwrap().key, "s1");
    assert_eq!(call(&mut watch, "s0", 3).len(), 1, "nothing of it was forgotten");
}
