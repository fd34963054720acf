//! What is no question, or not one that is answered (RFC 1035, RFC 6891, RFC 8482, RFC 9619).

use hickory_proto::op::{OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Record, RecordType};
use names::{Asked, Settings, Transport, Why};

use crate::world::*;

const API: &str = "api.example.org";

/// The code of the answer, and how many questions stand in it; `None`: there is none.
fn code(session: &mut Session, message: &[u8]) -> Option<(ResponseCode, usize)> {
    match session.send(message) {
        Asked::Answer(bytes, changes) => {
            let answer = read(&bytes);
            assert_eq!((answer.answers.len(), changes.len()), (0, 0));
            Some((answer.response_code, answer.queries.len()))
        }
        Asked::Ignore => None,
        Asked::Forward { .. } => panic!("it went to an upstream"),
    }
}

#[test]
fn garbage_is_ignored_or_a_format_error() {
    let good = question(API, RecordType::A);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let table: Vec<(&str, Vec<u8>, Option<ResponseCode>)> = vec![
        ("nothing", vec![], None),
        ("half a header", good[..11].to_vec(), None),
        ("a header alone", good[..12].to_vec(), Some(ResponseCode::FormErr)),
        ("a cut name", good[..20].to_vec(), Some(ResponseCode::FormErr)),
        ("a cut question", good[..good.len() - 1].to_vec(), Some(ResponseCode::FormErr)),
        ("trailing data", changed(&|bytes| bytes.push(0)), Some(ResponseCode::FormErr)),
        ("a response", changed(&|bytes| bytes[2] |= 0x80), None),
        ("no question", changed(&|bytes| bytes[5] = 0), Some(ResponseCode::FormErr)),
        ("two questions, one there", changed(&|bytes| bytes[5] = 2), Some(ResponseCode::FormErr)),
        ("an answer in it", changed(&|bytes| bytes[7] = 1), Some(ResponseCode::FormErr)),
        ("an authority in it", changed(&|bytes| bytes[9] = 1), Some(ResponseCode::FormErr)),
        (
            "an additional record that is not there",
            changed(&|bytes| bytes[11] = 1),
            Some(ResponseCode::FormErr),
        ),
        ("a label of 64 bytes", changed(&|bytes| bytes[12] = 64), Some(ResponseCode::FormErr)),
        (
            "a pointer to itself",
            changed(&|bytes| bytes.splice(12..14, [0xc0, 12]).for_each(drop)),
            Some(ResponseCode::FormErr),
        ),
        ("a status question", changed(&|bytes| bytes[2] |= 0x10), Some(ResponseCode::NotImp)),
        ("an update", changed(&|bytes| bytes[2] |= 0x28), Some(ResponseCode::NotImp)),
    ];
    let mut session = Session::new(plan());
    for transport in [Transport::Udp, Transport::Tcp] {
        session.transport = transport;
        for (what, message, expected) in &table {
            assert_eq!(code(&mut session, message), expected.map(|code| (code, 0)), "{what}");
        }
    }
    session.forwarded(API, RecordType::A);
}

#[test]
fn two_questions_are_none() {
    let mut message = query(API, RecordType::A);
    message.add_query(Query::query(domain("data.evil.test"), RecordType::A));
    let message = message.to_vec().unwrap();
    assert_eq!(code(&mut Session::new(plan()), &message), Some((ResponseCode::FormErr, 0)));
}

#[test]
fn a_name_that_points_into_the_header_is_no_name() {
    // The pointer leads to bytes 2 and 3 of the header, which could be read as a label: another parser, another name.
    let mut message = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'w', b'w', b'w', 0xc0, 4];
    message.extend([0, 1, 0, 1]);
    assert_eq!(code(&mut Session::new(plan()), &message), Some((ResponseCode::FormErr, 0)));
    // So it is where the name is compressed against itself, which no question needs.
    let mut message = question("a.a.wild.test", RecordType::A);
    message.splice(12..14, [0xc0, 14]).for_each(drop);
    assert_eq!(code(&mut Session::new(plan()), &message), Some((ResponseCode::FormErr, 0)));
}

#[test]
fn additional_records_are_read_and_stay_here() {
    let mut message = query(API, RecordType::A);
    message.additionals.push(address("secret.evil.test", 7, "9.9.9.9"));
    let sent = forwarded(Session::new(plan()).send(&message.to_vec().unwrap()));
    assert_eq!((sent.message.additionals.len(), sent.message.edns.is_some()), (0, false));
    assert!(!sent.bytes.windows(6).any(|window| window == b"secret"));
    // RFC 6891 section 6.1.1: more than one OPT is a format error.
    let mut twice = with_edns(query(API, RecordType::A), 1232).to_vec().unwrap();
    twice.extend([0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
    twice[11] = 2;
    assert_eq!(code(&mut Session::new(plan()), &twice), Some((ResponseCode::FormErr, 0)));
}

#[test]
fn what_no_rule_names_goes_nowhere() {
    let table = [
        ("evil.test", RecordType::A, Why::Unnamed),
        ("example.org", RecordType::A, Why::Unnamed),
        ("wild.test", RecordType::A, Why::Unnamed),
        ("notwild.test", RecordType::A, Why::Unnamed),
        ("api.example.org.evil.test", RecordType::A, Why::Unnamed),
        ("8.8.8.8.in-addr.arpa", RecordType::PTR, Why::Unnamed),
        (".", RecordType::NS, Why::Unnamed),
        // RFC 8482: refused like any type that is not needed.
        (API, RecordType::ANY, Why::Kind(255)),
        (API, RecordType::TXT, Why::Kind(16)),
        (API, RecordType::SRV, Why::Kind(33)),
        (API, RecordType::MX, Why::Kind(15)),
        (API, RecordType::NS, Why::Kind(2)),
        (API, RecordType::SOA, Why::Kind(6)),
        (API, RecordType::CNAME, Why::Kind(5)),
        (API, RecordType::NULL, Why::Kind(10)),
        (API, RecordType::AXFR, Why::Kind(252)),
        (API, RecordType::Unknown(65_280), Why::Kind(65_280)),
        ("a.wild.test", RecordType::TXT, Why::Kind(16)),
    ];
    let mut session = Session::new(plan());
    for (name, kind, why) in table {
        let answer = session.answer(name, kind);
        assert_eq!(answer.response_code, ResponseCode::Refused, "{name} {kind}");
        assert_eq!((answer.queries[0].name(), answer.answers.len()), (&domain(name), 0));
        let facts = session.names.facts();
        let [fact] = &facts.list[..] else { panic!("{facts:?}") };
        assert_eq!((&*fact.name, fact.why, fact.active, fact.times), (name, why, ALWAYS, 1));
    }
}

#[test]
fn only_the_class_of_the_internet() {
    for class in [DNSClass::CH, DNSClass::HS, DNSClass::ANY, DNSClass::NONE] {
        let mut session = Session::new(plan());
        let mut message = query(API, RecordType::A);
        message.queries[0].set_query_class(class);
        assert_eq!(code(&mut session, &message.to_vec().unwrap()), Some((ResponseCode::Refused, 1)));
        assert_eq!(session.names.facts().list[0].why, Why::Class(class.into()));
    }
}

#[test]
fn a_tool_s_name_is_nobody_s_while_no_call_is_in_flight() {
    let mut session = Session::new(plan());
    assert_eq!(session.answer("tool.test", RecordType::A).response_code, ResponseCode::Refused);
    let why = session.names.facts().list[0].why;
    assert!(matches!(why, Why::Inactive { rule } if rule.0 == 3), "{why}");
    session.active = 0b1001;
    let (_, changes) = session.resolve("tool.test", RecordType::A, &[address("tool.test", 60, "8.8.8.8")]);
    assert_eq!(changes[0].learned.unwrap().grants[0].classes, 0b1000);
    let speak = |active| session.names.may_speak("tool.test", ip("8.8.8.8"), active, session.now);
    assert!(speak(0b1001).is_ok() && speak(ALWAYS).is_err());
    // Not from the cache either.
    session.active = ALWAYS;
    assert_eq!(session.answer("tool.test", RecordType::A).response_code, ResponseCode::Refused);
}

#[test]
fn bytes_that_no_host_name_has_do_not_become_another_name() {
    // One label "api.example" before "org", and a label with a NUL beneath a wildcard.
    let labels = |labels: &[&[u8]]| {
        let mut message = question("x.test", RecordType::A);
        let name: Vec<u8> =
            labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat()).chain([0]).collect();
        message.splice(12..20, name).for_each(drop);
        message
    };
    for (name, shown) in [
        (&[b"api.example".as_slice(), b"org"][..], r"api\.example.org"),
        (&[b"a\0b", b"wild", b"test"], r"a\000b.wild.test"),
        (&[b"a b", b"wild", b"test"], r"a\032b.wild.test"),
        (&["ä".as_bytes(), b"wild", b"test"], r"\195\164.wild.test"),
        (&[b"*", b"wild", b"test"], "*.wild.test"),
    ] {
        let mut session = Session::new(plan());
        assert_eq!(code(&mut session, &labels(name)), Some((ResponseCode::Refused, 1)));
        let fact = session.names.facts().list.remove(0);
        assert_eq!((fact.why, &*fact.name), (Why::NoHostName, shown));
    }
}

#[test]
fn a_search_list_makes_no_noise() {
    let search = vec!["corp.example.net".to_owned(), "Svc.Cluster.local.".to_owned(), String::new()];
    let mut session = Session::with(plan(), Settings { search, ..Settings::default() });
    for name in
        ["api.example.org.corp.example.net", "x.wild.test.svc.cluster.local", "tool.test.svc.cluster.local"]
    {
        assert_eq!(session.answer(name, RecordType::A).response_code, ResponseCode::NXDomain, "{name}");
        assert_eq!(session.names.facts().list, []);
    }
    for name in ["evil.test.corp.example.net", "corp.example.net", "xcorp.example.net", "db.corp.example.net"]
    {
        assert_eq!(session.answer(name, RecordType::A).response_code, ResponseCode::Refused, "{name}");
        assert_eq!(session.names.facts().list[0].why, Why::Unnamed);
    }
}

#[test]
fn records_of_a_question_are_of_no_account() {
    let extra: Record = address(API, 60, "8.8.8.8");
    let mut message = query(API, RecordType::A);
    message.answers.push(extra);
    assert_eq!(message.op_code, OpCode::Query);
    assert_eq!(code(&mut Session::new(plan()), &message.to_vec().unwrap()), Some((ResponseCode::FormErr, 0)));
}
