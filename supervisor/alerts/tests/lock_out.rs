//! Lock-outs, and thresholds that cannot be.

use std::time::Duration;

use alerts::{
    Condition, Event, Filter, GroupBy, Kind, LockOut, MOST_COUNT, Millis, Rule, Severity, Threshold,
    ThresholdError, Watch,
};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
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
fn three_failures_lock_out_for_a_time() {
    let threshold = Threshold::new(2, ms(1_000)).unwrap().locking_out(ms(5_000)).unwrap();
    // The quiet time is longer than the lock-out, which is told all the same.
    let mut watch = watch(Condition::MoreThan(threshold), GroupBy::Caller, 60_000);
    assert_eq!(fired(&mut watch, &[0, 10]), []);
    assert!(!watch.is_locked(GroupBy::Caller, "alice", Millis(10)));
    let alert = watch.event(&event(), Millis(20)).remove(0);
    assert_eq!(alert.lock_out, Some(LockOut { until: Millis(5_020) }));
    for (by, key, time, locked) in [
        (GroupBy::Caller, "alice", 20, true),
        (GroupBy::Caller, "alice", 5_019, true),
        (GroupBy::Caller, "alice", 5_020, false),
        (GroupBy::Caller, "bob", 20, false),
        (GroupBy::Session, "alice", 20, false),
    ] {
        assert_eq!(watch.is_locked(by, key, Millis(time)), locked, "{by:?} {key} at {time}");
    }
    // Who tries on does not make it longer, and is counted anew when it is over.
    assert_eq!(fired(&mut watch, &[4_000, 5_019, 5_020, 5_021]), []);
    assert!(!watch.is_locked(GroupBy::Caller, "alice", Millis(5_021)));
    assert_eq!(fired(&mut watch, &[5_022]), [(5_022, 2)]);
    assert!(watch.is_locked(GroupBy::Caller, "alice", Millis(10_021)));
}

#[test]
fn a_threshold_cannot_be_one_that_never_holds() {
    assert_eq!(Threshold::new(MOST_COUNT + 1, ms(1)), Err(ThresholdError::Count));
    assert_eq!(Threshold::new(1, ms(0)), Err(ThresholdError::Window));
    assert_eq!(Threshold::new(1, Duration::from_micros(999)), Err(ThresholdError::Window));
    assert_eq!(Threshold::new(1, ms(1)).unwrap().locking_out(ms(0)), Err(ThresholdError::LockOut));
    let most = Threshold::new(MOST_COUNT, Duration::MAX).unwrap().locking_out(Duration::MAX).unwrap();
    let mut watch = watch(Condition::MoreThan(most), GroupBy::None, u64::MAX);
    let all = u64::from(MOST_COUNT) + 1;
    assert_eq!((0..all).flat_map(|time| watch.event(&event(), Millis(time))).count(), 1);
    assert!(watch.is_locked(GroupBy::None, "", Millis(u64::MAX - 1)));
}

#[test]
fn what_led_to_a_lock_out_does_not_lead_to_another_one() {
    // The window is longer than the lock-out: what was in it before is over all the same.
    let threshold = Threshold::new(2, ms(10_000)).unwrap().locking_out(ms(1_000)).unwrap();
    let mut watch = watch(Condition::MoreThan(threshold), GroupBy::Caller, 0);
    assert_eq!(fired(&mut watch, &[0, 1, 2, 1_002, 1_003, 1_004]), [(2, 0), (1_004, 0)]);
}
