//! A session from its opening to its end, with everything in order.

use std::num::NonZeroU64;

use control::message::{Actor, Arrived, Because, Code, End, Forget, Grant, Learn, Resume, Wanted};
use control::{Answer, Event, FromDaemon, Request, SessionId};
use enforce::keeper::{Key, Notice, Usage};

use super::client::{Client, POLICY, open};
use super::keeper::is_leave;
use super::world::{World, denied, kept, offer};
use crate::daemon::front::memo::Memo;
use crate::daemon::wire::{Ask, Refused, Standing, Why};

fn learn() -> Request {
    let classes = NonZeroU64::new(3).unwrap();
    let grants = vec![Grant { classes, until_ns: 99, rule: 4, checked: true }];
    Request::Learn(Learn { address: [203, 0, 113, 7].into(), grants })
}

/// The numbers of the kernel events that come next.
fn sequences(client: &mut Client, count: usize) -> Vec<u64> {
    let number = |event| match event {
        Event::Denied(denied) => denied.sequence,
        other => panic!("no denial: {other:?}"),
    };
    (0..count).map(|_| number(client.event())).collect()
}

fn ended(client: &mut Client) -> Because {
    match client.event() {
        Event::Ended(because) => because,
        other => panic!("no end: {other:?}"),
    }
}

#[test]
fn a_session_opens_learns_hears_and_ends() {
    let world = World::new();
    let (mut client, opened, key) = world.session();
    assert_eq!((opened.slot, client.descriptors.len()), (7, 2));
    let source = policy::Source { name: "p.yaml".to_owned(), text: POLICY.to_owned() };
    let policy = policy::load(source, &crate::policies::Shelf(None)).unwrap();
    assert_eq!(opened.revision, policy.revision(), "as exec computes it");

    assert_eq!(client.ask(learn()), Answer::Done);
    let forget = Request::Forget(Forget { address: [203, 0, 113, 7].into() });
    assert_eq!(client.ask(forget), Answer::Done);
    let arrived = |port| Request::Arrived(Arrived { peer: ([127, 0, 0, 1], port).into() });
    let there = Some("203.0.113.7:443".parse().unwrap());
    assert_eq!(client.ask(arrived(9)), Answer::Wanted(Wanted { address: there }));
    assert_eq!(client.ask(arrived(8)), Answer::Wanted(Wanted { address: None }));

    world.keeper.notice(Notice::Event(key, denied(1)));
    assert_eq!(sequences(&mut client, 1), [1]);
    world.keeper.until_asked(|ask| *ask == Ask::Heard(1));

    assert_eq!(client.ask(Request::End(End { why: "the client has gone".to_owned() })), Answer::Done);
    assert!(world.log.has("Opened") && world.log.has("Denied") && world.log.has("Ended"));
    drop(client);
    world.keeper.until_asked(is_leave);
    let script = world.keeper.script();
    let learned = script.asks.iter().find_map(|ask| match ask {
        Ask::Learn(_, address, learned) => Some((*address, learned.grants[0])),
        _ => None,
    });
    let (address, grant) = learned.unwrap();
    assert_eq!(address, std::net::IpAddr::from([203, 0, 113, 7]));
    assert_eq!((grant.classes, grant.until_ns, grant.rule, grant.checked), (3, 99, 4, 1));
}

#[test]
fn the_order_says_what_the_policy_says() {
    let world = World::new();
    let (_client, opened, key) = world.session();
    let order = world.order();
    assert_eq!(order.key, key);
    assert!(order.tables.objects.iter().any(|object| object.path.as_path().ends_with("srv/w")));
    assert_eq!(order.unreachable.port(), 1);
    let memo = Memo::from_bytes(&order.memo);
    assert_eq!((memo.name.as_str(), memo.policy.as_str()), ("files", "notes"));
    assert_eq!(memo.revision, opened.revision);
    assert!(memo.rules.iter().any(|rule| rule.origin == "p.yaml:3:22" && rule.text.contains("${workspace}")));
}

#[test]
fn what_the_keeper_refuses_is_refused_with_its_reason() {
    let world = World::new();
    for (why, code) in [
        (Why::NotAllowed, Code::NotAllowed),
        (Why::Process, Code::Process),
        (Why::Limit, Code::Limit),
        (Why::Kernel, Code::Kernel),
    ] {
        world.keeper.script().refuses = Some(Refused { why, sentence: "because of it".to_owned() });
        let refusal = world.client().refused(open());
        assert_eq!((refusal.code, refusal.sentence.as_str()), (code, "because of it"));
    }
    world.keeper.script().refuses = None;
    world.keeper.script().is_full = true;
    let (mut client, ..) = world.session();
    assert_eq!(client.refused(learn()).code, Code::Full);
}

#[test]
fn a_session_is_resumed_and_is_told_what_it_has_not_heard() {
    let world = World::new();
    let (client, opened, key) = world.session();
    (1..=2).for_each(|number| {
        world.keeper.notice(Notice::Event(key, denied(number)));
    });
    drop(client);
    world.keeper.until_asked(is_leave);
    (3..=5).for_each(|number| {
        world.keeper.notice(Notice::Event(key, denied(number)));
    });
    world.keeper.until_asked(|ask| *ask == Ask::Heard(5));
    let resume = |heard| Request::Resume(Resume { session: opened.session.clone(), heard });
    let mut client = world.client();
    assert_eq!(client.ask(resume(1)), Answer::Done);
    assert_eq!(sequences(&mut client, 4), [2, 3, 4, 5]);
    world.keeper.notice(Notice::Event(key, denied(6)));
    assert_eq!(sequences(&mut client, 1), [6]);
    assert_eq!(client.ask(learn()), Answer::Done);

    // A second one takes it over, and what the first one may not have read is told again.
    let mut second = world.client();
    assert_eq!(second.ask(resume(5)), Answer::Done);
    assert_eq!(sequences(&mut second, 1), [6]);
    assert!(client.last_words().is_none());
    assert_eq!(second.ask(Request::End(End { why: String::new() })), Answer::Done);
}

#[test]
fn a_session_that_outlived_the_front_is_resumed() {
    let me = nix::unistd::geteuid().as_raw();
    let standing = Standing {
        offer: offer(),
        sessions: vec![kept(0xaa, me, "github", false), kept(0xab, me + 1, "git", false)],
        ..Standing::default()
    };
    let world = World::with(|_| {}, standing);
    world.keeper.notice(Notice::Event(Key(0xaa), denied(8)));
    world.keeper.until_asked(|ask| *ask == Ask::Heard(1));
    let resume = |id: &str| Request::Resume(Resume { session: SessionId::new(id).unwrap(), heard: 7 });
    let mut client = world.client();
    assert_eq!(client.ask(resume("00000000000000aa")), Answer::Done);
    assert_eq!(sequences(&mut client, 1), [8]);
    // A stranger's and none at all are the same.
    let refused = world.client().refused(resume("00000000000000ab"));
    assert_eq!(refused.code, Code::NoSuchSession);
    let none = world.client().refused(resume("00000000000000ac"));
    assert_eq!(refused.sentence.replace("ab ", "ac "), none.sentence);
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Resume(..))), 1);
}

#[test]
fn the_end_of_a_supervisor_or_a_failed_proof_is_told() {
    let world = World::new();
    for (notice, why) in [
        (Notice::Gone as fn(Key) -> Notice, "its supervisor has ended"),
        (|key| Notice::Unproven(key, "the file was read".to_owned()), "the file was read"),
    ] {
        let (mut client, _, key) = world.session();
        world.keeper.notice(notice(key));
        let because = ended(&mut client);
        assert_eq!(because.who, Actor::Daemon);
        assert!(because.why.contains(why), "{because:?}");
        assert_eq!(client.refused(learn()).code, Code::Ending);
        assert_eq!(client.ask(Request::End(End { why: String::new() })), Answer::Done, "nothing is left");
    }
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::End(_) | Ask::Learn(..))), 0);
}

#[test]
fn what_the_kernel_tells_before_the_opening_is_answered_is_not_lost() {
    let world = World::new();
    world.keeper.script().hold_opens = true;
    let mut client = world.client();
    let id = client.send(open());
    world.keeper.until(|script| script.count(|ask| matches!(ask, Ask::Open(..))) == 1);
    let key = world.order().key;
    world.keeper.notice(Notice::Event(key, denied(1)));
    world.keeper.until_asked(|ask| *ask == Ask::Heard(1));
    world.keeper.release(false);
    let (answer, before) = client.answer(id);
    assert!(matches!(answer, Answer::Opened(_)) && before.is_empty());
    assert_eq!(sequences(&mut client, 1), [1]);
}

#[test]
fn drops_and_limits_are_told_as_they_grow() {
    let world = World::new();
    let (mut client, _, key) = world.session();
    let mut usage = Usage { dropped: [(abi::EventKind::Open, 3)].into(), ..Usage::default() };
    usage.limits.oom_kills = Some(1);
    usage.memory = Some(4096);
    world.keeper.script().usage = vec![(key, usage.clone())];
    let dropped = |event| match event {
        Event::Dropped(dropped) => dropped.kinds[0].1,
        other => panic!("{other:?}"),
    };
    assert_eq!(dropped(client.event()), 3);
    assert!(matches!(client.event(), Event::Resources(resources) if resources.oom_kills == Some(1)));
    usage.dropped = [(abi::EventKind::Open, 5)].into();
    world.keeper.script().usage = vec![(key, usage)];
    assert_eq!(dropped(client.event()), 2);
    assert_eq!(world.log.get().seen, [("files".to_owned(), 4096)]);
    client.send(learn());
    assert!(matches!(client.next(), Some(FromDaemon::Answered(_, Answer::Done))), "nothing is told twice");
}

#[test]
fn what_the_log_has_not_written_is_not_forgotten() {
    let world = World::new();
    let (mut client, _, key) = world.session();
    world.log.get().fails = true;
    world.keeper.notice(Notice::Event(key, denied(1)));
    assert_eq!(sequences(&mut client, 1), [1], "the client is told all the same");
    let alive = |script: &super::keeper::Script| script.count(|ask| *ask == Ask::Alive);
    let before = alive(&world.keeper.script());
    world.keeper.until(|script| alive(script) > before + 2);
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Heard(_))), 0);
    world.log.get().fails = false;
    world.keeper.until_asked(|ask| *ask == Ask::Heard(1));
}
