//! Time that stands still, goes back, leaps.

use std::time::Duration;

use alerts::{Condition, Event, Filter, GroupBy, Kind, Millis, Rule, SET_BACK, Severity, Threshold, Watch};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

fn watch(when: Condition, quiet: u64) -> Watch {
    let (name, filter, group_by) = ("rule".to_owned(), Filter::default(), GroupBy::None);
    let quiet = Duration::from_millis(quiet);
    Watch::new([Rule { name, reason: None, severity: Severity::Info, filter, when, group_by, quiet }])
}

fn more_than(count: u32, window: u64) -> Condition {
    Condition::MoreThan(
        Threshold::new(count, Duration::from_millis(window)).expect("a threshold that can be"),
    )
}

/// Which of the events alert, by their index.
fn fired(mut watch: Watch, times: &[u64]) -> Vec<usize> {
    let fires = |time: &u64| !watch.event(&Event::new(Kind::Denial), Millis(*time)).is_empty();
    times.iter().map(fires).enumerate().filter_map(|(index, fires)| fires.then_some(index)).collect()
}

#[test]
fn time_that_stands_still_keeps_all_in_the_window() {
    assert_eq!(fired(watch(more_than(2, SECOND), 0), &[7; 4]), [2, 3]);
    assert_eq!(fired(watch(Condition::Any, SECOND), &[7; 4]), [0]);
}

#[test]
fn a_little_back_is_standing_still() {
    let back = u64::try_from(SET_BACK.as_millis()).unwrap();
    let base = HOUR;
    // Records of two writers, out of order: the window is not stretched by going back and forth.
    let times = [base, base - 20_000, base, base - back, base + 1, base + SECOND + 1];
    assert_eq!(fired(watch(more_than(3, SECOND), 0), &times), [3, 4]);
    // Quiet time does not run meanwhile.
    assert_eq!(
        fired(watch(Condition::Any, SECOND), &[base, base - back, base - 1, base + 999, base + 1_000]),
        [0, 4]
    );
}

#[test]
fn a_clock_that_was_set_goes_on_from_there() {
    let ahead = 1_000 * HOUR;
    // One wrong time far ahead, then the right ones: quiet time ends after a second of those.
    let times = [0, ahead, 10, 1_009, 1_010, 2_010];
    assert_eq!(fired(watch(Condition::Any, SECOND), &times), [0, 1, 4, 5]);
    // Windows go on as well: what was before the clock was set is as old as it was then.
    let times = [ahead, ahead + 500, 0, 499, 500, 1_500];
    assert_eq!(fired(watch(more_than(2, SECOND), 0), &times), [2, 3, 4]);
}

#[test]
fn the_ends_of_numbers_stop_nothing() {
    let times = [u64::MAX, 0, u64::MAX, u64::MAX, 5, 1_004, 1_005];
    // Twice a year passes; what is between is quiet.
    assert_eq!(fired(watch(Condition::Any, SECOND), &times), [0, 2, 6]);
}

#[test]
fn an_alert_is_told_in_the_time_of_the_caller() {
    let mut watch = watch(more_than(1, SECOND), 0);
    watch.event(&Event::new(Kind::Denial), Millis(10 * HOUR));
    let alert = watch.event(&Event::new(Kind::Denial), Millis(HOUR)).remove(0);
    assert_eq!((alert.first, alert.last), (Millis(HOUR), Millis(HOUR)), "no time has passed");
    let alert = watch.event(&Event::new(Kind::Denial), Millis(HOUR + 300)).remove(0);
    assert_eq!((alert.first, alert.last), (Millis(HOUR), Millis(HOUR + 300)));
}

#[test]
fn a_lock_out_outlasts_a_clock_that_is_set_back() {
    let second = Duration::from_secs(1);
    let threshold = Threshold::new(0, second).unwrap().locking_out(Duration::from_secs(60)).unwrap();
    let mut watch = watch(Condition::MoreThan(threshold), 0);
    watch.event(&Event::new(Kind::Authentication), Millis(HOUR));
    for (time, locked) in [(HOUR - 1, true), (0, true), (HOUR + 59_999, true), (HOUR + 60_000, false)] {
        assert_eq!(watch.is_locked(GroupBy::None, "", Millis(time)), locked, "{time}");
    }
    // An event tells that the clock was set; from then on the rest of the time runs.
    watch.event(&Event::new(Kind::Authentication), Millis(0));
    assert!(watch.is_locked(GroupBy::None, "", Millis(59_999)));
    assert!(!watch.is_locked(GroupBy::None, "", Millis(60_000)));
}
