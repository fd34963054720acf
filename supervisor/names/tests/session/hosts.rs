//! The hosts file.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use names::{Asked, Change, Limit, Limits, Settings, Why};
use policy::plan::NetworkPlan;

use crate::world::*;

fn settings(limits: Limits) -> Settings {
    let hosts = [
        ("API.example.org", "8.8.8.8"),
        ("api.example.org", "8.8.8.8"),
        ("api.example.org", "2606:4700::1"),
        ("b.wild.test", "10.0.0.7"),
        ("b.wild.test", "0.0.0.0"),
        ("tool.test", "8.8.4.4"),
        ("evil.test", "9.9.9.9"),
    ];
    let hosts = hosts.map(|(name, address)| (name.to_owned(), ip(address))).to_vec();
    Settings { hosts, limits, ..Settings::default() }
}

fn session() -> Session {
    let plan = NetworkPlan { cidrs: vec![range("10.0.0.0", 8)], ..plan() };
    Session::with(plan, settings(Limits::default()))
}

fn ever(changes: &[Change]) -> Vec<(String, u64)> {
    let grants = |change: &Change| change.learned.unwrap().grants[0];
    assert!(changes.iter().all(|change| grants(change).until_ns == u64::MAX));
    changes.iter().map(|change| (change.address.to_string(), grants(change).classes)).collect()
}

#[test]
fn what_it_says_of_allowed_names_is_known_from_the_start_and_for_ever() {
    let mut session = session();
    let expected = [("8.8.8.8", 1), ("2606:4700::1", 1), ("10.0.0.7", 1), ("8.8.4.4", 8)];
    let changes = session.names.preset(session.now);
    assert_eq!(ever(&changes), expected.map(|(address, classes)| (address.to_owned(), classes)));
    assert_eq!((session.names.next_expiry(), session.names.expire(u64::MAX - 1)), (None, vec![]));
    assert!(session.names.may_speak("api.example.org", ip("8.8.8.8"), ALWAYS, session.now).is_ok());
    assert!(session.names.may_speak("evil.test", ip("9.9.9.9"), ALWAYS, session.now).is_err());
    assert!(session.names.may_speak("tool.test", ip("8.8.4.4"), ALWAYS, session.now).is_err());
}

#[test]
fn it_answers_before_the_upstream_does() {
    let mut session = session();
    session.names.preset(session.now);
    for (name, kind, found) in [
        ("api.example.org", RecordType::A, &["8.8.8.8"][..]),
        ("API.example.org", RecordType::AAAA, &["2606:4700::1"]),
        ("api.example.org", RecordType::HTTPS, &[]),
        ("b.wild.test", RecordType::A, &["10.0.0.7"]),
        ("b.wild.test", RecordType::AAAA, &[]),
    ] {
        let answer = session.answer(name, kind);
        assert_eq!(answer.response_code, ResponseCode::NoError);
        assert_eq!(
            addresses(&answer),
            found.iter().map(|text| ip(text)).collect::<Vec<_>>(),
            "{name} {kind}"
        );
        assert!(answer.answers.iter().all(|record| record.ttl == 60));
    }
    let facts = session.names.facts().list;
    assert_eq!((facts.len(), facts[0].why, facts[0].times), (1, Why::Rebinding(ip("0.0.0.0")), 2));
    assert_eq!(session.answer("tool.test", RecordType::A).response_code, ResponseCode::Refused);
    assert_eq!(session.answer("evil.test", RecordType::A).response_code, ResponseCode::Refused);
}

#[test]
fn without_a_preset_it_is_made_known_when_it_is_asked_for() {
    let mut session = session();
    let Asked::Answer(_, changes) = session.ask("api.example.org", RecordType::A) else {
        panic!("an answer")
    };
    assert_eq!(ever(&changes).len(), 2);
    let Asked::Answer(_, changes) = session.ask("api.example.org", RecordType::A) else {
        panic!("an answer")
    };
    assert_eq!(changes, []);
}

#[test]
fn it_is_bounded_like_every_other_name() {
    let limits = Limits { addresses: 1, ..Limits::default() };
    let mut session = Session::with(plan(), settings(limits));
    assert_eq!(session.names.preset(session.now).len(), 1, "only one name has one address");
    let facts = session.names.facts().list;
    assert_eq!((&*facts[0].name, facts[0].why), ("api.example.org", Why::Limit(Limit::Addresses)));
    assert_eq!(session.answer("api.example.org", RecordType::A).response_code, ResponseCode::ServFail);
}
