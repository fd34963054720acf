//! What fits, what does not, and what a limit costs.

use control::message::{Grant, Learn, MAX_SOURCES_BYTES, Sessions, Source, Sources};
use control::{
    Answer, Fault, FrameError, MAX_HELLO, MAX_OPEN, MAX_REQUEST, MAX_TOLD, Misuse, OsBytes, Request,
    ServerSide,
};

use crate::support::{Pair, build, client, frame, hear, learn, open, server, session, summary};

#[test]
fn the_largest_policy_fits_with_a_long_command() {
    let Request::Open(mut open) = open() else { panic!("open opens") };
    // Nothing that the policy compiler reads takes more room: control characters are refused there.
    let text: String = "\"\\\n\t".chars().cycle().take(MAX_SOURCES_BYTES).collect();
    open.policy = Sources::new(vec![Source { name: "p".to_owned(), text }], vec![]).unwrap();
    open.command.argv = vec![OsBytes::new(vec![0xff; 100_000]).unwrap(); 3];
    Pair::new().ask(Request::Open(open));
}

#[test]
fn each_moment_has_its_limit() {
    let head = |length: usize| [&u32::try_from(length).unwrap().to_be_bytes()[..], &[0]].concat();
    let asked = |text: &str| frame(format!(r#"{{"id":1,"request":{text}}}"#), 0);
    let before = || ServerSide::new(build());
    let after = || {
        let mut server = server();
        assert_eq!(hear(&mut server, &asked("\"status\""), 0).1, None);
        server
    };
    for (mut server, limit) in [(before(), MAX_HELLO), (server(), MAX_OPEN), (after(), MAX_REQUEST)] {
        let fault = Fault::Frame(FrameError::TooLong { length: limit + 1, limit });
        assert_eq!(hear(&mut server, &head(limit + 1), 0), (vec![], Some(fault)));
        assert_eq!(server.held(), 0);
    }
    for (mut server, limit) in [(before(), MAX_HELLO), (server(), MAX_OPEN), (after(), MAX_REQUEST)] {
        assert_eq!(hear(&mut server, &head(limit), 0), (vec![], None));
        assert!(server.held() == 0, "nothing is held for what has not come");
        hear(&mut server, &vec![b' '; limit - 1], 0);
        assert!(server.held() <= limit, "{} of {limit}", server.held());
        let fault = hear(&mut server, b" ", 0).1;
        assert!(matches!(fault, Some(Fault::Unreadable(_))), "{fault:?}");
        assert_eq!(server.held(), 0, "nothing is held after a fault");
    }
}

#[test]
fn nothing_is_sent_that_the_other_side_refuses() {
    let Request::Learn(Learn { address, grants }) = learn() else { panic!("learn learns") };
    let five: Vec<Grant> = grants.iter().cycle().take(5).copied().collect();
    let mut pair = Pair::with_session();
    let error = pair.client.ask(Request::Learn(Learn { address, grants: five })).unwrap_err();
    assert!(error.to_string().contains("more than 4"), "{error}");
    let why = "x".repeat(1025);
    let error = pair.client.ask(Request::End(control::message::End { why })).unwrap_err();
    assert!(error.to_string().contains("1025 bytes"), "{error}");
    // The refused ones have taken no number.
    assert_eq!(pair.ask(learn()).0.number(), 2);
}

#[test]
fn a_list_that_is_too_long_comes_in_parts() {
    let mut pair = Pair::new();
    let (id, _) = pair.ask(Request::List);
    let many = |count, more| Answer::Sessions(Sessions { sessions: vec![summary(); count], more });
    let error = pair.server.answer(id, many(10_000, false)).unwrap_err();
    assert!(matches!(error, Misuse::Frame(FrameError::TooLong { limit: MAX_TOLD, .. })), "{error}");
    for more in [true, true, false] {
        pair.answer(id, many(3_000, more));
    }
    assert!(pair.server.answer(id, many(1, false)).is_err());
}

#[test]
fn nobody_speaks_before_the_handshake() {
    let mut client = control::ClientSide::new(build());
    assert_eq!(client.ask(Request::List), Err(Misuse::NotSpeaking));
    let mut server = ServerSide::new(build());
    assert_eq!(server.tell(crate::support::ended()), Err(Misuse::NotSpeaking));
    assert_eq!(server.answer(control::RequestId::FIRST, Answer::Done), Err(Misuse::NotSpeaking));
}

#[test]
fn either_end_keeps_itself_in_order() {
    let mut pair = Pair::new();
    assert!(matches!(pair.client.ask(learn()), Err(Misuse::Disorder(_))), "a learn before an open");
    assert!(matches!(pair.server.tell(crate::support::ended()), Err(Misuse::Disorder(_))));
    let (id, _) = pair.ask(open());
    assert!(matches!(pair.client.ask(open()), Err(Misuse::Disorder(_))), "a second open");
    assert!(matches!(pair.server.answer(id, Answer::Done), Err(Misuse::Disorder(_))), "another kind");
    let other = control::message::Followed {
        follow: id,
        missed: 0,
        session: session(),
        name: crate::support::name(),
        uid: 1,
        event: crate::support::ended(),
    };
    assert!(matches!(pair.server.followed(other), Err(Misuse::Disorder(_))), "nobody follows");
    pair.answer(id, crate::support::opened());
    let mut client = client();
    for _ in 0..control::MAX_IN_FLIGHT {
        let _ = client.ask(Request::List).unwrap();
    }
    assert!(matches!(client.ask(Request::List), Err(Misuse::Disorder(_))), "too many");
}
