//! What holds for any bytes: nothing panics, cuts change nothing, memory stays within the limit, a fault is the end.

use std::num::NonZeroU64;

use control::message::{Command, End, Grant, Learn};
use control::{
    ClientSide, Fault, FromClient, HEAD, MAX_ARGUMENT, MAX_OPEN, MAX_TOLD, OsBytes, PathBytes, Request,
    Selector, ServerSide,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{HELLO, Pair, build, frame, hear, learn, open, told};

/// Frames as a client might send them: each with the descriptors that it announces.
fn speech() -> impl Strategy<Value = Vec<(Vec<u8>, u8)>> {
    let open = serde_json::to_string(&open()).unwrap();
    let learn = serde_json::to_string(&learn()).unwrap();
    let requests = [
        open.as_str(),
        &learn,
        r#""list""#,
        r#""status""#,
        r#"{"kill":"all"}"#,
        r#"{"follow":{"user":1}}"#,
        r#"{"end":{"why":"x"}}"#,
        r#"{"kill":"all","x":1}"#,
        "[1]",
    ]
    .map(str::to_owned);
    let request = (prop::sample::select(requests.to_vec()), 1..4_u64, prop::bool::weighted(0.8));
    let payload = move |first: bool, (text, number, in_order): (String, u64, bool), at: u64| {
        let number = if in_order { at } else { number };
        let descriptors = u8::from(text.starts_with("{\"open\""));
        let payload = if first { HELLO.to_owned() } else { format!(r#"{{"id":{number},"request":{text}}}"#) };
        (payload.into_bytes(), if first { 0 } else { descriptors })
    };
    let changes = prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..2);
    (prop::collection::vec(request, 1..8), changes).prop_map(move |(requests, changes)| {
        let mut all: Vec<(Vec<u8>, u8)> = requests
            .into_iter()
            .zip(0..)
            .map(|(request, at)| payload(at == 0, request, at))
            .map(|(payload, descriptors)| (frame(payload, descriptors), descriptors))
            .collect();
        let brings = all.iter().any(|(_, descriptors)| *descriptors > 0);
        for (which, at, byte) in changes {
            let which = which.index(all.len());
            let bytes = &mut all[which].0;
            let at = at.index(bytes.len());
            // Where heads lie, whose descriptors they are depends on the reads: the first fault is another one.
            if !(brings && at < HEAD) {
                bytes[at] = byte;
            }
        }
        all
    })
}

/// Gives the stream in pieces that end at `cuts`; the descriptors of a frame come with the piece of its first byte.
fn in_pieces(stream: &[(Vec<u8>, u8)], cuts: &[Index]) -> (Vec<FromClient>, Option<Fault>) {
    let bytes: Vec<u8> = stream.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
    let mut begins = Vec::new();
    stream.iter().fold(0, |at, (bytes, descriptors)| {
        begins.push((at, usize::from(*descriptors)));
        at + bytes.len()
    });
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([bytes.len()]).collect();
    ends.sort_unstable();
    let (mut server, mut heard, mut from) = (ServerSide::new(build()), Vec::new(), 0);
    for to in ends {
        let with = begins.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, n)| n).sum();
        let (some, fault) = hear(&mut server, &bytes[from..to], with);
        heard.extend(some);
        assert!(server.held() <= MAX_OPEN);
        if fault.is_some() {
            return (heard, fault);
        }
        from = to;
    }
    (heard, None)
}

/// Bytes that no text needs to be.
fn os_bytes(most: usize) -> impl Strategy<Value = OsBytes> {
    let text = "\\PC{0,20}".prop_map(String::into_bytes);
    let bytes = prop::collection::vec(1..=u8::MAX, 0..most);
    prop_oneof![text, bytes].prop_map(|bytes| OsBytes::new(bytes).unwrap())
}

fn request() -> impl Strategy<Value = Request> {
    let classes = (1..=u64::MAX).prop_map(|bits| NonZeroU64::new(bits).unwrap());
    let grant = (classes, any::<u64>(), any::<u32>(), any::<bool>())
        .prop_map(|(classes, until_ns, rule, checked)| Grant { classes, until_ns, rule, checked });
    let learn = (any::<std::net::IpAddr>(), prop::collection::vec(grant, 1..=4))
        .prop_map(|(address, grants)| Request::Learn(Learn { address, grants }));
    let arrived = any::<std::net::SocketAddr>().prop_map(|mut peer| {
        // Flow labels have no text form, and accepted connections have none.
        if let std::net::SocketAddr::V6(v6) = &mut peer {
            v6.set_flowinfo(0);
        }
        Request::Arrived(control::message::Arrived { peer })
    });
    let end = "(?s).{0,200}".prop_map(|why| Request::End(End { why }));
    prop_oneof![learn, arrived, end]
}

proptest! {
    #[test]
    fn cuts_change_nothing(stream in speech(), cuts in prop::collection::vec(any::<Index>(), 0..12)) {
        let whole = in_pieces(&stream, &[]);
        prop_assert_eq!(in_pieces(&stream, &cuts), whole);
    }

    #[test]
    fn every_byte_alone_changes_nothing(stream in speech()) {
        let length = stream.iter().map(|(bytes, _)| bytes.len()).sum::<usize>();
        let mut server = ServerSide::new(build());
        let (mut heard, mut fault) = (Vec::new(), None);
        'stream: for (bytes, descriptors) in &stream {
            for (at, byte) in bytes.iter().enumerate() {
                let with = if at == 0 { usize::from(*descriptors) } else { 0 };
                let (some, wrong) = hear(&mut server, &[*byte], with);
                heard.extend(some);
                fault = wrong;
                if fault.is_some() {
                    break 'stream;
                }
            }
        }
        prop_assert!(server.held() <= 2 * length);
        prop_assert_eq!((heard, fault), in_pieces(&stream, &[]));
    }

    #[test]
    fn any_bytes_end_in_a_fault_or_a_wait(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        greeted in any::<bool>(),
        descriptors in 0..4_usize,
    ) {
        let (mut server, mut client) = match greeted {
            true => { let pair = Pair::new(); (pair.server, pair.client) }
            false => (ServerSide::new(build()), ClientSide::new(build())),
        };
        let (_, first) = hear(&mut server, &bytes, descriptors);
        prop_assert!(server.held() <= 2 * bytes.len());
        let (_, again) = hear(&mut server, &[], 0);
        prop_assert_eq!(&again, &first, "a fault stays, and a wait goes on");
        told(&mut client, &bytes, descriptors);
        prop_assert!(client.held() <= 2 * bytes.len());
    }

    #[test]
    fn any_payload_is_read_or_refused(payload in prop::collection::vec(any::<u8>(), 1..300), text in "\\PC{1,100}") {
        for payload in [payload, text.into_bytes()] {
            let mut pair = Pair::new();
            let (heard, fault) = hear(&mut pair.server, &frame(&payload, 0), 0);
            prop_assert_eq!(heard.is_empty(), fault.is_some());
            let (heard, fault) = told(&mut pair.client, &frame(&payload, 0), 0);
            prop_assert_eq!(heard.is_empty(), fault.is_some());
            let longest = fault.map_or(0, |fault| fault.to_string().len());
            prop_assert!(longest < 500 && payload.len() < MAX_TOLD);
        }
    }

    #[test]
    fn requests_come_out_as_they_went_in(request in request()) {
        Pair::with_session().ask(request);
    }

    #[test]
    fn bytes_survive(argv in prop::collection::vec(os_bytes(200), 1..8), path in os_bytes(300)) {
        prop_assert!(path.as_bytes().len() < MAX_ARGUMENT);
        let Request::Open(mut open) = open() else { panic!("open opens") };
        let program = PathBytes::new([b"/", path.as_bytes()].concat()).unwrap();
        open.command = Command { program, argv };
        Pair::new().ask(Request::Open(open));
    }

    #[test]
    fn words_are_words_on_both_ends(text in "[a-zA-Z0-9-]{0,70}") {
        match text.parse() {
            Ok(word) => { Pair::new().ask(Request::Kill(Selector::Session(word))); }
            Err(_) => {
                let payload = format!(r#"{{"id":1,"request":{{"kill":{{"session":"{text}"}}}}}}"#);
                prop_assert!(hear(&mut Pair::new().server, &frame(payload, 0), 0).1.is_some());
            }
        }
    }
}
