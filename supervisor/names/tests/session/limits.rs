//! Limits: tunnels beneath wildcards, rates, and tables that are full.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use names::{Asked, Limit, Limits, Why};
use policy::plan::NetworkPlan;

use crate::world::*;

/// How a look-up ended: `Ok`: it went to an upstream, or was answered well.
fn outcome(session: &mut Session, name: &str) -> Result<(), (ResponseCode, Option<Why>)> {
    match session.ask(name, RecordType::A) {
        Asked::Forward { .. } => Ok(()),
        Asked::Answer(bytes, _) => match read(&bytes).response_code {
            ResponseCode::NoError => Ok(()),
            code => Err((code, session.names.facts().list.pop().map(|fact| fact.why))),
        },
        Asked::Ignore => panic!("ignored"),
    }
}

fn refused(limit: Limit) -> Result<(), (ResponseCode, Option<Why>)> {
    Err((ResponseCode::Refused, Some(Why::Limit(limit))))
}

fn failed(limit: Limit) -> Result<(), (ResponseCode, Option<Why>)> {
    Err((ResponseCode::ServFail, Some(Why::Limit(limit))))
}

#[test]
fn messages_in_names_go_nowhere() {
    let hex = "5f4dcc3b5aa765d61d8327deb882cf99";
    let table = [
        ("a.b.c.d.wild.test".to_owned(), Ok(())),
        ("a.b.c.d.e.wild.test".to_owned(), refused(Limit::Labels)),
        (format!("{}.wild.test", "a".repeat(40)), Ok(())),
        (format!("{}.wild.test", "a".repeat(41)), refused(Limit::Label)),
        (format!("{}.{}.wild.test", "a".repeat(40), "b".repeat(39)), Ok(())),
        (format!("{0}.{0}.wild.test", "a".repeat(40)), refused(Limit::Length)),
        (format!("{hex}.wild.test"), refused(Limit::Entropy)),
        (format!("{}.wild.test", hex.to_uppercase()), refused(Limit::Entropy)),
        // A rule that spells the name out is no tunnel, whatever the name.
        (format!("{hex}.exact.test"), Ok(())),
    ];
    let domains =
        vec![rule("*.wild.test", 0), rule(&format!("{hex}.exact.test"), 0), rule("*.exact.test", 0)];
    for (name, expected) in table {
        let mut session = Session::new(NetworkPlan { domains: domains.clone(), ..plan() });
        assert_eq!(outcome(&mut session, &name), expected, "{name}");
    }
}

#[test]
fn a_rule_nearer_to_the_name_leaves_less_beneath() {
    let domains = vec![rule("*.test", 0), rule("*.c.wild.test", 0)];
    let mut session = Session::new(NetworkPlan { domains, ..plan() });
    assert_eq!(outcome(&mut session, "a.b.x.y.c.wild.test"), Ok(()));
    assert_eq!(outcome(&mut session, "a.b.x.y.d.wild.test"), refused(Limit::Labels));
}

#[test]
fn new_names_a_minute() {
    let limits = Limits { names_per_minute: 3, ..Limits::default() };
    let mut session = Session::limited(plan(), limits);
    for name in ["a.wild.test", "b.wild.test", "A.WILD.test", "c.wild.test", "a.wild.test"] {
        assert_eq!(outcome(&mut session, name), Ok(()), "{name}");
    }
    assert_eq!(outcome(&mut session, "d.wild.test"), refused(Limit::NewNames));
    assert_eq!(outcome(&mut session, "api.example.org"), Ok(()), "no name beneath a wildcard");
    session.now += 20 * SECOND;
    assert_eq!(outcome(&mut session, "d.wild.test"), Ok(()));
    assert_eq!(outcome(&mut session, "e.wild.test"), refused(Limit::NewNames));
    // A name that is known is not new, even if there is no room for a new one.
    session.resolve("a.wild.test", RecordType::A, &[address("a.wild.test", 3600, "8.8.8.8")]);
    session.now += 3595 * SECOND;
    session.names.expire(session.now);
    for name in ["f.wild.test", "g.wild.test", "h.wild.test"] {
        assert_eq!(outcome(&mut session, name), Ok(()));
    }
    assert_eq!(outcome(&mut session, "a.wild.test"), Ok(()));
    assert_eq!(outcome(&mut session, "i.wild.test"), refused(Limit::NewNames));
}

#[test]
fn services_and_texts_are_no_way_around() {
    let mut db = rule("db.test", 0);
    db.records.txt = true;
    db.records.srv = true;
    let limits = Limits { names_per_minute: 2, ..Limits::default() };
    let mut session = Session::limited(NetworkPlan { domains: vec![db], ..plan() }, limits);
    session.forwarded("_a.db.test", RecordType::TXT);
    session.forwarded("_b._tcp.db.test", RecordType::SRV);
    assert_eq!(session.answer("_c.db.test", RecordType::TXT).response_code, ResponseCode::Refused);
    assert_eq!(session.answer("_d._udp.db.test", RecordType::SRV).response_code, ResponseCode::Refused);
    assert_eq!(session.names.facts().list.pop().map(|fact| fact.why), Some(Why::Limit(Limit::NewNames)));
    session.forwarded("db.test", RecordType::TXT);
    let long = format!("_{}.db.test", "5f4dcc3b5aa765d61d8327deb882cf99");
    assert_eq!(session.answer(&long, RecordType::TXT).response_code, ResponseCode::Refused);
    assert_eq!(session.names.facts().list.pop().map(|fact| fact.why), Some(Why::Limit(Limit::Entropy)));
}

#[test]
fn look_ups_a_minute() {
    let limits = Limits { lookups_per_minute: Some(2), ..Limits::default() };
    let mut session = Session::limited(plan(), limits);
    session.resolve("api.example.org", RecordType::A, &[address("api.example.org", 60, "8.8.8.8")]);
    assert_eq!(outcome(&mut session, "evil.test"), Err((ResponseCode::Refused, Some(Why::Unnamed))));
    assert_eq!(outcome(&mut session, "api.example.org"), Ok(()));
    assert_eq!(outcome(&mut session, "api.example.org"), refused(Limit::Lookups));
    session.now += 30 * SECOND;
    assert_eq!(outcome(&mut session, "api.example.org"), Ok(()));
}

#[test]
fn full_tables_put_nothing_out() {
    let limits = Limits { addresses: 2, names: 3, ..Limits::default() };
    let mut session = Session::limited(plan(), limits);
    session.resolve("a.wild.test", RecordType::A, &[address("a.wild.test", 600, "8.8.8.1")]);
    let two = ["8.8.8.2", "8.8.8.3"].map(|text| address("b.wild.test", 600, text));
    let (answer, changes) = session.resolve("b.wild.test", RecordType::A, &two);
    assert_eq!((answer.response_code, changes.len()), (ResponseCode::ServFail, 0));
    assert_eq!(session.names.facts().list.pop().map(|fact| fact.why), Some(Why::Limit(Limit::Addresses)));
    assert!(session.names.may_speak("b.wild.test", ip("8.8.8.2"), ALWAYS, session.now).is_err());
    session.resolve("b.wild.test", RecordType::A, &two[..1]);
    // An address that is known needs no second place.
    session.resolve("api.example.org", RecordType::A, &[address("api.example.org", 600, "8.8.8.1")]);
    assert_eq!(outcome(&mut session, "d.wild.test"), failed(Limit::Names));
    assert!(session.names.may_speak("a.wild.test", ip("8.8.8.1"), ALWAYS, session.now).is_ok());
    session.now += 600 * SECOND;
    assert_eq!(session.names.expire(session.now).len(), 2);
    assert_eq!(outcome(&mut session, "d.wild.test"), Ok(()));
}

#[test]
fn questions_that_wait_are_bounded() {
    let mut session = Session::new(plan());
    let first = session.forwarded("api.example.org", RecordType::A);
    for _ in 1..1024 {
        session.forwarded("api.example.org", RecordType::A);
    }
    assert_eq!(outcome(&mut session, "api.example.org"), failed(Limit::Waiting));
    session.names.abandoned(first.ticket);
    assert_eq!(outcome(&mut session, "api.example.org"), Ok(()));
}

#[test]
fn facts_are_counted_and_bounded() {
    let mut session = Session::new(plan());
    for name in 0..300 {
        for _ in 0..2 {
            session.answer(&format!("n{name}.evil.test"), RecordType::A);
        }
    }
    let facts = session.names.facts();
    assert_eq!((facts.list.len(), facts.lost), (256, 88));
    assert!(facts.list.iter().all(|fact| fact.times == 2));
    assert_eq!(session.names.facts(), names::Facts::default());
}
