//! What holds for any bytes: nothing panics, decisions stay, pieces change nothing.

use std::net::Ipv6Addr;

use peek::{Answer, Expect, Fault, Fed, Handshake, MAX_HEAD, Peek, Peeking, Requests, answer, peek};
use proptest::prelude::*;

use crate::lenient;
use crate::support::{extension, hello, names, with};

/// Bytes that look like something: a real hello or request that was changed here and there, and joined with others.
fn speech() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST http://a.example/ HTTP/1.0\r\n",
        "Host: a.example\r\n",
        "Host: b.example:80\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\n",
        "X: y\r\n",
        "\r\n",
        "\n",
        "\r",
        " ",
        "5\r\nhello\r\n",
        "0\r\n",
        "a;b=c\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ]);
    let hellos = ["openssl", "openssl-cut", "java"].map(hello);
    let handmade = with(&[names(&[(0, b"a.example")]), extension(0xfe0d, b"x")]);
    let part = prop_oneof![
        6 => text.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(hellos.to_vec()),
        2 => Just(handmade),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let joined = prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat());
    (joined, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)).prop_map(changed)
}

fn changed((mut bytes, changes): (Vec<u8>, Vec<(prop::sample::Index, u8)>)) -> Vec<u8> {
    for (at, byte) in changes {
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
    }
    bytes
}

/// Requests with bodies of all kinds, most of them sound, with a change here and there.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop::sample::select(vec![
        "",
        "Content-Length: 5\r\n",
        "Content-Length: 05\r\n",
        "Content-Length: 37\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\n",
        "Transfer-Encoding : chunked\r\n",
        "X: y\r\n",
    ]);
    let body = prop::sample::select(vec![
        "",
        "hello",
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "25\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ]);
    let host = prop::sample::select(vec!["a.example", "B.example:80", "10.0.0.1", "[::1]"]);
    let request = (host, prop::collection::vec(fields, 0..3), body).prop_map(|(host, fields, body)| {
        format!("POST / HTTP/1.1\r\nHost: {host}\r\n{}\r\n{body}", fields.concat())
    });
    let all = prop::collection::vec(request, 1..5).prop_map(|all| all.concat().into_bytes());
    (all, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2)).prop_map(changed)
}

fn begun(rest: Vec<u8>) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\n", &rest[..]].concat()
}

/// A host as it may stand in the field.
fn shown(head: &peek::Head) -> String {
    let host = match &head.host {
        peek::Host::Name(name) => name.clone(),
        peek::Host::Address(std::net::IpAddr::V6(address)) => format!("[{address}]"),
        peek::Host::Address(address) => address.to_string(),
    };
    head.port.map_or(host.clone(), |port| format!("{host}:{port}"))
}

/// The same without what differs in spelling only: a last dot, and the many ways to write an address in brackets
/// (RFC 4291, section 2.2).
fn plain(host: &str) -> String {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => (name, Some(port)),
        _ => (host, None),
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name = match bracketed.and_then(|address| address.parse::<Ipv6Addr>().ok()) {
        Some(address) => format!("[{address}]"),
        None => name.trim_end_matches('.').to_owned(),
    };
    port.map_or(name.clone(), |port| format!("{name}:{port}"))
}

/// `[::0]` is `[::]`, with a port and without; found by the property below.
#[test]
fn what_differs_in_spelling_only_is_the_same() {
    assert_eq!(plain("[::0]"), "[::]");
    assert_eq!(plain("[0:0::1]:80"), "[::1]:80");
    assert_eq!(plain("a.example.:80"), "a.example:80");
    assert_eq!(plain("[::1"), "[::1");
}

/// Each prefix says the same as the whole, or nothing yet; and memory changes nothing.
fn stays(bytes: &[u8], expect: Expect) -> Peek {
    let whole = peek(bytes, expect);
    let mut peeking = Peeking::new(expect);
    for end in 0..=bytes.len() {
        let seen = peeking.look(&bytes[..end]);
        assert_eq!(seen, peek(&bytes[..end], expect), "{end}");
        if seen != Peek::More {
            assert_eq!(seen, whole, "{end}");
            assert_eq!(peeking.look(bytes), whole, "asked once more");
            break;
        }
    }
    whole
}

/// The heads that were told, the bytes that were passed on, and how it ended.
fn follow(bytes: &[u8], pieces: &[usize]) -> (Vec<peek::Head>, usize, Option<Fault>) {
    let (mut requests, mut heads, mut passed, mut read) = (Requests::new(), Vec::new(), 0, 0);
    for piece in pieces.iter().chain([&bytes.len()]) {
        read = bytes.len().min(read + piece);
        loop {
            match requests.feed(&bytes[passed..read]) {
                Ok(Fed::More) => break,
                Ok(Fed::Pass(count)) => {
                    assert!((1..=read - passed).contains(&count));
                    passed += count;
                }
                Ok(Fed::Head(head)) => {
                    assert!((1..=MAX_HEAD.min(read - passed)).contains(&head.bytes));
                    passed += head.bytes;
                    heads.push(head);
                }
                Err(fault) => return (heads, passed, Some(fault)),
            }
        }
        assert!(read - passed < MAX_HEAD, "a fault comes before more than {MAX_HEAD} bytes wait");
    }
    (heads, passed, None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        stays(&bytes, Expect::Tls);
        stays(&bytes, Expect::Http);
        follow(&bytes, &[]);
        answer(&bytes);
    }

    #[test]
    fn a_decision_stays(bytes in speech()) {
        for expect in [Expect::Tls, Expect::Http] {
            let whole = stays(&bytes, expect);
            if whole != Peek::More {
                assert_eq!(peek(&[&bytes[..], b"\r\n\r\n and more"].concat(), expect), whole);
            }
        }
    }

    #[test]
    fn pieces_change_nothing(bytes in speech(), pieces in prop::collection::vec(1_usize..60, 0..40)) {
        let (heads, passed, fault) = follow(&bytes, &[]);
        let (heads_in_pieces, passed_in_pieces, fault_in_pieces) = follow(&bytes, &pieces);
        assert_eq!(heads, heads_in_pieces);
        assert_eq!(fault, fault_in_pieces);
        assert!(passed_in_pieces >= passed && (fault.is_some() || passed_in_pieces == passed));
    }

    /// The first head of a connection is the one that `peek` tells of.
    #[test]
    fn peek_and_requests_agree(bytes in prop_oneof![requests(), speech().prop_map(begun)]) {
        prop_assume!(bytes.first().is_some_and(u8::is_ascii_alphabetic));
        let first = match Requests::new().feed(&bytes) {
            Ok(Fed::More) => Peek::More,
            Ok(Fed::Head(head)) => Peek::Http(head),
            Ok(Fed::Pass(_)) => unreachable!("nothing was checked yet"),
            Err(fault) => Peek::Fault(fault),
        };
        assert_eq!(first, peek(&bytes, Expect::Http));
    }

    /// What was passed on means the same hosts to a careless reader.
    #[test]
    fn a_careless_reader_sees_the_same_hosts(bytes in requests()) {
        let (heads, passed, _) = follow(&bytes, &[]);
        let told: Vec<String> = heads.iter().map(shown).collect();
        let seen: Vec<String> = lenient::hosts(&bytes[..passed]);
        assert_eq!(told, seen.iter().map(|host| plain(host)).collect::<Vec<_>>(), "{}", bytes.escape_ascii());
    }

    #[test]
    fn a_handshake_takes_any_bytes(server in speech(), client in speech()) {
        let Peek::Tls(first) = peek(&hello("openssl"), Expect::Tls) else { unreachable!("a real hello") };
        let mut handshake = Handshake::new(&first);
        let mut passed = 0;
        for end in 0..=server.len().max(client.len()) {
            handshake.from_server(&server[..end.min(server.len())]);
            while let Ok(Fed::Pass(count)) = handshake.from_client(&client[passed..end.clamp(passed, client.len())]) {
                assert!(count > 0);
                passed += count;
            }
        }
        assert!(passed <= client.len());
    }
}

/// 16 KiB in as many looks; the bench says what it costs.
#[test]
fn a_long_head_may_come_byte_by_byte() {
    let begin = b"GET / HTTP/1.1\r\nHost: a.example\r\n";
    let bytes = [&begin[..], &b"a: b\r\n".repeat(100), b"X: ", &vec![b'x'; 15_000]].concat();
    let mut peeking = Peeking::new(Expect::Http);
    let mut requests = Requests::new();
    for end in 0..bytes.len() {
        assert_eq!(peeking.look(&bytes[..end]), Peek::More);
        assert_eq!(requests.feed(&bytes[..end]), Ok(Fed::More));
    }
    let whole = [&bytes[..], b"\r\n\r\n"].concat();
    assert!(matches!(peeking.look(&whole), Peek::Http(head) if head.bytes == whole.len()));
}

/// What a peer answers is told from its first bytes on, however they are cut.
#[test]
fn an_answer_in_pieces_is_told_at_its_thirteenth_byte() {
    let bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    for end in 0..=bytes.len() {
        assert_eq!(answer(&bytes[..end]), if end < 13 { Answer::More } else { Answer::Switches });
    }
}
