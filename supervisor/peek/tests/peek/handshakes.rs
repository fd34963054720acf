//! The second ClientHello, after a HelloRetryRequest.

use peek::{Expect, Fault, Fed, Handshake, Peek, peek};

use crate::support::{body, extension, handshake, long, record, records, server_name, with};

/// SHA-256 of "HelloRetryRequest".
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn server_hello(random: [u8; 32]) -> Vec<u8> {
    record(
        22,
        &handshake(2, &[&[3, 3][..], &random, &[0, 0x13, 0x01, 0], &long(&extension(43, &[3, 4]))].concat()),
    )
}

fn begun() -> Handshake {
    match peek(&with(&[server_name("good.example")]), Expect::Tls) {
        Peek::Tls(hello) => Handshake::new(&hello),
        other => panic!("{other:?}"),
    }
}

fn retried() -> Handshake {
    let mut handshake = begun();
    handshake.from_server(&server_hello(RETRY));
    assert!(!handshake.awaits_server() && !handshake.is_settled());
    handshake
}

#[test]
fn an_answer_settles_it() {
    for answer in [server_hello([3; 32]), record(21, &[2, 40]), b"HTTP/1.1 400".to_vec()] {
        let mut handshake = begun();
        handshake.from_server(&answer);
        // An alert may be a warning before the answer: what counts is what follows.
        handshake.from_server(&[&answer[..], &server_hello([4; 32])].concat());
        assert!(handshake.is_settled(), "{}", answer.escape_ascii());
        assert_eq!(handshake.from_client(&record(22, b"anything")), Ok(Fed::Pass(13)));
    }
}

#[test]
fn the_answer_may_come_in_pieces() {
    for (answer, settled) in [(server_hello(RETRY), false), (server_hello([0xcf; 32]), true)] {
        let mut handshake = begun();
        for end in 0..=answer.len() {
            handshake.from_server(&answer[..end]);
            assert!(end < answer.len() || !handshake.awaits_server());
            assert!(settled || !handshake.is_settled());
        }
        assert_eq!(handshake.is_settled(), settled);
    }
}

#[test]
fn the_second_hello_names_the_same_server() {
    let second = with(&[extension(44, b"cookie"), server_name("GOOD.example")]);
    let ciphers = record(20, &[1]);
    let mut handshake = retried();
    assert_eq!(handshake.from_client(&[&ciphers[..], &second].concat()), Ok(Fed::Pass(6)));
    for end in 0..second.len() {
        assert_eq!(handshake.from_client(&second[..end]), Ok(Fed::More));
    }
    assert_eq!(handshake.from_client(&second), Ok(Fed::Pass(second.len())));
    assert!(handshake.is_settled());
}

#[test]
fn another_name_is_refused() {
    let message = handshake(1, &body(&long(&server_name("evil.example"))));
    let mut cases = vec![
        (with(&[server_name("evil.example")]), Fault::OtherName),
        (with(&[extension(10, &[0, 2, 0, 29])]), Fault::OtherName),
        (with(&[server_name("good.example"), server_name("evil.example")]), Fault::ServerNames),
        (record(22, &handshake(16, &[0; 40])), Fault::HandshakeType { kind: 16 }),
        (record(99, &[0; 40]), Fault::RecordType { kind: 99 }),
    ];
    cases.extend((5..message.len()).map(|size| (records(&message, size), Fault::OtherName)));
    for (second, fault) in cases {
        let mut handshake = retried();
        assert_eq!(handshake.from_client(&second), Err(fault));
        assert_eq!(handshake.from_client(&with(&[server_name("good.example")])), Err(fault), "it stays");
        handshake.from_server(&server_hello([3; 32]));
        assert!(!handshake.is_settled());
    }
}

/// A client that does not wait for the request for a second hello sends it blindly; it must not slip through.
#[test]
fn a_hello_that_comes_too_early_waits() {
    let evil = with(&[server_name("evil.example")]);
    let mut handshake = begun();
    assert_eq!(handshake.from_client(&evil), Ok(Fed::More));
    handshake.from_server(&server_hello(RETRY));
    assert_eq!(handshake.from_client(&evil), Err(Fault::OtherName));
}

/// Early data (RFC 8446 section 4.2.10) does not wait, and hides no hello behind it.
#[test]
fn early_data_is_passed_on_record_by_record() {
    let data = [record(20, &[1]), record(23, &[7; 500]), record(23, &[22; 100])].concat();
    let evil = with(&[server_name("evil.example")]);
    let bytes = [&data[..], &evil].concat();
    for piece in 1..bytes.len() {
        let (mut handshake, mut passed) = (begun(), 0);
        for end in (piece..=bytes.len()).step_by(piece) {
            while let Fed::Pass(count) = handshake.from_client(&bytes[passed..end]).expect("no fault yet") {
                passed += count;
            }
        }
        assert!(passed <= data.len() && (passed == data.len() || piece > 1), "{piece}");
        handshake.from_server(&server_hello(RETRY));
        while let Ok(Fed::Pass(count)) = handshake.from_client(&bytes[passed..]) {
            passed += count;
        }
        assert_eq!(handshake.from_client(&bytes[passed..]), Err(Fault::OtherName), "{piece}");
    }
}

/// A ServerHello in crumbs could hide what it is: then the more careful reading counts.
#[test]
fn crumbs_of_an_answer_are_taken_for_a_retry() {
    let answer = server_hello([3; 32]);
    for size in [1, 6, 37] {
        let mut handshake = begun();
        handshake.from_server(&records(&answer[5..], size));
        assert_eq!(handshake.from_client(&with(&[server_name("evil.example")])), Err(Fault::OtherName));
    }
}

#[test]
fn a_warning_before_the_answer_does_not_settle_it() {
    let warned = [record(21, &[1, 112]), server_hello(RETRY)].concat();
    for end in 0..=warned.len() {
        let mut handshake = begun();
        handshake.from_server(&warned[..end]);
        assert!(!handshake.is_settled(), "{end}");
    }
}
