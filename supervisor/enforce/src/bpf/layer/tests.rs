//! A layer on the machine that runs the tests. Many hosted kernels let root have the programs on control groups and no
//! others; what needs the security hooks is tested in virtual machines.

use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::unistd::Pid;
use policy::plan::LimitsPlan;

use super::*;
use crate::bpf::{Cgroup, Event, Mark, Opening, Session, Terms, probe};
use crate::cgroup::{Group, GroupId};
use crate::encode::Tables;
use crate::sys;

fn options() -> Options {
    Options { sizes: Sizes::of(&[], 1, 1 << 16), kills_senders: false }
}

/// Waits for a line, then connects a UDP socket to an address that nobody has: no packet is sent.
fn caller() -> Child {
    let script = "read -r _; exec 3<>/dev/udp/192.0.2.1/9";
    let mut command = Command::new("bash");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().expect("bash is there");
    let reads_stdin = |text: String| text.starts_with("0 0x0 ");
    while !reads_stdin(fs::read_to_string(format!("/proc/{}/syscall", child.id())).expect("it runs")) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// Lets it call; whether it was denied.
fn is_denied(mut caller: Child) -> bool {
    caller.stdin.take().expect("a pipe").write_all(b"now\n").expect("it waits");
    let ended = caller.wait_with_output().expect("an own child");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() || said.contains("Operation not permitted"), "{said}");
    !ended.status.success()
}

fn take_in(layer: &mut Layer, session: &Session, group: &Group, child: &Child) -> Pid {
    let process = Pid::from_raw(child.id().cast_signed());
    let pidfd = sys::pidfd_open(process).expect("an own child");
    layer.tag(session, pidfd.as_fd(), Mark::Armed).expect("root marks");
    assert_eq!(layer.slot_of(pidfd.as_fd()).unwrap(), Some(session.slot()));
    group.join(process).expect("root moves");
    process
}

#[test]
fn a_session_reaches_nothing_and_others_are_free() {
    let probe = probe();
    let id = GroupId::own().unwrap().labelled("layer").unwrap();
    let group = Group::create(&id, &LimitsPlan::default()).ok();
    let cgroup = group
        .as_ref()
        .and_then(|group| Some(Cgroup { directory: group.v2_directory_fd()?, id: group.id()? }));
    let (true, Some(cgroup)) = (probe.support().network, cgroup) else {
        // Nobody but root, and nobody without version 2 of control groups.
        assert!(probe.support().network_missing.is_some() || cgroup.is_none());
        return;
    };
    assert!(!is_denied(caller()), "this machine has no route at all");
    let mut layer = Layer::load(&probe, &options()).unwrap();
    let mut events = layer.events().expect("once");
    assert!(layer.events().is_none());
    let opening = Opening {
        tables: &Tables::default(),
        server: None,
        supervisor: Pid::this(),
        identity: None,
        doors: None,
        cgroup: Some(cgroup),
    };
    let session = layer.open(&opening).unwrap();
    assert!(matches!(layer.open(&opening), Err(crate::bpf::SessionError::Full(1))));
    assert_eq!(session.active.load(), (1, 0));
    session.active.store(0b11, 5);

    let inside = caller();
    let process = take_in(&mut layer, &session, group.as_ref().unwrap(), &inside);
    assert!(is_denied(inside));
    assert!(!is_denied(caller()), "somebody outside of the session is denied");
    let heard: Vec<Event> = std::iter::from_fn(|| events.poll()).map(|event| event.unwrap()).collect();
    let [event] = heard.as_slice() else { panic!("{heard:?}") };
    assert_eq!((event.process, event.slot, event.sequence), (process, session.slot(), 1));
    assert_eq!((event.active, event.call), (0b11, 5));
    assert_eq!(layer.state(&session).unwrap().sequence, 1);

    drop(group);
    layer.close(session).unwrap();
    assert!(layer.sessions.iter().all(Option::is_none));
}

#[test]
fn without_a_probe_that_found_something_there_is_no_layer() {
    let found = crate::bpf::Probe::known(policy::Ebpf {
        hooks_missing: Some("the reason".to_owned()),
        ..policy::Ebpf::default()
    });
    let Ok(probe) = found else { return };
    let refused = Layer::load(&probe, &options()).expect_err("nothing was found").to_string();
    assert!(refused.contains("the reason"), "{refused}");
}

/// The address that a caller connects to is open.
fn reaching() -> Tables {
    let key = abi::PortKey { port: 9, usage: abi::PortUse::Connect as u16, rules: 0 };
    let address = std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets();
    let range = abi::AddressKey { address, ..Default::default() };
    Tables {
        ports: vec![(key, abi::Port { rule: abi::NO_RULE, flags: 0 })],
        addresses: vec![(128, range, abi::Address { classes: 1, rule: 0, padding: 0 })],
        flags: abi::session_flags::NETWORK,
        ..Tables::default()
    }
}

/// A process of the session that begins now, and whether it was denied.
fn is_denied_inside(layer: &mut Layer, session: &Session, group: &Group) -> bool {
    let inside = caller();
    take_in(layer, session, group, &inside);
    is_denied(inside)
}

/// How many ranges and ports stand in the maps.
fn written_down(layer: &Layer) -> (usize, usize) {
    (layer.maps.addresses.keys().count(), layer.maps.ports.keys().count())
}

#[test]
fn another_policy_holds_from_its_store_on_and_leaves_nothing_of_the_old_one() {
    let probe = probe();
    let id = GroupId::own().unwrap().labelled("revise").unwrap();
    let group = Group::create(&id, &LimitsPlan::default()).ok();
    let cgroup = group
        .as_ref()
        .and_then(|group| Some(Cgroup { directory: group.v2_directory_fd()?, id: group.id()? }));
    let (true, Some(cgroup)) = (probe.support().network, cgroup) else {
        // As above.
        assert!(probe.support().network_missing.is_some() || cgroup.is_none());
        return;
    };
    let (closed, open) = (Tables::default(), reaching());
    fn terms(tables: &Tables) -> Terms<'_> {
        Terms { tables, server: None, identity: None }
    }
    let mut layer = Layer::load(&probe, &options()).unwrap();
    let opening = Opening {
        tables: &closed,
        server: None,
        supervisor: Pid::this(),
        identity: None,
        doors: None,
        cgroup: Some(cgroup),
    };
    let session = layer.open(&opening).unwrap();
    let group_of = group.as_ref().unwrap();
    assert!(is_denied_inside(&mut layer, &session, group_of));
    assert!(layer.commit(&session).is_err(), "nothing was prepared");

    layer.prepare(&session, &terms(&open)).unwrap();
    assert_eq!((written_down(&layer), layer.revision(&session)), ((1, 1), 0));
    assert!(is_denied_inside(&mut layer, &session, group_of), "what is only prepared does not hold");
    layer.abandon_prepared(&session).unwrap();
    assert_eq!(written_down(&layer), (0, 0));

    layer.prepare(&session, &terms(&open)).unwrap();
    layer.commit(&session).unwrap();
    assert_eq!((written_down(&layer), layer.revision(&session)), ((1, 1), 1));
    assert!(!is_denied_inside(&mut layer, &session, group_of));

    layer.prepare(&session, &terms(&closed)).unwrap();
    assert!(!is_denied_inside(&mut layer, &session, group_of));
    layer.commit(&session).unwrap();
    assert_eq!((written_down(&layer), layer.revision(&session)), ((0, 0), 2));
    assert!(is_denied_inside(&mut layer, &session, group_of));

    let mut other = Layer::load(&probe, &options()).unwrap();
    assert!(other.prepare(&session, &terms(&open)).is_err(), "it is a session of another layer");
    assert!(other.commit(&session).is_err());

    drop(group);
    layer.close(session).unwrap();
    assert!(layer.sessions.iter().all(Option::is_none));
}
