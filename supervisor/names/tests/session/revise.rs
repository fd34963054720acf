//! Another policy while the session runs.

use hickory_proto::rr::RecordType;
use names::{Answered, Limits};
use policy::plan::NetworkPlan;

use crate::world::*;

/// The classes of each address that is known under the new plan.
fn classes(changes: &[names::Change]) -> Vec<(String, u64)> {
    let mut all: Vec<_> = changes
        .iter()
        .map(|change| {
            let learned = change.learned.unwrap();
            (change.address.to_string(), learned.grants.iter().fold(0, |mask, grant| mask | grant.classes))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_a_name_stands_for_is_kept_where_the_new_plan_names_it() {
    let mut session = Session::new(plan());
    session.active = u64::MAX;
    for (name, at) in [("api.example.org", "8.8.8.8"), ("a.wild.test", "8.8.4.4"), ("tool.test", "9.9.9.9")] {
        session.resolve(name, RecordType::A, &[address(name, 300, at)]);
    }
    // The wildcard goes; the name of the tool's is everybody's, the other one a tool's.
    let domains = vec![rule("api.example.org", 5), rule("tool.test", 0), rule("new.test", 0)];
    let next = NetworkPlan { domains, ..plan() };
    let (names, changes) = session.names.revised(&next, Limits::default(), session.now);
    assert_eq!(classes(&changes), [("8.8.8.8".to_owned(), 32), ("9.9.9.9".to_owned(), 1)]);
    // Nothing has changed for the old one.
    assert!(session.names.may_speak("a.wild.test", ip("8.8.4.4"), ALWAYS, session.now).is_ok());
    session.names = names;
    session.active = ALWAYS;
    let speaks = |session: &Session, name: &str, at: &str, active: u64| {
        session.names.may_speak(name, ip(at), active, session.now).is_ok()
    };
    assert!(speaks(&session, "tool.test", "9.9.9.9", ALWAYS));
    assert!(!speaks(&session, "a.wild.test", "8.8.4.4", u64::MAX));
    assert!(!speaks(&session, "api.example.org", "8.8.8.8", ALWAYS));
    assert!(speaks(&session, "api.example.org", "8.8.8.8", ALWAYS | 32));
    // It ends when it would have.
    session.now += 300 * SECOND;
    let gone = session.names.expire(session.now);
    assert_eq!(gone.iter().filter(|change| change.learned.is_none()).count(), 2);
}

#[test]
fn an_answer_to_a_question_of_before_is_no_answer() {
    let mut session = Session::new(plan());
    let asked = session.forwarded("api.example.org", RecordType::A);
    let reply = asked.reply(&[address("api.example.org", 300, "8.8.8.8")]);
    session.names = session.names.revised(&plan(), Limits::default(), session.now).0;
    // The next question has another ticket, so that the late answer is not taken for its own.
    let next = session.forwarded("api.example.org", RecordType::A);
    assert_ne!(asked.ticket, next.ticket);
    assert_eq!(session.names.answered(asked.ticket, &reply, session.now), Answered::Ignored);
    assert!(session.names.abandoned(asked.ticket).is_empty());
}

#[test]
fn what_was_spent_stays_spent() {
    let limits = Limits { lookups_per_minute: Some(1), ..Limits::default() };
    let mut session = Session::limited(plan(), limits);
    session.forwarded("api.example.org", RecordType::A);
    session.names = session.names.revised(&plan(), limits, session.now).0;
    let answer = session.answer("api.example.org", RecordType::A);
    assert_eq!(answer.answers.len(), 0, "the bucket is as empty as before");
}
