//! What a killed supervisor leaves is ended by the next start; what a living one has is left alone.

use super::super::leftovers::leftovers_in;
use super::*;

/// The name of a supervisor that is no more, with a label.
fn dead(label: &str) -> GroupId {
    let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
    let id = GroupId::of(Pid::from_raw(child.id().cast_signed())).expect("it runs");
    child.kill().expect("own child");
    child.wait().expect("own child");
    id.labelled(label).expect("a label")
}

/// The directories stay; the locks go, as they go when a process is killed.
fn abandon(mut group: Group) -> Vec<std::path::PathBuf> {
    group.seats.drain(..).map(|seat| seat.directory.path().to_owned()).collect()
}

#[test]
fn the_group_of_a_dead_supervisor_is_ended() {
    let Some(layout) = layout(&[Controller::Pids]) else { return };
    let id = dead("left");
    let group = Group::create_in(&layout, &id, &bounded()).expect("a group");
    let mut shell = started(&group, "(setsid sleep 60 &) ; sleep 61");
    grown(&group, 3);
    let paths = abandon(group);
    let found = within("its lock is free", Duration::from_secs(5), || {
        // Another test that starts a process at this moment holds our descriptors until its `execve`.
        Some(leftovers_in(&layout, |it| *it == id)).filter(|found| !found.is_empty())
    });
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, id);
    assert_eq!(found[0].processes, 3);
    assert!(found[0].outcome.is_ok(), "{found:?}");
    assert!(!shell.ended().success());
    assert!(!paths.is_empty() && paths.iter().all(|path| !path.exists()), "{paths:?}");
    assert!(leftovers_in(&layout, |it| *it == id).is_empty());
}

#[test]
fn the_group_of_a_living_supervisor_is_left_alone() {
    let Some(group) = group("living", &bounded()) else { return };
    let _shell = started(&group, "exec sleep 60");
    assert!(leftovers_in(&Layout::find(), |it| it == group.name()).is_empty());
    assert_eq!(group.members().expect("members").len(), 1);
}

/// Also without its lock: a supervisor that is about to make the group, or one whose descriptors were closed.
#[test]
fn a_living_supervisor_is_enough() {
    let Some(group) = group("unlocked", &free()) else { return };
    let id = group.name().clone();
    let paths = abandon(group);
    assert!(leftovers_in(&Layout::find(), |it| *it == id).is_empty());
    for path in paths {
        std::fs::remove_dir(&path).expect("it was left alone");
        // Other tests may stand in the directory above.
        let _ = path.parent().map(std::fs::remove_dir);
    }
}

/// Version 1 cannot forbid groups beneath a group; nor could a version of mcpguard that did not.
#[test]
fn groups_beneath_a_leftover_go_with_it() {
    let Some(layout) = layout(&[]) else { return };
    let id = dead("nested");
    let group = Group::create_in(&layout, &id, &free()).expect("a group");
    if let Some(directory) = group.unified() {
        directory.write("cgroup.max.descendants", "max").expect("written");
        directory.write("cgroup.max.depth", "max").expect("written");
    }
    let path = group.seats[0].directory.path().to_owned();
    std::fs::create_dir_all(path.join("a/b")).expect("groups beneath");
    abandon(group);
    let found = within("its lock is free", Duration::from_secs(5), || {
        Some(leftovers_in(&layout, |it| *it == id)).filter(|found| !found.is_empty())
    });
    assert!(found[0].outcome.is_ok() && !path.exists(), "{found:?}");
}

/// A number from another pid namespace means nobody here, or somebody else; the lock tells.
#[test]
fn a_group_that_is_held_is_left_alone() {
    let Some(layout) = layout(&[]) else { return };
    let id = dead("held");
    let group = Group::create_in(&layout, &id, &free()).expect("a group");
    let _shell = started(&group, "exec sleep 60");
    assert!(leftovers_in(&layout, |it| *it == id).is_empty());
    assert_eq!(group.members().expect("members").len(), 1);
    drop(group);
    assert!(leftovers_in(&layout, |it| *it == id).is_empty());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let Some(group) = group("foreign", &free()) else { return };
    let foreign = group.seats[0].parent.path().join("not-ours");
    std::fs::create_dir(&foreign).expect("a group");
    // Not those of the dead: other tests count them.
    let found = leftovers_in(&Layout::find(), GroupId::is_alive);
    let there = foreign.exists();
    std::fs::remove_dir(&foreign).expect("removed");
    assert!(there, "{found:?}");
}
