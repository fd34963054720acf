//! What allowed names are answered with, and for how long (RFC 1035, RFC 2181, RFC 2308, RFC 6891).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{RData, Record, RecordType};
use names::{Answered, Asked, Transport};

use crate::world::*;

const API: &str = "api.example.org";

#[test]
fn an_address_is_learned_for_the_time_of_its_answer() {
    for (live, given) in
        [(0, 30), (5, 30), (30, 30), (300, 300), (3600, 3600), (86_400, 3600), (u32::MAX, 30)]
    {
        let mut session = Session::new(plan());
        let (answer, changes) = session.resolve(API, RecordType::A, &[address(API, live, "8.8.8.8")]);
        assert_eq!(ends(&changes, session.now), [(ip("8.8.8.8"), Some(given))]);
        assert_eq!((answer.response_code, answer.answers[0].ttl), (ResponseCode::NoError, given as u32));
        assert_eq!(addresses(&answer), [ip("8.8.8.8")]);
        let speak = |name: &str, to: &str, at| session.names.may_speak(name, ip(to), ALWAYS, at).is_ok();
        let end = session.now + given * SECOND;
        assert!(speak(API, "8.8.8.8", end - 1) && !speak(API, "8.8.8.8", end));
        assert!(speak("API.example.ORG.", "::ffff:8.8.8.8", session.now));
        assert!(!speak(API, "8.8.4.4", session.now));
        assert!(!speak("a.wild.test", "8.8.8.8", session.now) && !speak("evil.test", "8.8.8.8", session.now));
    }
}

#[test]
fn the_question_is_written_anew_and_the_answer_is_the_client_s() {
    let mut session = Session::new(plan());
    let forwarded = session.forwarded("API.Example.Org", RecordType::A);
    let sent = &forwarded.message;
    assert_eq!(forwarded.bytes, {
        let mut plain = query(API, RecordType::A);
        plain.metadata.id = sent.id;
        plain.to_vec().unwrap()
    });
    assert_ne!(sent.id, 4711);
    let reply = forwarded.reply(&[address(API, 60, "8.8.8.8"), address(API, 90, "8.8.4.4")]);
    let (answer, _) = session.reply(forwarded.ticket, &reply);
    assert_eq!((answer.id, answer.queries.len()), (4711, 1));
    assert!(answer.recursion_desired && answer.recursion_available && !answer.authoritative);
    assert!(!answer.authentic_data && !answer.truncation && answer.edns.is_none());
    // Both spellings are the client's own: a client that mixes cases recognises its question.
    assert!(answer.queries[0].name().eq_case(&domain("API.Example.Org")));
    assert!(answer.answers.iter().all(|record| record.name.eq_case(&domain("API.Example.Org"))));
    // A set of records lives as long as the first of them (RFC 2181 section 5.2).
    assert_eq!(answer.answers.iter().map(|record| record.ttl).collect::<Vec<_>>(), [60, 60]);
    let flags = [(true, true), (true, false), (false, true), (false, false)];
    for (recursion, checking) in flags {
        let mut message = query(API, RecordType::A);
        message.metadata.recursion_desired = recursion;
        message.metadata.checking_disabled = checking;
        message.metadata.authentic_data = true;
        let Asked::Answer(bytes, _) = session.send(&message.to_vec().unwrap()) else { panic!("kept") };
        let answer = read(&bytes);
        assert_eq!((answer.recursion_desired, answer.checking_disabled), (recursion, checking));
        assert!(!answer.authentic_data);
    }
}

#[test]
fn a_kept_answer_is_given_with_the_time_that_is_left() {
    let mut session = Session::new(plan());
    session.resolve(API, RecordType::A, &[address(API, 100, "8.8.8.8")]);
    for (after, left) in [(0, 100), (SECOND / 2, 99), (30 * SECOND, 70), (90 * SECOND, 10)] {
        session.now = 1_000 * SECOND + after;
        assert_eq!(session.answer("aPi.example.org", RecordType::A).answers[0].ttl, left);
    }
    // Types are kept apart; less than ten seconds are too few to connect.
    session.forwarded(API, RecordType::AAAA);
    session.now = 1_090 * SECOND + 1;
    let renewed = session.resolve(API, RecordType::A, &[address(API, 100, "8.8.8.8")]);
    assert_eq!(ends(&renewed.1, session.now), [(ip("8.8.8.8"), Some(100))]);
}

#[test]
fn a_renewed_address_keeps_the_longer_end() {
    let mut session = Session::new(plan());
    session.transport = Transport::Tcp;
    let first = session.forwarded(API, RecordType::A);
    let second = session.forwarded(API, RecordType::A);
    session.reply(first.ticket, &first.reply(&[address(API, 600, "8.8.8.8")]));
    let (answer, changes) = session.reply(second.ticket, &second.reply(&[address(API, 60, "8.8.8.8")]));
    assert_eq!((changes, answer.answers[0].ttl), (vec![], 60));
    assert!(session.names.may_speak(API, ip("8.8.8.8"), ALWAYS, session.now + 599 * SECOND).is_ok());
}

#[test]
fn aliases_are_followed_and_what_stands_at_their_end_is_the_name_s() {
    let mut session = Session::new(plan());
    let records = [
        address("edge.cdn.test", 500, "8.8.4.4"),
        alias("CDN.test", 40, "edge.cdn.test"),
        alias(API, 300, "cdn.TEST"),
        address("edge.cdn.test", 200, "8.8.8.8"),
    ];
    let (answer, changes) = session.resolve(API, RecordType::A, &records);
    assert_eq!(ends(&changes, session.now), [(ip("8.8.4.4"), Some(40)), (ip("8.8.8.8"), Some(40))]);
    let owners: Vec<String> = answer.answers.iter().map(|record| record.name.to_string()).collect();
    assert_eq!(owners, ["api.example.org.", "cdn.test.", "edge.cdn.test.", "edge.cdn.test."]);
    // The address is the name's, and nobody else's in the chain.
    assert!(session.names.may_speak(API, ip("8.8.8.8"), ALWAYS, session.now).is_ok());
    assert!(session.names.may_speak("edge.cdn.test", ip("8.8.8.8"), ALWAYS, session.now).is_err());
}

#[test]
fn absence_is_believed_for_a_minute_at_most() {
    let table = [
        (ResponseCode::NXDomain, Some((3600, 3600)), 60),
        (ResponseCode::NXDomain, Some((3600, 20)), 20),
        (ResponseCode::NoError, Some((15, 3600)), 15),
        (ResponseCode::NoError, Some((0, 0)), 1),
        (ResponseCode::NXDomain, None, 1),
    ];
    for (code, lives, kept) in table {
        let mut session = Session::new(plan());
        let forwarded = session.forwarded(API, RecordType::AAAA);
        let reply = forwarded.reply_with(|message| {
            message.metadata.response_code = code;
            let soa = lives.map(|(live, minimum)| authority("example.org", live, minimum));
            message.authorities.extend(soa);
        });
        let (answer, changes) = session.reply(forwarded.ticket, &reply);
        assert_eq!((answer.response_code, answer.answers.len(), changes.len()), (code, 0, 0));
        assert_eq!(answer.authorities, []);
        session.now += kept * SECOND - 1;
        assert_eq!(session.answer(API, RecordType::AAAA).response_code, code, "{lives:?}");
        session.now += 1;
        session.forwarded(API, RecordType::AAAA);
    }
}

#[test]
fn an_authority_of_somebody_else_says_nothing_about_the_name() {
    let mut session = Session::new(plan());
    let forwarded = session.forwarded(API, RecordType::A);
    let reply = forwarded.reply_with(|message| message.authorities.push(authority("evil.test", 3600, 3600)));
    session.reply(forwarded.ticket, &reply);
    session.now += SECOND;
    session.forwarded(API, RecordType::A);
}

#[test]
fn errors_and_referrals_are_failures_and_are_not_kept() {
    let referral = Record::from_rdata(domain("org"), 60, RData::NS(NS(domain("ns.test"))));
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::FormErr, ResponseCode::NoError]
    {
        let mut session = Session::new(plan());
        let forwarded = session.forwarded(API, RecordType::A);
        let reply = forwarded.reply_with(|message| {
            message.metadata.response_code = code;
            message.authorities.push(referral.clone());
        });
        let (answer, changes) = session.reply(forwarded.ticket, &reply);
        assert_eq!((answer.response_code, changes.len()), (ResponseCode::ServFail, 0), "{code}");
        session.forwarded(API, RecordType::A);
    }
}

#[test]
fn no_upstream_is_a_failure_once() {
    let mut session = Session::new(plan());
    let forwarded = session.forwarded("aPi.example.org", RecordType::A);
    let answer = read(&session.names.abandoned(forwarded.ticket));
    assert_eq!((answer.id, answer.response_code), (4711, ResponseCode::ServFail));
    assert!(answer.queries[0].name().eq_case(&domain("aPi.example.org")));
    assert!(session.names.abandoned(forwarded.ticket).is_empty());
    let late = forwarded.reply(&[address(API, 60, "8.8.8.8")]);
    assert_eq!(session.names.answered(forwarded.ticket, &late, session.now), Answered::Ignored);
}

#[test]
fn what_was_cut_off_is_asked_for_by_tcp_once() {
    let mut session = Session::new(plan());
    let forwarded = session.forwarded(API, RecordType::A);
    let cut = forwarded.reply_with(|message| message.metadata.truncation = true);
    assert_eq!(session.names.answered(forwarded.ticket, &cut, session.now), Answered::AgainByTcp);
    let whole = forwarded.reply(&[address(API, 60, "8.8.8.8")]);
    assert_eq!(addresses(&session.reply(forwarded.ticket, &whole).0), [ip("8.8.8.8")]);

    let mut session = Session::new(plan());
    let forwarded = session.forwarded(API, RecordType::A);
    assert_eq!(session.names.answered(forwarded.ticket, &cut, session.now), Answered::AgainByTcp);
    assert_eq!(session.reply(forwarded.ticket, &cut).0.response_code, ResponseCode::ServFail);
}

#[test]
fn another_upstream_may_know_what_the_first_one_could_not_say() {
    let mut session = Session::new(plan());
    let forwarded = session.forwarded(API, RecordType::A);
    let failed = forwarded.reply_with(|message| message.metadata.response_code = ResponseCode::ServFail);
    assert_eq!(session.names.answered(forwarded.ticket, &failed, session.now), Answered::Unable);
    // The second one has no room over UDP, and is then asked by TCP in its turn.
    let cut = forwarded.reply_with(|message| message.metadata.truncation = true);
    assert_eq!(session.names.answered(forwarded.ticket, &cut, session.now), Answered::AgainByTcp);
    assert_eq!(session.names.answered(forwarded.ticket, &failed, session.now), Answered::Unable);
    let whole = forwarded.reply(&[address(API, 60, "8.8.8.8")]);
    assert_eq!(addresses(&session.reply(forwarded.ticket, &whole).0), [ip("8.8.8.8")]);
}

#[test]
fn a_client_without_room_is_told_to_ask_by_tcp() {
    let records: Vec<Record> = (1..=40).map(|last| address(API, 60, &format!("8.8.8.{last}"))).collect();
    let table = [
        (Transport::Udp, None, true),
        (Transport::Udp, Some(512), true),
        // RFC 6891 section 6.2.3: less than 512 is 512.
        (Transport::Udp, Some(0), true),
        (Transport::Udp, Some(1232), false),
        (Transport::Tcp, None, false),
    ];
    for (transport, room, truncated) in table {
        let mut session = Session::new(plan());
        session.transport = transport;
        let message = query("API.example.org", RecordType::A);
        let message = room.map_or(message.clone(), |room| with_edns(message, room)).to_vec().unwrap();
        let sent = forwarded(session.send(&message));
        let (first, changes) = session.reply(sent.ticket, &sent.reply(&records));
        assert_eq!(changes.len(), 40);
        let Asked::Answer(bytes, _) = session.send(&message) else { panic!("kept") };
        for answer in [first, read(&bytes)] {
            assert_eq!(answer.truncation, truncated);
            assert_eq!(answer.answers.len(), if truncated { 0 } else { 40 });
            assert_eq!((answer.queries.len(), answer.edns.is_some()), (1, room.is_some()));
        }
        assert!(
            bytes.len()
                <= if transport == Transport::Udp { room.unwrap_or(0).max(512).into() } else { 65_535 }
        );
    }
}

#[test]
fn edns_is_answered_with_edns_and_goes_on_clean() {
    let mut session = Session::new(plan());
    let mut message = with_edns(query(API, RecordType::A), 4096);
    let edns = message.edns.as_mut().unwrap();
    edns.set_dnssec_ok(true);
    edns.options_mut().insert(hickory_proto::rr::rdata::opt::EdnsOption::Unknown(65_001, vec![7; 100]));
    let sent = forwarded(session.send(&message.to_vec().unwrap()));
    let clean = sent.message.edns.clone().unwrap();
    assert_eq!((clean.max_payload(), clean.version(), clean.flags().dnssec_ok), (1232, 0, false));
    assert!(clean.options().as_ref().is_empty());
    assert!(!sent.bytes.windows(8).any(|window| window == [7; 8]));
    let (answer, _) = session.reply(sent.ticket, &sent.reply(&[address(API, 60, "8.8.8.8")]));
    assert_eq!(answer.edns.as_ref().map(|edns| (edns.max_payload(), edns.version())), Some((1232, 0)));
    // RFC 6891 section 6.1.3: a version that is not known.
    message.edns.as_mut().unwrap().set_version(1);
    let Asked::Answer(bytes, _) = session.send(&message.to_vec().unwrap()) else { panic!("an answer") };
    let answer = read(&bytes);
    assert_eq!((u16::from(answer.response_code), answer.edns.unwrap().version()), (16, 0));
    // A code that goes on in EDNS is an error, though its low bits say there was none.
    let mut session = Session::new(plan());
    let sent = session.forwarded(API, RecordType::A);
    let reply = sent.reply_with(|message| {
        message.answers.push(address(API, 60, "8.8.8.8"));
        message.set_edns(Default::default());
        message.metadata.response_code = ResponseCode::BADVERS;
    });
    assert_eq!(session.reply(sent.ticket, &reply).0.response_code, ResponseCode::ServFail);
}
