//! Many clients, and clients that do not read: memory and descriptors stay bounded, and whoever has a session is served.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use control::message::{Code, End, Filter, Resume};
use control::{Answer, Event, FromDaemon, Request};
use enforce::KernelEvent;
use enforce::keeper::Notice;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::alone::{alone, resident};
use super::client::{Client, open, open_with};
use super::hostile::Numbers;
use super::keeper::is_leave;
use super::world::{World, denied, offer};
use crate::daemon::front::settings::Settings;
use crate::daemon::wire::{Ask, Standing};

fn world(change: impl FnOnce(&mut Settings)) -> World {
    World::with(change, Standing { offer: offer(), sessions: vec![], ..Standing::default() })
}

/// An event with a long path.
fn long(sequence: u64) -> KernelEvent {
    let path = format!("/{}", "x".repeat(3000)).into();
    KernelEvent { path: Some(enforce::bpf::SeenPath { path, complete: true }), ..denied(sequence) }
}

#[test]
fn whoever_is_one_too_many_is_told_so() {
    let world = world(|settings| settings.limits.connections_of_user = 3);
    let mut three = [world.client(), world.client(), world.client()];
    let mut more = Client::silent(&world.path);
    let last = more.last_words().unwrap();
    assert_eq!(last.code, Code::Limit);
    assert!(last.sentence.contains("you have 3 connections"), "{last:?}");
    assert!(matches!(three[0].ask(Request::Offer), Answer::Offered(_)));
    drop(three);
    world.keeper.until(|script| script.count(is_leave) == 3);
    assert!(matches!(world.client().ask(open()), Answer::Opened(_)));
}

#[test]
fn ten_thousand_connections_are_survived() {
    alone("daemon::front::tests::crowds::ten_thousand_connections_are_survived", || {
        const ALL: usize = 10_000;
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
        // Each has an end here, and an end there; and the keeper's duplicate for a moment.
        let at_once = usize::try_from(hard).unwrap_or(ALL).saturating_sub(400) / 2;
        let wave = ALL.min(at_once);
        let world = world(|settings| settings.limits.connections_of_user = 4096);
        let (mut session, ..) = world.session();
        let before = resident();
        let (mut done, mut most, mut admitted) = (0, 0, 1);
        while done < ALL {
            let crowd: Vec<UnixStream> =
                (0..wave.min(ALL - done)).map(|_| UnixStream::connect(&world.path).unwrap()).collect();
            done += crowd.len();
            crowd.iter().for_each(hears);
            let admits = world.keeper.script().count(|ask| matches!(ask, Ask::Admit(_)));
            let new = admits - std::mem::replace(&mut admitted, admits);
            assert!(new <= 4096, "{new} were admitted at once");
            most = most.max(resident());
            let arrived = control::message::Arrived { peer: ([127, 0, 0, 1], 9).into() };
            assert!(matches!(session.ask(Request::Arrived(arrived)), Answer::Wanted(_)));
        }
        let grown = most.saturating_sub(before);
        println!("{ALL} connections, {wave} at once: {grown} KiB more than the {before} KiB before");
        assert!(grown < 200 << 10, "{grown} KiB more");
        // Everybody has gone, and there is room again.
        world.keeper.until(|script| {
            let admitted = script.count(|ask| matches!(ask, Ask::Admit(_)));
            script.count(is_leave) + 1 >= admitted
        });
        assert!(matches!(world.client().ask(open()), Answer::Opened(_)));
        assert_eq!(session.ask(Request::End(End { why: String::new() })), Answer::Done);
    });
}

/// The daemon says something to everybody, be it that there is no room.
fn hears(mut stream: &UnixStream) {
    use std::io::Read;
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut bytes = [0; 5];
    stream.read_exact(&mut bytes).unwrap();
}

#[test]
fn without_descriptors_it_refuses_and_goes_on() {
    alone("daemon::front::tests::crowds::without_descriptors_it_refuses_and_goes_on", || {
        setrlimit(Resource::RLIMIT_NOFILE, 100, 100).unwrap();
        let world = World::new();
        let (mut session, ..) = world.session();
        // All but one: that is for the client's own end. What is on its way between the processes comes to rest first.
        let mut all = Vec::new();
        for _ in 0..5 {
            all.extend(std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()));
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(all.pop());
        let mut client = Client::silent(&world.path);
        let last = client.last_words().unwrap();
        assert_eq!(last.code, Code::Limit);
        assert!(last.sentence.contains("as many files open as it may"), "{last:?}");
        let arrived = || control::message::Arrived { peer: ([127, 0, 0, 1], 9).into() };
        assert!(matches!(session.ask(Request::Arrived(arrived())), Answer::Wanted(_)));
        drop((all, client));
        assert!(matches!(world.client().ask(open()), Answer::Opened(_)));
    });
}

#[test]
fn a_session_that_does_not_read_is_told_what_there_is_room_for_and_the_last_when_it_asks() {
    const NAME: &str = "daemon::front::tests::crowds::a_session_that_does_not_read_is_told_what_there_is_room_for_and_the_last_when_it_asks";
    alone(NAME, || {
        const ALL: u64 = 20_000;
        let world = World::new();
        let (mut client, _, key) = world.session();
        world.log.get().forgets = true;
        let before = resident();
        (1..=ALL).for_each(|number| {
            world.keeper.notice(Notice::Event(key, long(number)));
        });
        world.keeper.until_asked(|ask| *ask == Ask::Heard(ALL));
        let grown = resident().saturating_sub(before);
        println!("{ALL} events of 3 KiB, unread: {grown} KiB more");
        assert!(grown < 64 << 10, "{grown} KiB more");
        // It still has its connection, and its questions are answered behind what it was told before.
        let (answer, told) = {
            let asked = client.send(Request::Sync);
            client.answer(asked)
        };
        assert_eq!(answer, Answer::Done);
        let numbers: Vec<u64> = told.iter().filter_map(sequence).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "each once, in order");
        assert_eq!(numbers.last(), Some(&ALL), "the last ones are kept, and told when there is room");
        assert!((100..ALL as usize / 2).contains(&numbers.len()), "{} were told", numbers.len());
        let begun = (1..).zip(&numbers).take_while(|(number, told)| number == *told).count();
        let missed = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert!(begun > 50 && missed == 1, "{begun} from the first on, {missed} gaps");
    });
}

fn sequence(told: &FromDaemon) -> Option<u64> {
    match told {
        FromDaemon::Happened(Event::Denied(denied)) => Some(denied.sequence),
        _ => None,
    }
}

#[test]
fn a_follower_that_does_not_read_misses_and_is_told_how_much() {
    let world = World::new();
    let mut follower = world.operator();
    assert_eq!(follower.ask(Request::Follow(Filter::default())), Answer::Done);
    let (mut client, _, key) = world.session();
    const ALL: u64 = 2_000;
    for number in 1..=ALL {
        world.keeper.notice(Notice::Event(key, long(number)));
        // The session itself is read.
        assert!(matches!(client.event(), Event::Denied(_)));
    }
    world.keeper.until_asked(|ask| *ask == Ask::Heard(ALL));
    let (mut told, mut missed) = (0, 0);
    // One event more, once there is room for it again.
    let mut more = Some(());
    while told + missed < ALL + 2 {
        let followed = match follower.next() {
            Some(FromDaemon::Followed(followed)) => followed,
            other => panic!("{other:?}"),
        };
        told += 1;
        missed += followed.missed;
        if told == 200 && more.take().is_some() {
            world.keeper.notice(Notice::Event(key, long(ALL + 1)));
            assert!(matches!(client.event(), Event::Denied(_)));
        }
    }
    assert!(missed > ALL / 4, "{told} were told and {missed} missed");
    assert!(matches!(follower.ask(Request::Status), Answer::Status(_)), "it goes on");
}

#[test]
fn bytes_of_unfinished_messages_are_bounded_by_user() {
    let world = world(|settings| settings.limits.begun_of_user = 600_000);
    let open = open_with("p.yaml", &format!("version: 1\n#{}\n", "x".repeat(900_000)));
    let mut clients = [world.client(), world.client(), world.client()];
    let mut refused = 0;
    for client in &mut clients {
        let (_, out) = client.side.ask(Request::Open(Box::new(open.clone()))).unwrap();
        client.write(&out.bytes[..400_000], &[]);
    }
    for client in &mut clients[1..] {
        refused += usize::from(client.last_code() == Some(Code::Limit));
    }
    assert!(refused >= 1, "three times 400,000 bytes are more than 600,000");
}

#[test]
fn sessions_that_wait_for_the_compiler_are_bounded_by_user() {
    let world = world(|settings| settings.limits.opening_of_user = 2);
    // As much work as a policy may be.
    let paths: String = (0..1_000).map(|n| format!("    - /srv/{n:06}/x\n")).collect();
    let text = format!("version: 1\nfilesystem:\n  read:\n{paths}");
    let request = || Request::Open(Box::new(open_with("p.yaml", &text)));
    let mut clients: Vec<Client> = (0..40).map(|_| world.client()).collect();
    let ids: Vec<_> = clients.iter_mut().map(|client| client.send(request())).collect();
    let codes: Vec<Option<Code>> = clients
        .iter_mut()
        .zip(ids)
        .map(|(client, id)| match client.answer(id).0 {
            Answer::Refused(refusal) => {
                assert_eq!(refusal.code, Code::Limit, "{refusal:?}");
                Some(refusal.code)
            }
            _ => None,
        })
        .collect();
    assert!(codes.contains(&Some(Code::Limit)), "{codes:?}");
    assert!(codes.contains(&None), "{codes:?}");
    assert!(matches!(world.client().ask(open()), Answer::Opened(_)), "there is room again");
}

/// Opens sessions and ends them in every way there is, in an order that nobody chose.
fn tumult(path: &std::path::Path, numbers: &mut Numbers) {
    for _ in 0..25 {
        let mut client = Client::new(path);
        let id = client.send(open());
        if numbers.below(4) == 0 {
            // Away before the answer.
            continue;
        }
        let Answer::Opened(opened) = client.answer(id).0 else { panic!("not opened") };
        for _ in 0..numbers.below(5) {
            let arrived = control::message::Arrived { peer: ([127, 0, 0, 1], 9).into() };
            client.send(Request::Arrived(arrived));
        }
        let word = opened.session.as_str().parse().unwrap();
        match numbers.below(5) {
            0 => drop(client),
            1 => drop(client.send(Request::End(End { why: String::new() }))),
            2 => {
                // Killed meanwhile.
                drop(Client::new(path).ask(Request::Kill(control::Selector::Session(word))));
                let id = client.send(Request::End(End { why: String::new() }));
                assert_eq!(client.answer(id).0, Answer::Done);
            }
            3 => {
                drop(client);
                let mut client = Client::new(path);
                let resume = Resume { session: opened.session, heard: 0 };
                assert_eq!(client.ask(Request::Resume(resume)), Answer::Done);
                assert_eq!(client.ask(Request::End(End { why: String::new() })), Answer::Done);
            }
            _ => drop(client.write(b"nonsense", &[])),
        }
    }
}

#[test]
fn a_tumult_leaves_nothing_behind() {
    let world = world(|_| {});
    std::thread::scope(|threads| {
        for seed in 1..=6 {
            let path = world.path.clone();
            threads.spawn(move || tumult(&path, &mut Numbers(seed)));
        }
    });
    let admitted = |script: &super::keeper::Script| script.count(|ask| matches!(ask, Ask::Admit(_)));
    world.keeper.until(|script| script.count(is_leave) == admitted(script));
    let mut operator = world.operator();
    let there = super::world::list(&mut operator).len();
    assert_eq!(there, world.keeper.script().keys.len(), "front and keeper know the same sessions");
    assert!(there > 0, "some were left without an end");
    let killed = operator.ask(Request::Kill(control::Selector::All));
    assert!(matches!(killed, Answer::Acted(acted) if acted.done.len() == there && acted.failed.is_empty()));
    assert_eq!(super::world::list(&mut operator), []);
    assert!(world.keeper.script().keys.is_empty());
    let Answer::Status(status) = operator.ask(Request::Status) else { panic!() };
    assert_eq!((status.sessions, status.connections), (0, 1));
}
