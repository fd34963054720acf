//! What a client or a daemon that means harm can send, and what becomes of it.

use control::{Disorder, Fault, FrameError, FromClient, HandshakeError, MAX_IN_FLIGHT, ServerSide};

use crate::support::{HELLO, Pair, build, client, frame, hear, open, opened, server, told};

fn asked(id: u64, request: &str) -> String {
    format!(r#"{{"id":{id},"request":{request}}}"#)
}

fn text_of_open() -> String {
    asked(1, &serde_json::to_string(&open()).unwrap())
}

/// What a server that has greeted says to one frame.
fn fault_of(payload: &str, announced: u8, came: usize) -> Fault {
    let (heard, fault) = hear(&mut server(), &frame(payload, announced), came);
    assert_eq!(heard, [], "{payload}");
    fault.unwrap_or_else(|| panic!("no fault: {payload}"))
}

#[test]
fn what_is_no_message_is_no_message() {
    let open = text_of_open();
    let limits = |to: &str| asked(1, &format!(r#"{{"limits":{{"sessions":"all","to":{{{to}}}}}}}"#));
    let deep =
        asked(1, &format!(r#"{{"follow":{{"session":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000)));
    let many_keys: String = (0..100).map(|n| format!("\"k{n}\":1,")).collect();
    let grants = [r#"{"classes":1,"until_ns":1,"rule":1,"checked":true}"#; 5].join(",");
    let learn =
        |grants: &str| asked(1, &format!(r#"{{"learn":{{"address":"1.2.3.4","grants":[{grants}]}}}}"#));
    for (payload, why) in [
        (asked(1, r#""list""#).replace(r#""id""#, r#""x":1,"id""#), "unknown field `x`"),
        (r#"{"id":1,"id":1,"request":"list"}"#.to_owned(), "`id` stands twice"),
        (r#"{"id":1,"request":"list","request":"reload"}"#.to_owned(), "`request` stands twice"),
        (r#"{"id":1,"request":"list","\u0072equest":"reload"}"#.to_owned(), "`request` stands twice"),
        (asked(1, r#"{"kill":"all","freeze":"all"}"#), "expected"),
        (asked(1, r#"{"kill":{"user":0,"session":"a"}}"#), "expected"),
        (asked(1, r#"{"kill":{"user":1.0}}"#), "not an integer"),
        (asked(1, r#"{"kill":{"user":-1}}"#), "invalid value"),
        (asked(1, r#"{"kill":{"user":4294967296}}"#), "invalid value"),
        (asked(1, r#"{"kill":{"session":"--all"}}"#), "no hyphen first"),
        (asked(1, r#"{"kill":{"session":""}}"#), "1 to 64"),
        (asked(1, r#"{"kill":{"everything":1}}"#), "unknown variant"),
        (asked(1, r#"{"end":{"why":"\u0000","x":1}}"#), "unknown field `x`"),
        (asked(1, r#"{"limits":{}}"#), "missing field `sessions`"),
        (asked(1, r#"{"limits":"all"}"#), "invalid type"),
        (asked(1, r#"{"limits":{"sessions":"all","x":1}}"#), "unknown field `x`"),
        (limits(r#""memory_byte":1"#), "unknown field `memory_byte`"),
        (limits(r#""memory_bytes":0"#), "0 is no number from 1 to 4611686018427387904"),
        (limits(r#""memory_bytes":4611686018427387905"#), "no number from 1"),
        (limits(r#""memory_bytes":18446744073709551616"#), "not an integer"),
        (limits(r#""memory_bytes":-1"#), "invalid value"),
        (limits(r#""memory_bytes":null"#), "invalid type"),
        (limits(r#""memory_bytes":"1MiB""#), "invalid type"),
        (limits(r#""max_processes":0"#), "0 is no number from 1 to 4194304"),
        (limits(r#""max_processes":4294967297"#), "no number from 1 to 4194304"),
        (limits(r#""cpu_millis":0"#), "0 is no number from 1 to 1024000"),
        (limits(r#""cpu_millis":1024001"#), "no number from 1 to 1024000"),
        (limits(r#""cpu_millis":0.5"#), "not an integer"),
        (limits(r#""cpu_millis":1,"cpu_millis":2"#), "stands twice"),
        (asked(0, r#""list""#), "nonzero"),
        (r#"{"id":18446744073709551616,"request":"list"}"#.to_owned(), "not an integer"),
        (r#"{"id":1}"#.to_owned(), "missing field `request`"),
        (r#"{"request":"list"}"#.to_owned(), "missing field `id`"),
        ("null".to_owned(), "invalid type"),
        (r#"[1,"list"]"#.to_owned(), "invalid type: sequence"),
        (asked(1, r#"{"end":[""]}"#), "invalid type: sequence"),
        (open.replace(r#""companions":[]"#, r#""companions":[],"doors":[1,2]"#), "invalid type: sequence"),
        (format!("{} ,", asked(1, r#""list""#)), "trailing"),
        (format!(r#"{{{many_keys}"id":1,"request":"list"}}"#), "64 keys"),
        (deep, "12 deep"),
        (learn(""), "1 to 4 elements"),
        (learn(&grants), "more than 4"),
        (learn(r#"{"classes":0,"until_ns":1,"rule":1,"checked":true}"#), "nonzero"),
        (open.replace("\"/h\"", "\"h\""), "does not begin with `/`"),
        (open.replace("\"/h\"", r#""/h\u0000""#), "NUL"),
        (open.replace("\"/h\"", r#"{"base64":"L2g="}"#), "stand as text"),
        (open.replace("\"node\"]", "]"), "1 to 4096 elements"),
        (open.replace("github", "-rf"), "begins with no hyphen"),
        (open.replace("github", "00000000000000aa"), "look like an id"),
        (
            open.replace(r#""links":[]"#, r#""links":[{"from":"p.yaml","reference":"q","to":"q"}]"#),
            "not sent",
        ),
        (
            open.replace(r#""companions":[]"#, r#""companions":[],"doors":{"resolver":0,"proxy":1}"#),
            "nonzero",
        ),
        (open.replace(r#""companions":[],"#, ""), "missing field `companions`"),
    ] {
        let fault = fault_of(&payload, 0, 0);
        let shown: String = payload.chars().take(200).collect();
        assert!(matches!(fault, Fault::Unreadable(_)), "{shown}: {fault:?}");
        assert!(fault.to_string().contains(why), "{shown}: {fault}");
        assert!(fault.to_string().len() < 400, "{shown}");
    }
}

#[test]
fn a_hello_is_first_and_only_a_hello() {
    let hello = |text: &str| hear(&mut ServerSide::new(build()), &frame(text, 0), 0).1.unwrap();
    let magic = HELLO.replace("mcpguard-control", "mcpguard-contro1");
    assert_eq!(hello(&magic), Fault::Handshake(HandshakeError::Magic));
    let unreadable = [
        asked(1, r#""list""#),
        HELLO.replace(r#""oldest""#, r#""extra":1,"oldest""#),
        HELLO.replace(r#","build":"0.1.0""#, ""),
        HELLO.replace("0.1.0", "0.1.0 \\u001b[2J"),
        HELLO.replace(r#""newest":1"#, r#""newest":1,"newest":2"#),
        "GET / HTTP/1.1".to_owned(),
    ];
    for text in unreadable {
        assert!(matches!(hello(&text), Fault::Unreadable(_)), "{text}");
    }
    for (range, oldest, newest) in [(r#""oldest":0"#, 0, 1), (r#""oldest":2"#, 2, 1)] {
        let fault = hello(&HELLO.replace(r#""oldest":1"#, range));
        assert_eq!(fault, Fault::Handshake(HandshakeError::Range { oldest, newest }));
    }
    let later = HELLO.replace(r#""oldest":1,"newest":1"#, r#""oldest":7,"newest":9"#);
    assert!(matches!(hello(&later), Fault::Handshake(HandshakeError::NoCommonVersion { .. })));
    // A second hello is no request.
    assert!(matches!(fault_of(HELLO, 0, 0), Fault::Unreadable(_)));
    // Plain HTTP, without a frame: its first bytes are read as a length.
    let fault = hear(&mut ServerSide::new(build()), b"GET / HTTP/1.1\r\n\r\n", 0).1;
    assert!(matches!(fault, Some(Fault::Frame(FrameError::TooLong { .. }))), "{fault:?}");
}

#[test]
fn descriptors_are_as_many_as_the_message_brings() {
    let open = text_of_open();
    let list = asked(1, r#""list""#);
    let few = |came, announced| Fault::Frame(FrameError::TooFewDescriptors { came, announced });
    let many = |came, announced| Fault::Frame(FrameError::TooManyDescriptors { came, announced });
    assert_eq!(fault_of(&open, 0, 0), Fault::Descriptors { came: 0, brings: 1 });
    assert_eq!(fault_of(&open, 2, 2), Fault::Descriptors { came: 2, brings: 1 });
    assert_eq!(fault_of(&open, 1, 0), few(0, 1));
    assert_eq!(fault_of(&list, 1, 1), Fault::Descriptors { came: 1, brings: 0 });
    assert_eq!(fault_of(&list, 255, 255), many(255, 2));
    // More than announced: the message stands, and what is left over is nobody's.
    let (heard, fault) = hear(&mut server(), &frame(&open, 1), 2);
    assert_eq!((heard.len(), fault), (1, Some(many(1, 0))));
    let (heard, fault) = hear(&mut server(), &frame(&list, 0), 1);
    assert_eq!((heard.len(), fault), (1, Some(many(1, 0))));
    // With the hello, and with nothing.
    let fault = hear(&mut ServerSide::new(build()), &frame(HELLO, 1), 1).1;
    assert_eq!(fault, Some(Fault::Descriptors { came: 1, brings: 0 }));
    assert_eq!(hear(&mut server(), b"", 253), (vec![], Some(many(253, 0))));
}

#[test]
fn a_connection_that_ends_within_a_message_is_cut() {
    let whole = [frame(HELLO, 0), frame(asked(1, r#""list""#), 0)].concat();
    let ends = [0, frame(HELLO, 0).len(), whole.len()];
    for cut in 0..=whole.len() {
        let mut server = ServerSide::new(build());
        assert_eq!(hear(&mut server, &whole[..cut], 0).1, None);
        let expected = if ends.contains(&cut) { Ok(()) } else { Err(Fault::Frame(FrameError::Truncated)) };
        assert_eq!(server.end(), expected, "{cut}");
    }
}

#[test]
fn what_is_out_of_turn_ends_the_connection() {
    let open = text_of_open();
    let learn = |id| asked(id, r#"{"forget":{"address":"1.2.3.4"}}"#);
    let end = |id| asked(id, r#"{"end":{"why":""}}"#);
    let number = |number, expected| Disorder::Number { number, expected: Some(expected) };
    let second = open.replacen("\"id\":1", "\"id\":2", 1);
    for (frames, disorder) in [
        (vec![learn(1)], Disorder::NotOpen),
        (vec![end(1)], Disorder::NotOpen),
        (vec![open.clone(), second.clone()], Disorder::SecondOpen),
        (vec![open.clone(), learn(2)], Disorder::NotOpen),
        (vec![open.clone(), asked(2, r#""list""#)], Disorder::Mixed),
        (vec![asked(1, r#""list""#), second], Disorder::Mixed),
        (vec![asked(1, r#"{"follow":{}}"#), asked(2, r#"{"follow":{}}"#)], Disorder::SecondFollow),
        (vec![asked(2, r#""list""#)], number(2, 1)),
        (vec![asked(1, r#""list""#), asked(1, r#""list""#)], number(1, 2)),
        (vec![asked(1, r#""list""#), asked(3, r#""list""#)], number(3, 2)),
        (vec![asked(u64::MAX, r#""list""#)], number(u64::MAX, 1)),
    ] {
        let mut server = server();
        let is_open = |text: &String| text.contains("{\"open\"");
        let heard: Vec<_> = frames
            .iter()
            .map(|text| hear(&mut server, &frame(text, is_open(text).into()), is_open(text).into()))
            .collect();
        let (last, before) = heard.split_last().unwrap();
        assert!(before.iter().all(|(heard, fault)| heard.len() == 1 && fault.is_none()), "{frames:?}");
        assert_eq!(*last, (vec![], Some(Fault::Disorder(disorder))), "{frames:?}");
    }
}

#[test]
fn a_number_is_not_used_again_after_its_answer() {
    let mut pair = Pair::with_session();
    let again = hear(&mut pair.server, &frame(asked(1, r#"{"end":{"why":""}}"#), 0), 0).1;
    assert_eq!(again, Some(Fault::Disorder(Disorder::Number { number: 1, expected: Some(2) })));
}

#[test]
fn a_flood_is_cut_off_at_the_bound() {
    let flood: Vec<u8> = (1..=100_000).flat_map(|id| frame(asked(id, r#""status""#), 0)).collect();
    let mut server = server();
    let (heard, fault) = hear(&mut server, &flood, 0);
    assert_eq!((heard.len(), fault), (MAX_IN_FLIGHT, Some(Fault::Disorder(Disorder::TooMany))));
    // What was asked before is not answered any more: the connection is over.
    let [FromClient::Asked(id, _), ..] = heard[..] else { panic!("{heard:?}") };
    assert!(server.answer(id, control::Answer::Done).is_err());
}

#[test]
fn a_fault_stays() {
    let mut server = server();
    let fault = hear(&mut server, &frame("x", 0), 0).1;
    assert!(fault.is_some());
    for _ in 0..3 {
        let after = hear(&mut server, &frame(asked(1, r#""list""#), 0), 0);
        assert_eq!(after, (vec![], fault.clone()));
    }
    assert_eq!(server.end().err(), fault);
    let refusal = control::message::Refusal::from(&fault.unwrap());
    assert_eq!(refusal.code, control::message::Code::Protocol);
    assert!(server.closing(refusal).is_ok(), "the client is told why");
}

#[test]
fn a_daemon_that_lies_is_not_believed() {
    let done = |id: u64| format!(r#"{{"answer":{{"id":{id},"answer":"done"}}}}"#);
    let event = r#"{"event":{"frozen":{"who":"policy","why":""}}}"#;
    let followed = |id: u64| {
        format!(
            r#"{{"followed":{{"follow":{id},"missed":0,"session":"00000000000000aa","name":"a","uid":1,"event":{{"frozen":{{"who":"policy","why":""}}}}}}}}"#
        )
    };
    let opened_text =
        format!(r#"{{"answer":{{"id":1,"answer":{}}}}}"#, serde_json::to_string(&opened()).unwrap());
    for (text, announced, fault) in [
        (done(2), 0, Fault::Disorder(Disorder::NeverAsked(2))),
        (done(1), 0, Fault::Disorder(Disorder::OtherKind(1))),
        (event.to_owned(), 0, Fault::Disorder(Disorder::NoSession)),
        (followed(1), 0, Fault::Disorder(Disorder::NotFollowed(1))),
        (opened_text.clone(), 0, Fault::Descriptors { came: 0, brings: 2 }),
        (event.to_owned(), 1, Fault::Descriptors { came: 1, brings: 0 }),
    ] {
        let mut client = client();
        let _ = client.ask(open()).unwrap();
        let told = told(&mut client, &frame(&text, announced), announced.into());
        assert_eq!(told, (vec![], Some(fault)), "{text}");
    }
    let mut client = client();
    let _ = client.ask(open()).unwrap();
    assert_eq!(told(&mut client, &frame(&opened_text, 2), 2).1, None);
    let again = told(&mut client, &frame(&opened_text, 2), 2).1;
    assert_eq!(again, Some(Fault::Disorder(Disorder::NeverAsked(1))), "an answer twice");
}
