//! Answers that are meant to open what no rule opens. Each attack stands in the message that is judged.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
use names::{Answered, Why};
use policy::plan::NetworkPlan;

use crate::world::*;

const API: &str = "api.example.org";
const INNER: &[&str] = &[
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.251",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "64:ff9b::169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::10.0.0.1",
];

fn kind(address: &str) -> RecordType {
    if address.contains(':') { RecordType::AAAA } else { RecordType::A }
}

#[test]
fn rebinding_to_this_host_its_network_or_its_cloud() {
    for inner in INNER {
        let mut session = Session::new(plan());
        let (answer, changes) = session.resolve(API, kind(inner), &[address(API, 300, inner)]);
        assert_eq!((answer.response_code, answer.answers.len()), (ResponseCode::NoError, 0), "{inner}");
        assert_eq!(changes, []);
        let facts = session.names.facts().list;
        assert_eq!(facts[0].why, Why::Rebinding(ip(inner).to_canonical()));
        assert!(session.names.may_speak(API, ip(inner), u64::MAX, session.now).is_err());
        // It is not asked for again at once, and says nothing again.
        assert_eq!(session.answer(API, kind(inner)).answers, []);
        assert_eq!(session.names.facts().list, []);
    }
}

#[test]
fn rebinding_beside_public_addresses() {
    let mut session = Session::new(plan());
    let records = ["8.8.8.8", "127.0.0.1", "8.8.4.4"].map(|text| address(API, 300, text));
    let (answer, changes) = session.resolve(API, RecordType::A, &records);
    assert_eq!(addresses(&answer), [ip("8.8.8.8"), ip("8.8.4.4")]);
    assert_eq!(changes.len(), 2);
}

#[test]
fn a_range_of_the_policy_makes_its_addresses_the_name_s() {
    let cidrs = vec![range("10.0.0.0", 8), range("fd00::", 8)];
    let mut session = Session::new(NetworkPlan { cidrs, ..plan() });
    for (text, known) in
        [("10.0.0.1", true), ("fd00::1", true), ("::ffff:10.0.0.1", true), ("192.168.0.1", false)]
    {
        let (answer, changes) = session.resolve(API, kind(text), &[address(API, 5, text)]);
        assert_eq!((answer.answers.len(), session.names.facts().list.len()), (known.into(), (!known).into()));
        assert!(changes.iter().all(|change| change.address == ip(text).to_canonical()), "{text}");
        session.now += 100 * SECOND;
        session.names.expire(session.now);
    }
    // A range of a tool's is open to the name in that tool's class only.
    let mut tool = range("10.0.0.0", 8);
    tool.classes = rule("x", 3).classes;
    let domains = vec![rule("*.test", 0), rule("*.test", 3)];
    let mut session = Session::new(NetworkPlan { cidrs: vec![tool], domains, ..plan() });
    let (_, changes) = session.resolve("a.test", RecordType::A, &[address("a.test", 60, "10.0.0.1")]);
    let grants = changes[0].learned.unwrap().grants;
    assert_eq!((grants[0].classes, grants[1].classes), (8, 0));
}

/// The addresses that come out of a reply to a question for [`API`].
fn harvest(change: impl FnOnce(&mut Message)) -> (Vec<std::net::IpAddr>, usize) {
    let mut session = Session::new(plan());
    let sent = session.forwarded(API, RecordType::A);
    let reply = sent.reply_with(change);
    let (answer, changes) = session.reply(sent.ticket, &reply);
    assert_eq!((answer.authorities.len(), answer.additionals.len()), (0, 0));
    (addresses(&answer), changes.len())
}

#[test]
fn records_that_were_not_asked_for() {
    let wanted = address(API, 60, "8.8.8.8");
    let mine = |extra: Record| {
        let wanted = wanted.clone();
        harvest(|message| message.answers.extend([extra, wanted]))
    };
    let only = (vec![ip("8.8.8.8")], 1);
    assert_eq!(mine(address("evil.test", 60, "9.9.9.9")), only);
    assert_eq!(mine(address("x.wild.test", 60, "9.9.9.9")), only, "an allowed name, but another one");
    assert_eq!(mine(address("example.org", 60, "9.9.9.9")), only);
    assert_eq!(mine(address("xapi.example.org", 60, "9.9.9.9")), only);
    assert_eq!(mine(address(API, 60, "2606:4700::9999")), only, "another type");
    assert_eq!(mine(alias("evil.test", 60, API)), only);
    let mut chaos = address(API, 60, "9.9.9.9");
    chaos.dns_class = DNSClass::CH;
    assert_eq!(mine(chaos), only);
}

#[test]
fn an_alias_to_a_foreign_name_with_glue() {
    let glue = || address("evil.test", 60, "9.9.9.9");
    // Where the alias leads the address is the name's: whoever serves the name could have named it directly.
    let (found, _) = harvest(|message| message.answers.extend([alias(API, 60, "evil.test"), glue()]));
    assert_eq!(found, [ip("9.9.9.9")]);
    // Beside the alias, in the other sections, it is nobody's.
    let (found, changes) = harvest(|message| {
        message.answers.push(alias(API, 60, "evil.test"));
        message.additionals.push(glue());
        message.authorities.push(glue());
    });
    assert_eq!((found, changes), (vec![], 0));
    // An alias to an inner name is followed to an inner address, and that is dropped.
    let (found, changes) = harvest(|message| {
        message.answers.extend([alias(API, 60, "localhost"), address("localhost", 60, "127.0.0.1")]);
    });
    assert_eq!((found, changes), (vec![], 0));
}

#[test]
fn poison_in_the_other_sections() {
    let (found, changes) = harvest(|message| {
        message.answers.push(address(API, 60, "8.8.8.8"));
        message.authorities.push(Record::from_rdata(domain("org"), 60, RData::NS(NS(domain(API)))));
        message.authorities.push(address(API, 60, "9.9.9.9"));
        message.additionals.push(address(API, 60, "9.9.9.10"));
        message.additionals.push(address("x.wild.test", 60, "9.9.9.11"));
    });
    assert_eq!((found, changes), (vec![ip("8.8.8.8")], 1));
}

#[test]
fn answers_to_other_questions() {
    let mut session = Session::new(plan());
    let sent = session.forwarded(API, RecordType::A);
    let good = [address(API, 60, "9.9.9.9")];
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("half a header", sent.bytes[..7].to_vec()),
        ("the question itself", sent.bytes.clone()),
        (
            "another id",
            sent.reply_with(|m| {
                m.metadata.id ^= 1;
                m.answers = good.to_vec();
            }),
        ),
        (
            "another name",
            sent.reply_with(|m| {
                m.queries[0].set_name(domain("evil.test"));
                m.answers = good.to_vec();
            }),
        ),
        (
            "another type",
            sent.reply_with(|m| {
                m.queries[0].set_query_type(RecordType::AAAA);
                m.answers = good.to_vec();
            }),
        ),
        (
            "another class",
            sent.reply_with(|m| {
                m.queries[0].set_query_class(DNSClass::CH);
                m.answers = good.to_vec();
            }),
        ),
        (
            "no question",
            sent.reply_with(|m| {
                m.queries.clear();
                m.answers = good.to_vec();
            }),
        ),
        (
            "two questions",
            sent.reply_with(|m| {
                m.queries.push(m.queries[0].clone());
                m.answers = good.to_vec();
            }),
        ),
        (
            "truncated, of another id",
            sent.reply_with(|m| {
                m.metadata.id ^= 1;
                m.metadata.truncation = true;
            }),
        ),
    ];
    for (what, reply) in wrong {
        assert_eq!(session.names.answered(sent.ticket, &reply, session.now), Answered::Ignored, "{what}");
    }
    // The right one still counts, in whatever case the upstream spells the question (RFC 4343).
    let reply = sent.reply_with(|message| {
        message.queries[0].set_name(domain("API.example.ORG"));
        message.answers = vec![address("aPi.eXample.org", 60, "8.8.8.8")];
    });
    assert_eq!(addresses(&session.reply(sent.ticket, &reply).0), [ip("8.8.8.8")]);
}

#[test]
fn aliases_in_a_circle_and_without_end() {
    for records in [
        vec![alias(API, 60, API)],
        vec![alias(API, 60, "b.test"), alias("b.test", 60, API), address("c.test", 60, "9.9.9.9")],
        (0..40)
            .map(|n| {
                alias(
                    &if n == 0 { API.to_owned() } else { format!("n{n}.test") },
                    60,
                    &format!("n{}.test", n + 1),
                )
            })
            .chain([address("n40.test", 60, "9.9.9.9")])
            .collect(),
    ] {
        let mut session = Session::new(plan());
        let (answer, changes) = session.resolve(API, RecordType::A, &records);
        assert_eq!((answer.response_code, changes.len()), (ResponseCode::ServFail, 0));
    }
}

#[test]
fn names_that_point_in_circles_and_records_that_lie_about_their_length() {
    let mut session = Session::new(plan());
    let sent = session.forwarded(API, RecordType::A);
    let good = sent.reply(&[address(API, 60, "9.9.9.9")]);
    let owner = sent.bytes.len();
    assert_eq!(good[owner..owner + 2], [0xc0, 12], "the owner points to the question");
    let broken: Vec<Vec<u8>> = vec![
        // To itself, to what follows, and beyond the message.
        [&good[..owner], &[0xc0, owner as u8], &good[owner + 2..]].concat(),
        [&good[..owner], &[0xc0, owner as u8 + 2], &good[owner + 2..]].concat(),
        [&good[..owner], &[0xff, 0xff], &good[owner + 2..]].concat(),
        // More address than an address has, less, and none.
        [&good[..good.len() - 5], &[5, 9, 9, 9, 9, 9]].concat(),
        [&good[..good.len() - 5], &[3, 9, 9, 9]].concat(),
        [&good[..good.len() - 5], &[0]].concat(),
        // Cut, trailing, and counted wrong.
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        [&good[..6], &[0, 2], &good[8..]].concat(),
        [&good[..6], &[0xff, 0xff], &good[8..]].concat(),
    ];
    for (number, reply) in broken.iter().enumerate() {
        let mut session = Session::new(plan());
        let again = session.forwarded(API, RecordType::A);
        assert_eq!(again.message.id, sent.message.id);
        let (answer, changes) = session.reply(again.ticket, reply);
        assert_eq!((answer.response_code, changes.len()), (ResponseCode::ServFail, 0), "{number}");
        assert!(session.names.may_speak(API, ip("9.9.9.9"), ALWAYS, session.now).is_err());
    }
    assert_eq!(addresses(&session.reply(sent.ticket, &good).0), [ip("9.9.9.9")]);
}

#[test]
fn a_name_that_does_not_exist_has_no_addresses() {
    let mut session = Session::new(plan());
    let sent = session.forwarded(API, RecordType::A);
    let reply = sent.reply_with(|message| {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.answers.push(address(API, 60, "9.9.9.9"));
    });
    let (answer, changes) = session.reply(sent.ticket, &reply);
    assert_eq!((answer.response_code, answer.answers.len(), changes.len()), (ResponseCode::NXDomain, 0, 0));
}

#[test]
fn more_addresses_than_a_client_can_use_are_not_learned() {
    let records: Vec<Record> =
        (0..2000).map(|n| address(API, 60, &format!("8.8.{}.{}", n / 256, n % 256))).collect();
    let mut session = Session::new(plan());
    let (_, changes) = session.resolve(API, RecordType::A, &records);
    assert_eq!(changes.len(), 64);
}

#[test]
fn an_address_that_could_not_be_made_known_is_not_given_again() {
    let mut session = Session::new(plan());
    session.resolve(API, RecordType::A, &[address(API, 60, "8.8.8.8")]);
    assert_eq!(addresses(&session.answer(API, RecordType::A)), [ip("8.8.8.8")]);
    session.names.unlearn(ip("::ffff:8.8.8.8"));
    assert!(session.names.may_speak(API, ip("8.8.8.8"), ALWAYS, session.now).is_err());
    let (_, changes) = session.resolve(API, RecordType::A, &[address(API, 60, "8.8.8.8")]);
    assert_eq!(ends(&changes, session.now), [(ip("8.8.8.8"), Some(60))]);
}
