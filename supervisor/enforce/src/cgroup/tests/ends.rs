//! Standing still and dying, all of the tree.

use std::time::Duration;

use super::*;

/// A daemon: double fork and a session of its own, so that neither parent nor process group leads to it.
const DAEMON: &str = "(setsid sh -c 'sleep 61 & sleep 62 & wait' & ) ; sleep 63";
/// It grows to its limit within moments, and never holds still. (There it may die out: a shell that is refused a fork dies.)
pub(super) const BOMB: &str = "b() { while :; do b & b & wait; done; }; b";
const FORKER: &str = "while :; do /bin/true; done";

#[test]
fn a_daemon_is_killed_with_its_group() {
    let Some(group) = group("daemon", &free()) else { return };
    let mut shell = started(&group, DAEMON);
    let members = grown(&group, 5);
    let session = |pid: Pid| nix::unistd::getsid(Some(pid)).ok();
    let leader = session(shell.pid());
    assert!(members.iter().any(|member| session(*member) != leader), "nobody got a session of its own");
    group.kill().expect("killed");
    assert!(!shell.ended().success());
    assert!(group.is_empty().expect("readable"));
    assert_eq!(group.members().expect("members"), []);
    gone(&members);
}

#[test]
fn a_fork_bomb_is_killed() {
    let Some(group) = group("bomb", &bounded()) else { return };
    let _shell = started(&group, BOMB);
    grown(&group, 30);
    group.kill().expect("killed");
    assert!(group.is_empty().expect("readable"));
}

#[test]
fn a_fork_bomb_is_killed_one_by_one() {
    let Some(group) = group("bombone", &bounded()) else { return };
    let _shell = started(&group, BOMB);
    grown(&group, 30);
    for seat in &group.seats {
        seat.kill_one_by_one().expect("killed");
    }
    assert!(group.is_empty().expect("readable"));
}

#[test]
fn a_frozen_tree_stands_still_and_goes_on() {
    let Some(group) = group("freeze", &bounded()) else { return };
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().display();
    let _shell = started(&group, &format!("while :; do echo x >> {path}; /bin/true; done"));
    let size = || file.as_file().metadata().expect("there").len();
    within("it writes", Duration::from_secs(5), || (size() > 0).then_some(()));
    group.freeze().expect("frozen");
    let frozen = size();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(size(), frozen);
    group.thaw().expect("thawed");
    within("it goes on", Duration::from_secs(5), || (size() > frozen).then_some(()));
}

#[test]
fn a_frozen_tree_can_be_killed() {
    let Some(group) = group("freezekill", &bounded()) else { return };
    let mut shell = started(&group, FORKER);
    grown(&group, 1);
    group.freeze().expect("frozen");
    group.kill().expect("killed");
    assert!(!shell.ended().success());
    assert!(group.is_empty().expect("readable"));
}

#[test]
fn an_empty_group_can_be_frozen_thawed_and_killed() {
    let Some(group) = group("empty", &free()) else { return };
    group.freeze().expect("frozen");
    group.thaw().expect("thawed");
    group.kill().expect("killed");
    assert!(group.is_empty().expect("readable"));
}

#[test]
fn a_dropped_group_leaves_nothing() {
    let Some(group) = group("drop", &bounded()) else { return };
    let paths: Vec<_> = group.seats.iter().map(|seat| seat.directory.path().to_owned()).collect();
    let mut shell = started(&group, DAEMON);
    let members = grown(&group, 5);
    drop(group);
    assert!(!shell.ended().success());
    gone(&members);
    assert!(!paths.is_empty() && paths.iter().all(|path| !path.exists()), "{paths:?}");
}

#[test]
fn nobody_but_the_owner_moves_a_process_out() {
    let Some(group) = group("nobody", &free()) else { return };
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can become another user");
    }
    let seat = group.seats.first().expect("a seat");
    let (inside, outside) = (seat.directory.path().to_owned(), seat.base.path().to_owned());
    let attempt = |path: &std::path::Path| {
        let script = format!("if echo 0 > {}/cgroup.procs; then exit 7; else exit 8; fi", path.display());
        let mut shell = Shell::with(&script, as_nobody);
        group.join(shell.pid()).expect("it joins");
        shell.go();
        shell.ended().code()
    };
    assert_eq!(attempt(&outside), Some(8), "it left its group");
    assert_eq!(attempt(&inside), Some(8), "it may write in its group");
    // The attack itself is sound: root is not held back by the files' modes.
    let script = format!("if echo 0 > {}/cgroup.procs; then exit 7; else exit 8; fi", inside.display());
    assert_eq!(started(&group, &script).ended().code(), Some(7));
}

#[test]
fn no_group_can_be_made_beneath() {
    let Some(group) = group("beneath", &free()) else { return };
    let Some(directory) = group.unified() else { return skip("no version 2 hierarchy") };
    let refused = std::fs::create_dir(directory.path().join("child")).expect_err("cgroup.max.descendants=0");
    assert_eq!(refused.raw_os_error(), Some(nix::libc::EAGAIN));
}

/// None of them runs any more.
fn gone(members: &[Pid]) {
    for member in members {
        within("it is reaped or dead", Duration::from_secs(5), || {
            GroupId::of(*member).is_none().then_some(())
        });
    }
}
