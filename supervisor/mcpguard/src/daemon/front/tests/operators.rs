//! What operators may do, what users may do with their own sessions, and who is told.

use control::message::{
    Acted, Actor, Because, Code, End, Filter, Hooks, Release, Reloaded, Resume, State, Topic,
};
use control::{Answer, Event, FromDaemon, Request, Selector};
use enforce::keeper::{Key, Notice, Usage};

use super::client::{Client, open, open_with};
use super::world::{World, denied, kept, list, offer};
use crate::daemon::wire::{Ask, Standing};

fn one(word: &str) -> Selector {
    Selector::Session(word.parse().unwrap())
}

fn world() -> World {
    let sessions = vec![
        kept(0xa1, 1000, "github", false),
        kept(0xa2, 1000, "git", false),
        kept(0xb1, 1001, "files", false),
        kept(0xb2, 1001, "time", true),
    ];
    World::with(|_| {}, Standing { offer: offer(), sessions, ..Standing::default() })
}

fn acted(answer: Answer) -> Acted {
    match answer {
        Answer::Acted(acted) => acted,
        other => panic!("not acted: {other:?}"),
    }
}

/// The ids that something was done to, and the codes of those that nothing was done to.
fn outcome(answer: Answer) -> (Vec<String>, Vec<Code>) {
    let Acted { done, failed } = acted(answer);
    let done = done.iter().map(ToString::to_string).collect();
    (done, failed.iter().map(|failed| failed.refusal.code).collect())
}

fn followed(client: &mut Client) -> (String, Event, u64) {
    match client.next() {
        Some(FromDaemon::Followed(followed)) => {
            (followed.session.to_string(), followed.event, followed.missed)
        }
        other => panic!("nothing followed: {other:?}"),
    }
}

#[test]
fn users_see_their_own_sessions_and_operators_all() {
    let world = world();
    world.keeper.script().usage =
        vec![(Key(0xb1), Usage { memory: Some(7), calls: 3, denials: 2, ..Usage::default() })];
    let names = |client: &mut Client| list(client).iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&mut world.user(1000)), ["github", "git"]);
    assert_eq!(names(&mut world.user(1002)), [""; 0]);
    let mut operator = world.operator();
    assert_eq!(names(&mut operator), ["github", "git", "files", "time"]);
    let all = list(&mut operator);
    let files = all.iter().find(|it| it.name.as_str() == "files").unwrap();
    assert_eq!((files.memory, files.calls, files.denials, files.uid), (Some(7), 3, 2, 1001));
    assert_eq!(files.policy, "notes");
    assert!(matches!(all[3].state, State::Frozen(Actor::Daemon)), "who froze it is not known any more");
}

#[test]
fn a_long_list_comes_in_parts() {
    let sessions = (1..=700).map(|key| kept(key, 1000, "many", false)).collect();
    let world = World::with(|_| {}, Standing { offer: offer(), sessions, ..Standing::default() });
    let mut operator = world.operator();
    let all = list(&mut operator);
    assert_eq!(all.len(), 700);
    let id = operator.send(Request::List);
    let parts = std::iter::from_fn(|| match operator.answer(id).0 {
        Answer::Sessions(part) => Some((part.sessions.len(), part.more)),
        other => panic!("{other:?}"),
    });
    let parts: Vec<(usize, bool)> = parts.take(3).collect();
    assert_eq!(parts, [(256, true), (256, true), (188, false)]);
}

#[test]
fn users_reach_their_own_and_operators_everything() {
    let world = world();
    let mut user = world.user(1000);
    for request in [
        Request::Kill(Selector::All),
        Request::Freeze(Selector::User(1001)),
        Request::Reload,
        Request::Status,
        Request::Follow(Filter::default()),
        Request::Quarantine(one("github")),
        Request::Release(Release { revision: String::new() }),
    ] {
        assert_eq!(user.refused(request.clone()).code, Code::NotAllowed, "{request:?}");
    }
    assert_eq!(user.refused(Request::Kill(one("files"))).code, Code::NoSuchSession, "a stranger's");
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Act(..))), 0);
    assert_eq!(
        outcome(user.ask(Request::Kill(one("github")))),
        (vec!["00000000000000a1".to_owned()], vec![])
    );
    let (done, failed) = outcome(world.operator().ask(Request::Kill(Selector::All)));
    assert_eq!((done.len(), failed), (3, vec![]));
    assert_eq!(list(&mut world.operator()), []);
    assert!(world.log.get().facts.iter().filter(|fact| fact.starts_with("Ended")).count() == 4);
}

#[test]
fn what_an_operator_froze_its_user_cannot_thaw() {
    let world = world();
    let (mut user, mut operator) = (world.user(1000), world.operator());
    let id = || vec!["00000000000000a1".to_owned()];
    assert_eq!(outcome(user.ask(Request::Freeze(one("github")))), (id(), vec![]));
    assert_eq!(list(&mut user)[0].state, State::Frozen(Actor::Owner(1000)));
    assert_eq!(outcome(user.ask(Request::Thaw(one("github")))), (id(), vec![]));
    assert_eq!(outcome(operator.ask(Request::Freeze(one("github")))), (id(), vec![]));
    assert_eq!(list(&mut user)[0].state, State::Frozen(Actor::Operator(77)));
    assert_eq!(outcome(user.ask(Request::Thaw(one("github")))), (vec![], vec![Code::NotAllowed]));
    assert_eq!(outcome(user.ask(Request::Freeze(one("github")))), (vec![], vec![Code::NotAllowed]));
    assert_eq!(outcome(operator.ask(Request::Thaw(one("github")))), (id(), vec![]));
    assert_eq!(list(&mut user)[0].state, State::Running);
    let mut other = world.user(1001);
    assert_eq!(
        outcome(other.ask(Request::Thaw(one("time")))),
        (vec![], vec![Code::NotAllowed]),
        "by whom is not known"
    );

    // The next front knows who it was.
    acted(user.ask(Request::Freeze(one("git"))));
    acted(operator.ask(Request::Freeze(one("github"))));
    let sessions = vec![kept(0xa1, 1000, "github", true), kept(0xa2, 1000, "git", true)];
    let world = World::in_directory(
        world.stop(),
        |_| {},
        Standing { offer: offer(), sessions, ..Standing::default() },
    );
    let mut user = world.user(1000);
    assert_eq!(outcome(user.ask(Request::Thaw(one("github")))), (vec![], vec![Code::NotAllowed]));
    assert_eq!(outcome(user.ask(Request::Thaw(one("git")))), (vec!["00000000000000a2".to_owned()], vec![]));
}

#[test]
fn the_owner_and_followers_are_told() {
    let world = World::new();
    let mut operator = world.operator();
    assert_eq!(operator.ask(Request::Follow(Filter::default())), Answer::Done);
    let (mut client, opened, key) = world.session();
    let id = opened.session.to_string();
    assert!(matches!(followed(&mut operator), (session, Event::Opened(_), 0) if session == id));
    world.keeper.notice(Notice::Event(key, denied(1)));
    assert!(matches!(followed(&mut operator).1, Event::Denied(denied) if denied.sequence == 1));
    assert!(matches!(client.event(), Event::Denied(_)));

    let mut other = world.operator();
    for (request, by) in [
        (Request::Freeze(one(&id)), Event::Frozen as fn(Because) -> Event),
        (Request::Thaw(one(&id)), Event::Thawed),
        (Request::Kill(one(&id)), Event::Ended),
    ] {
        assert_eq!(outcome(other.ask(request)), (vec![id.clone()], vec![]));
        let me = nix::unistd::geteuid().as_raw();
        let who = if me == 77 { Actor::Owner(77) } else { Actor::Operator(77) };
        let expected = by(Because { who, why: "asked for by user 77".to_owned() });
        assert_eq!(client.event(), expected);
        assert_eq!(followed(&mut operator).1, expected);
    }
    assert_eq!(client.ask(Request::End(End { why: String::new() })), Answer::Done, "it is over already");
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::End(_))), 0);
}

#[test]
fn a_filter_lets_through_what_it_says() {
    let world = world();
    let mut operator = world.operator();
    let filter = Filter { user: Some(1001), topics: Some(vec![Topic::Frozen]), ..Filter::default() };
    assert_eq!(operator.ask(Request::Follow(filter)), Answer::Done);
    let mut other = world.operator();
    acted(other.ask(Request::Freeze(one("github"))));
    acted(other.ask(Request::Thaw(one("time"))));
    acted(other.ask(Request::Freeze(one("files"))));
    let (session, event, _) = followed(&mut operator);
    assert_eq!(session, "00000000000000b1");
    assert!(matches!(event, Event::Frozen(_)));
}

#[test]
fn a_policy_in_quarantine_is_not_opened_before_it_is_released() {
    let world = World::new();
    let (mut client, opened, _) = world.session();
    let mut operator = world.operator();
    let id = opened.session.to_string();
    assert_eq!(outcome(operator.ask(Request::Quarantine(one(&id)))), (vec![id], vec![]));
    assert!(matches!(client.event(), Event::Frozen(_)));
    let refused = world.client().refused(open());
    assert_eq!(refused.code, Code::NotAllowed);
    assert!(refused.sentence.contains("in quarantine"), "{refused:?}");
    // Another policy is another one.
    let other = open_with("p.yaml", "version: 1\nname: other\n");
    assert!(matches!(world.client().ask(Request::Open(Box::new(other))), Answer::Opened(_)));

    // It holds after a restart too.
    let directory = world.stop();
    let standing = Standing { offer: offer(), sessions: vec![], ..Standing::default() };
    let world = World::in_directory(directory, |_| {}, standing);
    assert_eq!(world.client().refused(open()).code, Code::NotAllowed);
    let mut operator = world.operator();
    let release = |revision: &str| Request::Release(Release { revision: revision.to_owned() });
    assert_eq!(operator.refused(release(&"0".repeat(64))).code, Code::NoSuchSession);
    assert_eq!(operator.ask(release(&opened.revision)), Answer::Done);
    assert!(matches!(world.client().ask(open()), Answer::Opened(_)));
    assert!(world.log.has("Released"));
    let directory = world.stop();
    let world = World::in_directory(
        directory,
        |_| {},
        Standing { offer: offer(), sessions: vec![], ..Standing::default() },
    );
    assert!(matches!(world.client().ask(open()), Answer::Opened(_)));
}

#[test]
fn a_quarantine_that_cannot_be_written_still_holds_and_says_so() {
    let world = World::new();
    let (_client, opened, _) = world.session();
    // Where the list is to be, something is that cannot be replaced.
    std::fs::create_dir(world.directory.path().join("state/quarantine")).unwrap();
    let failed = acted(world.operator().ask(Request::Quarantine(one(opened.session.as_str())))).failed;
    assert_eq!(failed[0].refusal.code, Code::Internal);
    assert!(failed[0].refusal.sentence.contains("until the daemon is started again"), "{failed:?}");
    assert_eq!(world.client().refused(open()).code, Code::NotAllowed);
    assert_eq!(list(&mut world.operator())[0].state, State::Frozen(Actor::Operator(77)));
}

#[test]
fn a_session_that_is_being_opened_when_its_policy_is_put_apart_is_not_opened() {
    let world = World::new();
    let (_first, opened, _) = world.session();
    world.keeper.script().hold_opens = true;
    let mut second = world.client();
    let id = second.send(open());
    world.keeper.until(|script| script.count(|ask| matches!(ask, Ask::Open(..))) == 2);
    acted(world.operator().ask(Request::Quarantine(one(opened.session.as_str()))));
    world.keeper.release(false);
    assert!(matches!(second.answer(id).0, Answer::Refused(refusal) if refusal.code == Code::NotAllowed));
    world.keeper.until_asked(|ask| matches!(ask, Ask::End(_)));
    assert_eq!(list(&mut world.operator()).len(), 1);
}

#[test]
fn the_daemon_says_how_it_is_and_what_it_gives() {
    let world = world();
    let status = match world.operator().ask(Request::Status) {
        Answer::Status(status) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!((status.sessions, status.hooks, status.network), (4, Hooks::Lsm, true));
    assert_eq!(status.process, std::process::id());
    assert!(status.connections >= 1);
    match world.user(1000).ask(Request::Offer) {
        Answer::Offered(offered) => assert!(offered.network && offered.group && offered.memory),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_that_are_read_again_hold_for_new_sessions() {
    let world = World::new();
    let (mut client, opened, _) = world.session();
    let rules = world.directory.path().join("etc/host.yaml");
    let write = |text: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&rules, text).unwrap();
        std::fs::set_permissions(&rules, std::fs::Permissions::from_mode(0o644)).unwrap();
    };
    write("version: 1\nmaximum: { filesystem: { read: [/usr] } }\n");
    assert!(matches!(world.client().ask(open()), Answer::Opened(_)), "not before they are read");
    let mut operator = world.operator();
    let Answer::Reloaded(Reloaded { sessions: 0, kept }) = operator.ask(Request::Reload) else { panic!() };
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|it| it.session == opened.session && it.reason.contains("start it again")));
    let refused = world.client().refused(open());
    assert_eq!(refused.code, Code::HostRules);
    assert!(refused.details[0].contains("p.yaml:3:22"), "{refused:?}");
    write("version: 1\nmaximun: {}\n");
    let refused = operator.refused(Request::Reload);
    assert_eq!(refused.code, Code::HostRules);
    assert!(refused.sentence.contains("still hold") && refused.details[0].contains("did you mean"));
    assert_eq!(world.client().refused(open()).code, Code::HostRules, "the last good ones hold");
    std::fs::remove_file(&rules).unwrap();
    let Answer::Reloaded(reloaded) = operator.ask(Request::Reload) else { panic!() };
    assert_eq!((reloaded.sessions, reloaded.kept.len()), (2, 0));
    assert_eq!(client.ask(Request::End(End { why: String::new() })), Answer::Done);
}

#[test]
fn a_session_that_was_frozen_is_told_so_when_it_comes_back() {
    let me = nix::unistd::geteuid().as_raw();
    let standing =
        Standing { offer: offer(), sessions: vec![kept(0xaa, me, "github", true)], ..Standing::default() };
    let world = World::with(|_| {}, standing);
    let mut client = world.client();
    let session = control::SessionId::new("00000000000000aa").unwrap();
    assert_eq!(client.ask(Request::Resume(Resume { session, heard: 0 })), Answer::Done);
    assert!(matches!(client.event(), Event::Frozen(Because { who: Actor::Daemon, .. })));
}
