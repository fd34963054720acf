//! Another policy for a session that runs: whose, how it is compiled, what is told of it, and what does not hold.

use control::message::{Code, NumberedClass, Prepare, Prepared, Revised};
use control::{Answer, Event, Request, Selector, SessionId};

use super::client::{Client, POLICY, open_with};
use super::world::{World, list};
use crate::daemon::wire::Ask;

/// Grants one tool a path of its own.
fn text(name: &str, tool: &str) -> String {
    format!(
        "version: 1\nname: {name}\ntools: {{ {tool}: {{ allowed_paths: [\"${{workspace}}/{tool}\"] }} }}\n"
    )
}

fn prepare(session: &SessionId, revision: u8, classes: &[(u64, u8)], text: &str) -> Request {
    let classes = classes.iter().map(|(grants, number)| NumberedClass { grants: *grants, number: *number });
    let (session, classes) = (session.clone(), classes.collect());
    Request::Prepare(Box::new(Prepare { session, revision, classes, open: open_with("p.yaml", text) }))
}

fn prepared(client: &mut Client, request: Request) -> Prepared {
    match client.ask(request) {
        Answer::Prepared(prepared) => prepared,
        other => panic!("not prepared: {other:?}"),
    }
}

#[test]
fn a_policy_holds_with_its_commit_and_is_told_of() {
    let world = World::new();
    let (mut client, opened, _) = world.session();
    let mut other = world.client();
    let told = prepared(&mut other, prepare(&opened.session, 1, &[], &text("second", "get")));
    assert_ne!(told.revision, opened.revision);
    assert_eq!(list(&mut world.client())[0].revision, opened.revision, "what is only prepared does not hold");
    assert!(!world.log.has("Revised"));
    assert_eq!(other.ask(Request::Commit), Answer::Done);
    let expected =
        Revised { policy: "second".to_owned(), revision: told.revision.clone(), before: opened.revision };
    assert_eq!(client.event(), Event::Revised(expected));
    assert_eq!(list(&mut world.client())[0].revision, told.revision);
    assert!(world.log.has("Revised"));
    let script = world.keeper.script();
    let rules: Vec<u32> = script.committed[0].tables.objects.iter().map(|it| it.entry.rule).collect();
    assert!(
        !rules.is_empty() && rules.iter().filter_map(|rule| abi::unstamped(*rule)).all(|(_, at)| at == 1)
    );
}

#[test]
fn classes_keep_their_numbers_and_new_ones_get_others() {
    let world = World::new();
    let (_client, opened, _) = world.session();
    let numbers = |told: &Prepared| -> Vec<(u64, u8)> {
        told.classes.iter().map(|class| (class.grants, class.number)).collect()
    };
    let first = prepared(&mut world.client(), prepare(&opened.session, 1, &[], &text("a", "get")));
    let [(get, 1)] = numbers(&first)[..] else { panic!("{first:?}") };
    let second = prepared(&mut world.client(), prepare(&opened.session, 1, &[(get, 1)], &text("a", "put")));
    let mut both = numbers(&second);
    both.sort_by_key(|(_, number)| *number);
    assert_eq!((both[0], both[1].1, both.len()), ((get, 1), 2, 2));
}

#[test]
fn nobody_changes_a_strangers_session_and_nothing_changes_by_an_error() {
    let world = World::new();
    let (_client, opened, _) = world.session();
    let one = |text: &str| prepare(&opened.session, 1, &[], text);
    let missing = SessionId::new("00000000000000ff").unwrap();
    for (request, code) in [
        (prepare(&missing, 1, &[], POLICY), Code::NoSuchSession),
        (prepare(&opened.session, 0, &[], POLICY), Code::Protocol),
        (prepare(&opened.session, 1, &[(1, 0)], POLICY), Code::Protocol),
        (prepare(&opened.session, 1, &[(1, 3), (2, 3)], POLICY), Code::Protocol),
        (one("version: 1\nfilesystem: { read: [nonsense] }\n"), Code::Policy),
    ] {
        assert_eq!(world.client().refused(request).code, code);
    }
    assert_eq!(world.fresh_user(1).refused(one(POLICY)).code, Code::NoSuchSession, "a stranger");
    world.keeper.script().peer = None;
    assert_eq!(world.keeper.script().count(|ask| matches!(ask, Ask::Prepare(..))), 0);
    assert_eq!(list(&mut world.client())[0].revision, opened.revision);
}

#[test]
fn what_was_put_into_quarantine_meanwhile_does_not_come_into_force() {
    let world = World::new();
    let (_client, opened, _) = world.session();
    let mut other = world.client();
    prepared(&mut other, prepare(&opened.session, 1, &[], POLICY));
    // The same texts: the session's own revision.
    world.operator().ask(Request::Quarantine(Selector::All));
    assert_eq!(other.refused(Request::Commit).code, Code::NotAllowed);
    assert_eq!(other.refused(Request::Commit).code, Code::NoSuchSession, "it is forgotten");
    assert!(world.keeper.script().committed.is_empty());
}
