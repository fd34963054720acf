//! An older client meets a newer daemon, and the other way round.

use control::message::{Action, Code, EventKind, Reason};
use control::{Answer, Event, Fault, FromDaemon, HandshakeError, Request};

use crate::support::{Pair, client, frame, hear, server, told};

#[test]
fn new_fields_of_the_daemon_are_left_out() {
    let mut client = client();
    let _ = client.ask(Request::Status).unwrap();
    let status = r#"{"new":{"a":[1]},"answer":{"id":1,"new":1,"answer":{"status":{"new":"x","build":"9","process":1,"age_ms":2,"sessions":3,"connections":4,"dropped":5,"hooks":"fentry","network":true}}}}"#;
    // One kind of message a frame: a second key beside it is not a field of it.
    assert!(told(&mut client, &frame(status, 0), 0).1.is_some());
    let mut client = crate::support::client();
    let _ = client.ask(Request::Status).unwrap();
    let status = status.replacen(r#""new":{"a":[1]},"#, "", 1);
    let (heard, fault) = told(&mut client, &frame(status, 0), 0);
    assert_eq!(fault, None);
    let [FromDaemon::Answered(_, Answer::Status(status))] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((status.dropped, status.hooks), (5, control::message::Hooks::Unknown));
}

#[test]
fn what_is_left_out_has_one_reading_too() {
    let mut client = client();
    let _ = client.ask(Request::List).unwrap();
    let answer = r#"{"answer":{"id":1,"answer":"done","new":{"a":1,"a":2}}}"#;
    let fault = told(&mut client, &frame(answer, 0), 0).1.unwrap().to_string();
    assert!(fault.contains("`a` stands twice"), "{fault}");
}

#[test]
fn new_words_of_the_daemon_are_unknown() {
    let mut pair = Pair::with_session();
    let event = r#"{"event":{"denied":{"sequence":1,"at_ns":2,"active":1,"call":0,"process":3,"thread":3,"name":"x","kind":"teleport","action":"paused","reason":"moon","access":0}}}"#;
    let (heard, fault) = told(&mut pair.client, &frame(event, 0), 0);
    assert_eq!(fault, None);
    let [FromDaemon::Happened(Event::Denied(denied))] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(
        (denied.kind, denied.action, denied.reason),
        (EventKind::Unknown, Action::Unknown, Reason::Unknown)
    );

    let mut client = client();
    let _ = client.ask(Request::List).unwrap();
    let refused = r#"{"answer":{"id":1,"answer":{"refused":{"code":"tired","sentence":"later"}}}}"#;
    let (heard, _) = told(&mut client, &frame(refused, 0), 0);
    let [FromDaemon::Answered(_, Answer::Refused(refusal))] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((refusal.code, refusal.sentence.as_str()), (Code::Unknown, "later"));
}

#[test]
fn new_kinds_of_messages_need_a_new_version() {
    for text in [
        r#"{"news":{}}"#,
        r#"{"event":{"melted":{"who":"policy","why":""}}}"#,
        r#"{"event":{"frozen":{"who":"moon","why":""}}}"#,
    ] {
        let mut pair = Pair::with_session();
        let fault = told(&mut pair.client, &frame(text, 0), 0).1;
        assert!(matches!(fault, Some(Fault::Unreadable(_))), "{text}: {fault:?}");
    }
    let fault = hear(&mut server(), &frame(r#"{"id":1,"request":"dance"}"#, 0), 0).1;
    assert!(matches!(fault, Some(Fault::Unreadable(_))), "{fault:?}");
}

#[test]
fn who_is_too_old_is_told_so_by_both_ends() {
    let newer = r#"{"magic":"mcpguard-control","oldest":2,"newest":3,"build":"0.9.0"}"#;
    let mut old_client = control::ClientSide::new(crate::support::build());
    let fault = told(&mut old_client, &frame(newer, 0), 0).1.unwrap();
    assert_eq!(
        fault.to_string(),
        "mcpguard (build 0.1.0) speaks no version of the control protocol after 1, and the other side (build 0.9.0) none before 2; upgrade mcpguard and start it again"
    );
    let mut old_server = control::ServerSide::new(crate::support::build());
    let fault = hear(&mut old_server, &frame(newer, 0), 0).1.unwrap();
    assert!(matches!(fault, Fault::Handshake(HandshakeError::NoCommonVersion { .. })));
    let refusal = control::message::Refusal::from(&fault);
    assert!(refusal.sentence.contains("upgrade the mcpguard daemon"), "{}", refusal.sentence);
    // The daemon of a range that reaches down to ours is spoken with.
    let wide = r#"{"magic":"mcpguard-control","oldest":1,"newest":3,"build":"0.9.0"}"#;
    let mut client = control::ClientSide::new(crate::support::build());
    let (heard, _) = told(&mut client, &frame(wide, 0), 0);
    assert!(matches!(&heard[..], [FromDaemon::Greeted(version, _)] if version.number() == 1));
}
