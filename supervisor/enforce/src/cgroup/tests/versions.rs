//! What is found, and version 1 alone: this host's hierarchies without version 2.

use super::super::mounts::Version;
use super::super::probe::probe_in;
use super::super::{Availability, Hierarchy};
use super::*;

/// Version 1 alone; `None`, said aloud, where it has no freezer.
fn version_1() -> Option<Layout> {
    let mut layout = layout(&[])?;
    layout.places.retain(|place| place.version == Version::Legacy);
    if layout.freezer().is_none() {
        skip("no version 1 freezer");
        return None;
    }
    Some(layout)
}

#[test]
fn the_probe_says_what_can_be_made() {
    let survey = probe_in(&Layout::find());
    assert_eq!(survey.controllers.len(), Controller::ALL.len());
    for (controller, availability) in &survey.controllers {
        if let Availability::Missing { reason, remedy } = availability {
            assert!(!reason.is_empty() && !remedy.is_empty(), "{controller}");
        }
    }
    if layout(&[]).is_none() {
        assert!(!survey.is_usable() && survey.because.is_some());
        return;
    }
    let plans = [
        (Controller::Memory, LimitsPlan { memory_bytes: Some(64 << 20), ..free() }),
        (Controller::Pids, LimitsPlan { max_processes: Some(8), ..free() }),
        (Controller::Cpu, LimitsPlan { cpu_millis: Some(500), ..free() }),
    ];
    for (controller, plan) in plans {
        let made = Group::create(&id(&format!("probe{controller}")), &plan);
        assert_eq!(survey.has(controller), made.is_ok(), "{controller}: {made:?}");
    }
    let group = Group::create(&id("probeid"), &free()).expect("a group");
    assert_eq!(survey.unified.is_some(), group.id().is_some());
    assert_eq!(survey.freeze, group.freeze().is_ok());
    assert_eq!(survey.support().identity, group.id().is_some());
    assert_eq!(survey.support().processes, survey.has(Controller::Pids));
}

#[test]
fn without_a_hierarchy_nothing_is_made_and_the_reason_is_told() {
    let none = Layout { places: Vec::new() };
    let survey = probe_in(&none);
    assert_eq!(survey.hierarchy, Hierarchy::None);
    assert!(Controller::ALL.iter().all(|controller| !survey.has(*controller)));
    assert!(survey.support().missing.is_some_and(|text| text.contains("mount")));
    let refused = Group::create_in(&none, &id("nowhere"), &free()).expect_err("no hierarchy");
    assert!(refused.to_string().contains("mount -t cgroup2"), "{refused}");
}

#[test]
fn version_1_alone_limits_freezes_and_kills() {
    let Some(layout) = version_1() else { return };
    let survey = probe_in(&layout);
    assert_eq!((survey.hierarchy, survey.kill, survey.freeze), (Hierarchy::Legacy, false, true));
    assert!(survey.support().missing.is_some());
    let group = Group::create_in(&layout, &id("legacy"), &bounded()).expect("a group");
    assert_eq!(group.id(), None);
    assert!(group.v2_directory_fd().is_none());
    let mut shell = started(&group, super::ends::BOMB);
    grown(&group, 30);
    group.freeze().expect("frozen");
    let frozen = group.members().expect("members");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(group.members().expect("members"), frozen);
    group.kill().expect("killed");
    assert!(!shell.ended().success());
    assert!(group.is_empty().expect("readable"));
    assert!(group.events().expect("events").pids_max_hits.is_some());
}

#[test]
fn version_1_without_a_freezer_still_kills() {
    let Some(mut layout) = version_1() else { return };
    layout.places.retain(|place| !place.has_option("freezer"));
    let group = Group::create_in(&layout, &id("nofreezer"), &bounded()).expect("a group");
    let refused = group.freeze().expect_err("no freezer");
    assert!(matches!(refused, GroupError::NoFreezer(_)), "{refused}");
    let mut shell = started(&group, "(setsid sleep 60 &) ; while :; do /bin/true; done");
    grown(&group, 2);
    group.kill().expect("killed");
    assert!(!shell.ended().success());
    assert!(group.is_empty().expect("readable"));
}
