//! Each limit is seen to hold, and to be counted.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use super::*;

#[test]
fn memory_beyond_the_limit_ends_in_a_kill_that_is_counted() {
    // Bounded, so that the machine survives a limit that does not hold: one line of so many bytes is kept in memory.
    const SCRIPT: &str = "head -c 200000000 /dev/zero | tail -n 1; exit 7";
    let Some(group) = group("memory", &LimitsPlan { memory_bytes: Some(32 << 20), ..free() }) else { return };
    assert_eq!(group.events().expect("events").oom_kills, Some(0));
    let status = started(&group, SCRIPT).ended();
    // Version 2 takes the whole tree; version 1 the largest process, and the shell goes on and says 7.
    assert!(status.signal() == Some(9) || status.code() == Some(7), "{status}");
    let events = group.events().expect("events");
    assert!(events.oom_kills >= Some(1), "{events:?}");
    assert_eq!(events.pids_max_hits, None);
}

#[test]
fn memory_within_the_limit_is_left_alone() {
    let Some(group) = group("enough", &LimitsPlan { memory_bytes: Some(64 << 20), ..free() }) else { return };
    let status = started(&group, "head -c 8000000 /dev/zero | tail -c 8000000 >/dev/null; exit 7").ended();
    assert_eq!(status.code(), Some(7));
    assert_eq!(group.events().expect("events").oom_kills, Some(0));
}

#[test]
fn processes_beyond_the_limit_are_refused_and_counted() {
    const SCRIPT: &str = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait";
    let Some(group) = group("pids", &LimitsPlan { max_processes: Some(8), ..free() }) else { return };
    let mut shell = started(&group, SCRIPT);
    let status = shell.ended();
    // The shell itself is one of eight, and gives up at the first refusal: `Cannot fork`.
    assert!(!status.success(), "{status}");
    assert_eq!(group.members().expect("members").len(), 7);
    assert!(group.events().expect("events").pids_max_hits >= Some(1));
}

#[test]
fn processor_time_beyond_the_share_is_withheld_and_counted() {
    let Some(group) = group("cpu", &LimitsPlan { cpu_millis: Some(200), ..free() }) else { return };
    let shell = started(&group, "while :; do :; done");
    let (begun, before) = (Instant::now(), ticks(shell.pid()));
    std::thread::sleep(Duration::from_millis(1500));
    let (elapsed, used) = (begun.elapsed(), ticks(shell.pid()) - before);
    let share = used as f64 / 100.0 / elapsed.as_secs_f64();
    assert!((0.05..0.3).contains(&share), "{share} of a processor");
    let events = group.events().expect("events");
    assert!(events.cpu_throttled_periods >= Some(5), "{events:?}");
    assert!(events.cpu_throttled >= Some(Duration::from_millis(100)), "{events:?}");
}

#[test]
fn a_limit_that_is_not_asked_for_is_not_set() {
    let Some(group) = group("unlimited", &free()) else { return };
    assert!(group.seats.iter().all(|seat| seat.controllers.is_empty()));
    assert_eq!(group.events().expect("events"), super::super::GroupEvents::default());
}

#[test]
fn a_limit_without_its_controller_is_an_error() {
    let Some(mut layout) = layout(&[Controller::Pids]) else { return };
    layout.places.retain(|place| !place.has_option("pids"));
    if layout.place(Controller::Pids).is_ok() {
        // Version 2 has it: then version 2 is taken away as well.
        layout.places.clear();
    }
    let refused = Group::create_in(&layout, &id("refused"), &bounded()).expect_err("no controller");
    assert!(matches!(refused, GroupError::Missing { .. }), "{refused}");
    assert!(!refused.to_string().is_empty());
}

/// User and system time of the process, in hundredths of a second.
fn ticks(process: Pid) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let fields: Vec<u64> = fields.split(' ').skip(11).take(2).map(|field| field.parse().unwrap()).collect();
    fields.iter().sum()
}

/// A session that runs, with these limits, and the hierarchies of this host.
fn running(label: &str, plan: &LimitsPlan) -> Option<(Group, Layout, Shell)> {
    let layout = layout(&super::super::settings::needed(plan))?;
    let group = Group::create_in(&layout, &id(label), plan).expect("a group");
    let shell = started(&group, "sleep 60");
    Some((group, layout, shell))
}

#[test]
fn limits_of_a_running_group_are_changed_and_hold() {
    let plan =
        LimitsPlan { memory_bytes: Some(64 << 20), max_processes: Some(64), cpu_millis: Some(500), ..free() };
    let Some((group, layout, _shell)) = running("change", &plan) else { return };
    assert_eq!(group.limits().expect("limits"), plan);
    let lower = LimitsPlan { memory_bytes: Some(32 << 20), max_processes: Some(8), ..free() };
    group.change(&layout, &lower).expect("lower");
    let now = LimitsPlan { cpu_millis: Some(500), ..lower };
    assert_eq!(group.limits().expect("limits"), now, "what is not asked for stays");
    let higher = LimitsPlan { memory_bytes: Some(128 << 20), cpu_millis: Some(1500), ..free() };
    group.change(&layout, &higher).expect("higher");
    let now = LimitsPlan { max_processes: Some(8), ..higher };
    assert_eq!(group.limits().expect("limits"), now);
    // The new number is what the kernel counts to.
    let mut more = started(&group, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait");
    assert!(!more.ended().success());
    assert!(group.events().expect("events").pids_max_hits >= Some(1));
}

#[test]
fn a_limit_whose_controller_the_group_has_not_changes_nothing() {
    let plan = LimitsPlan { max_processes: Some(64), ..free() };
    let Some((mut group, layout, _shell)) = running("without", &plan) else { return };
    // Version 2 may have it here because another group asked for it: then all of version 2 is not looked at.
    let has_memory = |group: &Group| group.limits().expect("limits").memory_bytes.is_some();
    assert!(!has_memory(&group));
    let both = LimitsPlan { memory_bytes: Some(32 << 20), max_processes: Some(8), ..free() };
    match group.change(&layout, &both) {
        Err(GroupError::Missing { controller, .. }) => {
            assert_eq!(controller, Controller::Memory);
            assert_eq!(group.limits().expect("limits"), plan, "the other one was not set either");
        }
        // The hierarchy passes memory on to every group.
        Ok(()) => assert_eq!(group.limits().expect("limits"), both),
        Err(other) => panic!("{other}"),
    }
    // Nothing that is made of nothing has a controller.
    let seats = std::mem::take(&mut group.seats);
    let refused = group.change(&layout, &both).expect_err("no controller").to_string();
    assert!(refused.contains("memory controller") && refused.contains("start it again"), "{refused}");
    group.seats = seats;
}

#[test]
fn a_value_that_the_kernel_refuses_leaves_all_as_they_were() {
    let plan =
        LimitsPlan { memory_bytes: Some(64 << 20), max_processes: Some(64), cpu_millis: Some(500), ..free() };
    let Some((group, layout, _shell)) = running("refused", &plan) else { return };
    // More processes than a pid may number (PID_MAX_LIMIT), and written after memory.
    let wanted = LimitsPlan { memory_bytes: Some(32 << 20), max_processes: Some(u32::MAX), ..free() };
    let refused = group.change(&layout, &wanted).expect_err("the kernel refuses");
    assert!(matches!(refused, GroupError::File { .. }), "{refused}");
    assert_eq!(group.limits().expect("limits"), plan);
}
