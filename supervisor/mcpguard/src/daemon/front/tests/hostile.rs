//! Clients that mean harm, one at a time: each is cut off, with the reason where it can be told, and nobody else is.

use std::io::Write;
use std::os::fd::AsFd;

use control::message::{Code, End, Learn, Resume};
use control::{Answer, FromDaemon, Request, SessionId};
use enforce::keeper::{Identity, Notice};

use super::alone::{alone, open_descriptors};
use super::client::{Client, open, open_with, pidfd};
use super::keeper::is_leave;
use super::world::{World, denied, list};
use crate::daemon::wire::{Act, Ask, Peer, Refused, Why};

/// A frame by hand.
fn frame(payload: impl AsRef<[u8]>, descriptors: u8) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[descriptors], payload].concat()
}

/// A session of somebody else's goes on as if nothing had happened.
fn goes_on(client: &mut Client) {
    let grants = vec![control::message::Grant {
        classes: std::num::NonZeroU64::MIN,
        until_ns: 1,
        rule: 0,
        checked: false,
    }];
    let learn = Request::Learn(Learn { address: [192, 0, 2, 9].into(), grants });
    assert_eq!(client.ask(learn), Answer::Done);
}

#[test]
fn what_is_no_message_ends_the_connection_with_the_reason() {
    let world = World::new();
    let (mut bystander, ..) = world.session();
    let deep = "[".repeat(10_000);
    for (bytes, word) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "bytes was announced"),
        (frame("{}", 0), ""),
        (frame("not json", 0), ""),
        (frame(r#"{"id":1,"request":"lisst"}"#, 0), "unknown variant"),
        (frame(r#"{"id":1,"request":"list","more":1}"#, 0), "unknown field"),
        (frame(r#"{"id":1,"id":1,"request":"list"}"#, 0), ""),
        (frame(r#"{"id":2,"request":"list"}"#, 0), "request 2 came where 1 must come"),
        (frame(r#"{"id":1,"request":{"learn":{"address":"1.2.3.4","grants":[]}}}"#, 0), ""),
        (frame(b"\xff\xfe", 0), ""),
        (frame(deep, 0), ""),
        (frame("", 0), "no bytes"),
        (frame(r#"{"id":1,"request":"list"}"#, 1), "descriptors"),
        (frame(r#"{"id":1,"request":"list"}"#, 9), "descriptors"),
        ([0xff; 5].to_vec(), "at most"),
        (
            frame(r#"{"id":1,"request":{"forget":{"address":"1.2.3.4"}}}"#, 0),
            "no session on this connection yet",
        ),
    ] {
        let mut client = world.client();
        client.write(&bytes, &[]);
        let last = client.last_words().unwrap();
        assert_eq!(last.code, Code::Protocol);
        assert!(last.sentence.contains(word), "{bytes:?}: {last:?}");
    }
    goes_on(&mut bystander);
}

#[test]
fn no_hello_that_is_none_is_answered_with_more_than_the_reason() {
    let world = World::new();
    for bytes in [
        frame(r#"{"magic":"other","oldest":1,"newest":1,"build":"x"}"#, 0),
        frame(r#"{"magic":"mcpguard-control","oldest":7,"newest":9,"build":"x"}"#, 0),
        frame(vec![b' '; 5000], 0),
        frame(r#"{"id":1,"request":"list"}"#, 0),
    ] {
        let mut client = Client::silent(&world.path);
        client.write(&bytes, &[]);
        assert_eq!(client.last_code(), Some(Code::Protocol), "{bytes:?}");
    }
}

/// Numbers as random as a test needs, the same every time.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    /// One that is less than this.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

#[test]
fn any_bytes_are_survived() {
    let world = World::new();
    let (mut bystander, ..) = world.session();
    let mut numbers = Numbers(7);
    for _ in 0..300 {
        let mut client = world.client();
        let mut bytes = client.side.ask(open()).unwrap().1.bytes;
        for _ in 0..=numbers.next() % 4 {
            let place = usize::try_from(numbers.next()).unwrap() % bytes.len();
            bytes[place] = (numbers.next() & 0xff) as u8;
        }
        let cut = usize::try_from(numbers.next()).unwrap() % bytes.len();
        let own = pidfd();
        let with = [own.as_fd()];
        client.write(&bytes[..cut.max(1)], &with[..usize::from(!numbers.next().is_multiple_of(3))]);
        let _ = client.socket.shutdown(std::net::Shutdown::Write);
        while client.next().is_some() {}
    }
    goes_on(&mut bystander);
}

#[test]
fn nothing_above_its_limit_is_read() {
    let world = World::new();
    // The first request may be long, no other one.
    let mut client = world.client();
    assert!(matches!(client.ask(Request::Offer), Answer::Offered(_)));
    client.write(&(70_000_u32.to_be_bytes()), &[]);
    client.write(&[0], &[]);
    assert!(client.last_words().unwrap().sentence.contains("at most 65536"));
    let mut client = world.client();
    client.write(&(3_000_000_u32.to_be_bytes()), &[]);
    client.write(&[1], &[]);
    assert!(client.last_words().unwrap().sentence.contains("at most 2621440"));
    let mut client = world.client();
    let text = format!("version: 1\n#{}\n", "x".repeat(1 << 20));
    let source = control::message::Source { name: "p.yaml".into(), text };
    assert!(control::message::Sources::new(vec![source], vec![]).is_err());
    let open = open_with("p.yaml", &format!("version: 1\n#{}\n", "\\".repeat((1 << 20) - 13)));
    let refused = client.refused(Request::Open(Box::new(open)));
    assert_eq!(
        refused.code,
        Code::Policy,
        "the longest policy there is is read, and is too long for the compiler"
    );
}

#[test]
fn a_peer_inside_of_a_session_gets_nothing() {
    let world = World::new();
    let identity = Identity { uid: 0, gid: 0, groups: vec![] };
    world.keeper.script().peer = Some(Peer { identity, process: 9, guarded: true });
    let mut client = Client::silent(&world.path);
    client.greet();
    let last = client.last_words().unwrap();
    assert_eq!(last.code, Code::NotAllowed);
    assert!(last.sentence.contains("inside of a guarded session"), "{last:?}");
    world.keeper.until_asked(is_leave);
    assert!(world.log.has("Refused"));
}

#[test]
fn a_process_that_is_not_the_peers_own_is_not_guarded() {
    let world = World::new();
    let me = nix::unistd::geteuid().as_raw();
    // Another user's, as this process sees itself.
    let mut other = world.user(me + 1);
    let id = {
        drop(other);
        let identity = Identity { uid: me + 1, gid: 1, groups: vec![] };
        let process = std::process::id().cast_signed();
        world.keeper.script().peer = Some(Peer { identity, process, guarded: false });
        other = world.client();
        other.send(open())
    };
    let refused = other.answer(id).0;
    assert!(
        matches!(&refused, Answer::Refused(refusal) if refusal.code == Code::NotAllowed && refusal.sentence.contains("of their own only")),
        "{refused:?}"
    );
    // Its own, but nobody's child.
    let identity = Identity { uid: me, gid: me, groups: vec![] };
    world.keeper.script().peer = Some(Peer { identity, process: 1, guarded: false });
    if std::os::unix::process::parent_id() != 1 {
        let refused = world.client().refused(open());
        assert!(refused.sentence.contains("not a child"), "{refused:?}");
    }
    world.keeper.script().peer = None;
    // No process at all.
    let mut client = world.client();
    let (_, out) = client.side.ask(open()).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    client.write(&out.bytes, &[file.as_fd()]);
    assert!(
        matches!(client.next(), Some(FromDaemon::Answered(_, Answer::Refused(refusal))) if refusal.code == Code::Process)
    );
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Open(..))), 0);
    // And what only the keeper can see.
    let sentence = "the process is in a guarded session already".to_owned();
    world.keeper.script().refuses = Some(Refused { why: Why::NotAllowed, sentence });
    assert_eq!(world.client().refused(open()).code, Code::NotAllowed);
    assert_eq!(list(&mut world.operator()), [], "what was refused is not listed");
}

#[test]
fn one_connection_is_for_one_session() {
    let world = World::new();
    world.keeper.script().hold_opens = true;
    for second in [
        frame(r#"{"id":2,"request":{"resume":{"session":"00000000000000aa","heard":0}}}"#, 0),
        frame(r#"{"id":2,"request":{"end":{"why":""}}}"#, 0),
        frame(r#"{"id":2,"request":"list"}"#, 0),
        frame(r#"{"id":1,"request":"offer"}"#, 0),
    ] {
        let opens = world.keeper.script().count(|ask| matches!(ask, Ask::Open(..)));
        let ends = world.keeper.script().count(|ask| matches!(ask, Ask::End(_)));
        let mut client = world.client();
        client.send(open());
        world.keeper.until(|script| script.count(|ask| matches!(ask, Ask::Open(..))) == opens + 1);
        client.write(&second, &[]);
        assert_eq!(client.last_code(), Some(Code::Protocol));
        // The session that was opened for nobody is ended.
        world.keeper.release(false);
        world.keeper.until(|script| script.count(|ask| matches!(ask, Ask::End(_))) == ends + 1);
    }
    assert_eq!(list(&mut world.operator()), []);
}

#[test]
fn answers_find_whoever_asked() {
    let world = World::new();
    world.keeper.script().hold_opens = true;
    let mut first = world.client();
    let first_id = first.send(open());
    world.keeper.until(|script| script.count(|ask| matches!(ask, Ask::Open(..))) == 1);
    let first_key = world.order().key;
    let mut second = world.client();
    let second_id = second.send(open());
    world.keeper.until(|script| script.count(|ask| matches!(ask, Ask::Open(..))) == 2);
    let second_key = world.order().key;
    assert_ne!(first_key, second_key);
    world.keeper.release(true);
    let opened = |answer| match answer {
        Answer::Opened(opened) => opened.session.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(opened(second.answer(second_id).0), second_key.to_string());
    world.keeper.release(false);
    assert_eq!(opened(first.answer(first_id).0), first_key.to_string());
    world.keeper.notice(Notice::Event(first_key, denied(1)));
    world.keeper.notice(Notice::Event(second_key, denied(2)));
    assert!(matches!(first.event(), control::Event::Denied(it) if it.sequence == 1));
    assert!(matches!(second.event(), control::Event::Denied(it) if it.sequence == 2));
}

#[test]
fn an_end_and_a_kill_at_once_are_one_end() {
    let world = World::new();
    let (mut client, opened, key) = world.session();
    world.keeper.script().hold_kills = true;
    let mut operator = world.operator();
    let kill =
        operator.send(Request::Kill(control::Selector::Session(opened.session.as_str().parse().unwrap())));
    world.keeper.until_asked(|ask| matches!(ask, Ask::Act(_, of, Act::Kill) if *of == key));
    assert_eq!(client.ask(Request::End(End { why: "done".into() })), Answer::Done);
    world.keeper.release(false);
    assert!(matches!(operator.answer(kill).0, Answer::Acted(acted) if acted.done.len() == 1));
    let ends = world.log.get().facts.iter().filter(|fact| fact.starts_with("Ended")).count();
    assert_eq!(ends, 1);
    assert_eq!(list(&mut operator), []);
}

#[test]
fn requests_in_flight_are_bounded() {
    let world = World::new();
    world.keeper.script().hold_kills = true;
    let (_client, opened, _) = world.session();
    let mut operator = world.operator();
    operator.send(Request::Kill(control::Selector::Session(opened.session.as_str().parse().unwrap())));
    for id in 3..=70 {
        operator.write(&frame(format!(r#"{{"id":{id},"request":"status"}}"#), 0), &[]);
    }
    let last = operator.last_words().unwrap();
    assert_eq!(last.code, Code::Limit);
    assert!(last.sentence.contains("more than 64 requests"), "{last:?}");
}

#[test]
fn a_strangers_session_cannot_be_resumed_or_told_from_none() {
    let world = World::new();
    let (_client, opened, _) = world.session();
    let me = nix::unistd::geteuid().as_raw();
    let resume = |session| Request::Resume(Resume { session, heard: 0 });
    let identity = Identity { uid: me + 1, gid: 1, groups: vec![] };
    world.keeper.script().peer = Some(Peer { identity, process: 1, guarded: false });
    let refused = world.client().refused(resume(opened.session.clone()));
    let none = world.client().refused(resume(SessionId::new("00000000000000aa").unwrap()));
    assert_eq!((refused.code, none.code), (Code::NoSuchSession, Code::NoSuchSession));
    assert_eq!(refused.sentence.replace(opened.session.as_str(), "00000000000000aa"), none.sentence);
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Resume(..))), 0);
}

#[test]
fn no_descriptor_is_left_behind() {
    alone("daemon::front::tests::hostile::no_descriptor_is_left_behind", || {
        let world = World::new();
        drop(world.session());
        world.keeper.until_asked(is_leave);
        let settled = |leaves| world.keeper.until(|script| script.count(is_leave) >= leaves);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let before = open_descriptors();
        let file = std::fs::File::open("/dev/null").unwrap();
        let many = [file.as_fd(); 100];
        for round in 0..50 {
            let mut client = world.client();
            let hello = client.side.hello().unwrap().bytes;
            let open = client.side.ask(open()).unwrap().1.bytes;
            match round % 5 {
                // With a message that takes none, too many, in the middle of one, without a message, and in order.
                0 => client.write(&frame(r#"{"id":1,"request":"list"}"#, 0), &many[..1]),
                1 => client.write(&open, &many),
                2 => client.write(&open[..1], &[]) && client.write(&open[1..50], &many[..2]),
                3 => client.write(&hello[..1], &many[..2]),
                _ => client.write(&open, &many[..1]),
            };
            let _ = client.socket.shutdown(std::net::Shutdown::Write);
            while client.next().is_some() {}
        }
        settled(51);
        drop(file);
        let mut after = open_descriptors();
        for _ in 0..100 {
            if after <= before {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
            after = open_descriptors();
        }
        assert!(after <= before, "{after} descriptors are open, {before} were before");
    });
}

#[test]
fn a_keeper_that_dies_ends_the_front_and_clients_are_told() {
    for babbles in [false, true] {
        let mut world = World::new();
        let (mut client, ..) = world.session();
        let mut operator = world.operator();
        match babbles {
            true => world.keeper.babble(),
            false => world.keeper.die(),
        }
        assert_eq!(client.last_code(), Some(Code::Stopping));
        assert_eq!(operator.last_code(), Some(Code::Stopping));
        let error = format!("{:#}", world.end().unwrap_err());
        let word = if babbles { "no message" } else { "privileged process has gone" };
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn systemd_may_stop_it() {
    alone("daemon::front::tests::hostile::systemd_may_stop_it", || {
        let mut world = World::new();
        let (mut client, ..) = world.session();
        nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGTERM).unwrap();
        assert_eq!(client.last_code(), Some(Code::Stopping));
        assert_eq!(world.end().unwrap(), 0);
    });
}

#[test]
fn a_client_that_has_gone_hears_nothing_and_holds_nothing() {
    let world = World::new();
    let (client, opened, key) = world.session();
    let mut writer = client.socket.try_clone().unwrap();
    drop(client);
    // Half a message, and away.
    let _ = writer.write_all(&[0, 0, 1, 0, 0, b'{']);
    drop(writer);
    world.keeper.until_asked(is_leave);
    world.keeper.notice(Notice::Event(key, denied(1)));
    world.keeper.until_asked(|ask| *ask == Ask::Heard(1));
    let mut operator = world.operator();
    let sessions = list(&mut operator);
    assert_eq!(sessions[0].session, opened.session, "its session goes on");
    assert_eq!(sessions[0].denials, 0, "which the keeper counts");
}
