//! Names, identity, and who may join.

use std::os::unix::fs::MetadataExt;

use super::*;

#[test]
fn a_name_says_whose_the_group_is() {
    let own = GroupId::own().expect("/proc");
    assert!(own.is_alive());
    assert!(own.to_string().starts_with(&format!("{}-", std::process::id())));
    assert_eq!(own.to_string().parse(), Ok(own.clone()));
    let labelled = own.clone().labelled("a1").expect("a label");
    assert_eq!(labelled.to_string(), format!("{own}-a1"));
    assert_eq!(labelled.to_string().parse(), Ok(labelled));
}

#[test]
fn what_is_no_name_is_refused() {
    for text in [
        "",
        "1",
        "1-",
        "-1-2",
        "0-1",
        "1-02",
        "+1-2",
        "1-2-",
        "1-2-A",
        "1-2-a/b",
        "99999999999-1",
        "1-2-a-b",
        "x-1",
    ] {
        assert!(text.parse::<GroupId>().is_err(), "{text}");
    }
}

#[test]
fn a_reused_number_is_another_supervisor() {
    let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
    let pid = Pid::from_raw(child.id().cast_signed());
    let id = GroupId::of(pid).expect("it runs");
    assert!(id.is_alive());
    let earlier = format!("{pid}-1").parse::<GroupId>().expect("a name");
    assert!(!earlier.is_alive());
    child.kill().expect("own child");
    within("it is a zombie", Duration::from_secs(5), || (!id.is_alive()).then_some(()));
    child.wait().expect("own child");
    assert!(!id.is_alive());
}

#[test]
fn the_id_is_that_of_the_directory() {
    let Some(group) = group("identity", &free()) else { return };
    let Some(directory) = group.unified() else {
        assert_eq!(group.id(), None);
        return skip("no version 2 hierarchy");
    };
    let expected = std::fs::metadata(directory.path()).expect("there").ino();
    assert_eq!(group.id(), Some(expected));
    assert!(group.v2_directory_fd().is_some());
}

#[test]
fn the_files_are_the_owners() {
    let Some(group) = group("modes", &bounded()) else { return };
    for seat in &group.seats {
        let procs = std::fs::metadata(seat.directory.path().join("cgroup.procs")).expect("there");
        assert_eq!(procs.mode() & 0o7777, 0o644);
        assert_eq!(procs.uid(), nix::unistd::geteuid().as_raw());
        let parent = std::fs::metadata(seat.parent.path()).expect("there");
        assert_eq!(parent.mode() & 0o7777, 0o700);
    }
}

#[test]
fn the_same_name_is_given_once() {
    let Some(group) = group("twice", &free()) else { return };
    let again = Group::create(group.name(), &free()).expect_err("it exists");
    assert!(matches!(again, GroupError::Exists(_)), "{again}");
    // The refusal must not have removed the first one.
    assert!(group.seats[0].directory.path().exists());
    assert!(group.is_empty().expect("readable"));
}

#[test]
fn neither_the_supervisor_nor_a_group_of_processes_can_join() {
    let Some(group) = group("join", &free()) else { return };
    for process in [0, -1, std::process::id().cast_signed()] {
        let refused = group.join(Pid::from_raw(process)).expect_err("no single foreign process");
        assert!(matches!(refused, GroupError::NotForeign(_)), "{refused}");
    }
    assert_eq!(group.members().expect("members"), []);
}

#[test]
fn a_process_that_has_ended_does_not_join() {
    let Some(group) = group("ended", &free()) else { return };
    let mut child = Command::new("/bin/true").spawn().expect("true");
    let pid = Pid::from_raw(child.id().cast_signed());
    within("it is a zombie", Duration::from_secs(5), || GroupId::of(pid).is_none().then_some(()));
    let refused = group.join(pid).expect_err("it has ended");
    child.wait().expect("own child");
    let text = refused.to_string();
    assert!(text.contains("cgroup.procs") || text.contains("ended"), "{text}");
}
