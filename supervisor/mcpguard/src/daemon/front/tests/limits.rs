//! What sessions are held to: who sees it, who changes it, how far, and what is on record.

use control::message::{Code, Filter, Limit, Limits, LimitsOf, SessionLimits};
use control::{Answer, Event, FromDaemon, Request, Selector};
use enforce::keeper::{Key, Limits as Held, Usage};

use super::client::Client;
use super::world::{World, kept, offer};
use crate::daemon::wire::{Ask, Refused, Standing, Why};

const HELD: Held = Held { memory_bytes: Some(1 << 30), cpu_millis: Some(500), max_processes: None };

fn world() -> World {
    let sessions = vec![kept(0xa1, 1000, "github", false), kept(0xb1, 1001, "files", false)];
    let world = World::with(|_| {}, Standing { offer: offer(), sessions, ..Standing::default() });
    world.keeper.script().limits = [(Key(0xa1), HELD), (Key(0xb1), HELD)].into();
    world
}

fn request(sessions: Selector, to: Limits) -> Request {
    Request::Limits(Limit { sessions, to })
}

fn one(word: &str, to: Limits) -> Request {
    request(Selector::Session(word.parse().unwrap()), to)
}

fn memory(bytes: u64) -> Limits {
    Limits { memory_bytes: Some(bytes), ..Limits::default() }
}

fn asked(client: &mut Client, request: Request) -> LimitsOf {
    match client.ask(request) {
        Answer::Limits(limits) => limits,
        other => panic!("no limits: {other:?}"),
    }
}

/// The limits of the one session that was meant, or why they were not set.
fn set(client: &mut Client, word: &str, to: Limits) -> Result<Limits, (Code, String)> {
    let LimitsOf { mut sessions, mut failed, more } = asked(client, one(word, to));
    assert!(!more && sessions.len() + failed.len() == 1, "{sessions:?} {failed:?}");
    match sessions.pop() {
        Some(SessionLimits { limits, .. }) => Ok(limits),
        None => Err(failed.pop().map(|it| (it.refusal.code, it.refusal.sentence)).unwrap()),
    }
}

#[test]
fn users_see_the_limits_of_their_own_sessions_and_operators_all() {
    let world = world();
    let usage = Usage { memory: Some(7 << 20), processes: Some(3), ..Usage::default() };
    world.keeper.script().usage = vec![(Key(0xa1), usage)];
    let mut user = world.user(1000);
    let shown = asked(&mut user, one("github", Limits::default()));
    assert_eq!((shown.sessions.len(), shown.failed.len()), (1, 0));
    let SessionLimits { session, limits, used } = &shown.sessions[0];
    assert_eq!(session.as_str(), "00000000000000a1");
    let expected = Limits { memory_bytes: Some(1 << 30), max_processes: None, cpu_millis: Some(500) };
    assert_eq!(*limits, expected);
    assert_eq!((used.memory_bytes, used.processes, used.cpu_millis), (Some(7 << 20), Some(3), None));
    assert_eq!(user.refused(one("files", Limits::default())).code, Code::NoSuchSession, "a stranger's");
    assert_eq!(user.refused(request(Selector::All, Limits::default())).code, Code::NotAllowed);
    let all = asked(&mut world.operator(), request(Selector::All, Limits::default()));
    assert_eq!(all.sessions.len(), 2);
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Limit(..))), 0);
    assert!(!world.log.has("Limited"), "nothing was changed");
}

#[test]
fn a_user_makes_them_smaller_and_an_operator_larger() {
    let world = world();
    let (mut user, mut operator) = (world.user(1000), world.operator());
    let to = Limits { max_processes: Some(8), ..memory(512 << 20) };
    let now = Limits { cpu_millis: Some(500), ..to };
    assert_eq!(set(&mut user, "github", to), Ok(now));
    let (code, sentence) = set(&mut user, "github", memory(1 << 30)).unwrap_err();
    assert_eq!(code, Code::NotAllowed);
    assert!(sentence.contains("memory_bytes is 536870912 now, 1073741824 takes an operator"), "{sentence}");
    // One that is smaller does not carry along one that is larger.
    let mixed = Limits { max_processes: Some(9), ..memory(1 << 20) };
    assert_eq!(set(&mut user, "github", mixed).unwrap_err().0, Code::NotAllowed);
    assert_eq!(set(&mut user, "github", Limits::default()), Ok(now), "nothing was half applied");
    assert_eq!(
        set(&mut operator, "github", memory(4 << 30)),
        Ok(Limits { memory_bytes: Some(4 << 30), ..now })
    );
    // What an operator has made smaller stays so.
    set(&mut operator, "github", memory(1 << 20)).unwrap();
    assert_eq!(set(&mut user, "github", memory(2 << 20)).unwrap_err().0, Code::NotAllowed);
    let facts = world.log.get().facts.clone();
    let changes: Vec<&String> = facts.iter().filter(|fact| fact.starts_with("Limited")).collect();
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(changes[0].contains("Owner(1000)"), "{changes:?}");
    assert!(
        changes[0]
            .contains("memory 512MiB, before 1GiB; processes 8, before no limit; asked for by user 1000")
    );
    assert!(changes[1].contains("Operator(77)") && changes[1].contains("memory 4GiB, before 512MiB"));
}

#[test]
fn the_sessions_client_and_followers_are_told() {
    let world = World::new();
    let (mut follower, mut operator) = (world.operator(), world.operator());
    let (mut client, opened, key) = world.session();
    world.keeper.script().limits = [(key, HELD)].into();
    assert_eq!(follower.ask(Request::Follow(Filter::default())), Answer::Done);
    set(&mut operator, opened.session.as_str(), memory(512 << 20)).unwrap();
    let Event::Limited(because) = client.event() else { panic!("nothing of limits") };
    assert!(because.why.starts_with("memory 512MiB, before 1GiB; asked for by user"), "{because:?}");
    let Some(FromDaemon::Followed(followed)) = follower.next() else { panic!("nothing") };
    assert_eq!(followed.event, Event::Limited(because));
    // What is only looked at is no news.
    asked(&mut operator, one(opened.session.as_str(), Limits::default()));
    assert_eq!(client.ask(Request::Sync), Answer::Done);
}

#[test]
fn nobody_gets_more_than_the_hosts_rules_allow() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    let rules = world.directory.path().join("etc/host.yaml");
    let write = |text: &str| {
        std::fs::write(&rules, text).unwrap();
        std::fs::set_permissions(&rules, std::fs::Permissions::from_mode(0o644)).unwrap();
    };
    write("version: 1\nmaximum: { execution: { memory_limit: 2GiB, cpus: 1 } }\n");
    let mut operator = world.operator();
    assert!(matches!(operator.ask(Request::Reload), Answer::Reloaded(_)));
    let (code, sentence) = set(&mut operator, "github", memory((2 << 30) + 1)).unwrap_err();
    assert_eq!(code, Code::HostRules);
    assert!(sentence.contains("host.yaml:2") && sentence.contains("2147483648"), "{sentence}");
    let both = Limits { cpu_millis: Some(1001), ..memory(1 << 20) };
    assert_eq!(set(&mut operator, "github", both).unwrap_err().0, Code::HostRules);
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Limit(..))), 0);
    let most = Limits { cpu_millis: Some(1000), max_processes: Some(4_194_304), ..memory(2 << 30) };
    assert_eq!(set(&mut operator, "github", most), Ok(most), "of processes the host says nothing");
}

#[test]
fn what_the_kernel_refuses_is_said_and_not_on_record() {
    let world = world();
    let sentence = "the memory limit needs the memory controller: it is not there; mount it".to_owned();
    world.keeper.script().refuses = Some(Refused { why: Why::Kernel, sentence: sentence.clone() });
    let mut operator = world.operator();
    let all = asked(&mut operator, request(Selector::All, memory(1 << 20)));
    assert_eq!((all.sessions.len(), all.failed.len()), (0, 2));
    assert!(all.failed.iter().all(|it| it.refusal.code == Code::Kernel && it.refusal.sentence == sentence));
    assert!(!world.log.has("Limited"));
    world.keeper.script().keys.clear();
    assert_eq!(set(&mut operator, "github", Limits::default()).unwrap_err().0, Code::NoSuchSession);
}

#[test]
fn many_sessions_come_in_parts() {
    let sessions = (1..=70).map(|key| kept(key, 1000, "many", false)).collect();
    let world = World::with(|_| {}, Standing { offer: offer(), sessions, ..Standing::default() });
    let mut operator = world.operator();
    let id = operator.send(request(Selector::All, memory(1 << 20)));
    let parts = std::iter::from_fn(|| match operator.answer(id).0 {
        Answer::Limits(LimitsOf { sessions, failed, more }) => Some((sessions.len(), failed.len(), more)),
        other => panic!("{other:?}"),
    });
    let parts: Vec<_> = parts.take(3).collect();
    assert_eq!(parts, [(32, 0, true), (32, 0, true), (6, 0, false)]);
}
