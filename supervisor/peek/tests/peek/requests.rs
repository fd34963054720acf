//! The requests of a connection: bodies, pipelining, switches, and the tricks that hide a request in another one.

use peek::{Fault, Fed, Host, Requests};

/// What a connection let through: the hosts in order, and how many bytes.
#[derive(Debug, PartialEq, Eq)]
struct Through {
    hosts: Vec<String>,
    bytes: usize,
    fault: Option<Fault>,
}

/// Plays a caller whose reads are `piece` bytes long.
fn play(bytes: &[u8], piece: usize) -> Through {
    let mut requests = Requests::new();
    let mut through = Through { hosts: Vec::new(), bytes: 0, fault: None };
    let mut read = 0;
    while read < bytes.len() && through.fault.is_none() {
        read = bytes.len().min(read + piece);
        through.fault = drain(&mut requests, &bytes[..read], &mut through).err();
    }
    through
}

fn drain(requests: &mut Requests, read: &[u8], through: &mut Through) -> Result<(), Fault> {
    loop {
        match requests.feed(&read[through.bytes..])? {
            Fed::More => return Ok(()),
            Fed::Pass(count) => {
                assert!(count > 0);
                through.bytes += count;
            }
            Fed::Head(head) => {
                through.bytes += head.bytes;
                through.hosts.push(match head.host {
                    Host::Name(name) => name,
                    Host::Address(address) => address.to_string(),
                });
            }
        }
    }
}

/// The same in pieces of every size; where a fault stops it, pieces may have passed on more of the request before it.
fn through(bytes: &[u8]) -> Through {
    let whole = play(bytes, bytes.len().max(1));
    for piece in 1..bytes.len() {
        let pieces = play(bytes, piece);
        assert_eq!(pieces.hosts, whole.hosts, "{piece} {}", bytes.escape_ascii());
        assert_eq!(pieces.fault, whole.fault, "{piece} {}", bytes.escape_ascii());
        assert!(pieces.bytes >= whole.bytes, "{piece} {}", bytes.escape_ascii());
    }
    whole
}

const NEXT: &str = "GET /b HTTP/1.1\r\nHost: b.example\r\n\r\n";

fn request(fields: &str, body: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n{body}")
}

fn fine(first: &str) {
    let bytes = format!("{first}{NEXT}");
    let hosts = vec!["a.example".to_owned(), "b.example".to_owned()];
    assert_eq!(through(bytes.as_bytes()), Through { hosts, bytes: bytes.len(), fault: None }, "{first:?}");
}

/// The trick is a fault, and the request that it hides is told of by nobody.
fn refused(first: &str, fault: Fault) {
    let bytes = format!("{first}{NEXT}");
    let through = through(bytes.as_bytes());
    assert_eq!(through.fault, Some(fault), "{first:?}");
    assert!(through.hosts.iter().all(|host| host == "a.example"), "{first:?} {through:?}");
    assert!(through.bytes < bytes.len());
}

#[test]
fn every_request_of_a_connection_is_told() {
    let bytes = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned() + NEXT + NEXT + NEXT;
    let through = through(bytes.as_bytes());
    assert_eq!(through.hosts, ["a.example", "b.example", "b.example", "b.example"]);
    assert_eq!((through.bytes, through.fault), (bytes.len(), None));
}

#[test]
fn bodies_end_where_they_say() {
    fine(&request("", ""));
    fine(&request("Content-Length: 0\r\n", ""));
    fine(&request("Content-Length: 5\r\n", "GET /"));
    fine(&request(&format!("content-length:{}\r\n", NEXT.len()), NEXT));
    fine(&request("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"));
    fine(&request("transfer-encoding: Chunked \r\n", "5\r\nGET /\r\n0\r\n\r\n"));
    fine(&request("Transfer-Encoding: chunked\r\n", &format!("{:X}\r\n{NEXT}\r\n000\r\n\r\n", NEXT.len())));
    fine(&request(
        "Transfer-Encoding: chunked\r\n",
        "1\r\na\r\n02\r\nbc\r\n0000000000000003\r\ndef\r\n0\r\n\r\n",
    ));
    fine(&request("Transfer-Encoding: chunked\r\n", "1;a=b;c=\"d;e\" ; f\r\na\r\n0;last\r\n\r\n"));
    fine(&request("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nDigest: x\r\nX-Signed: y\r\n\r\n"));
    fine(&request("Expect: 100-continue\r\nContent-Length: 1\r\n", "x"));
    fine(&request("Connection: keep-alive, close, Upgrade\r\nUpgrade: h2c\r\n", ""));
}

#[test]
fn the_host_of_a_hidden_request_is_told_or_refused() {
    let te = "Transfer-Encoding: chunked\r\n";
    let two = Fault::TwoLengths;
    let length = Fault::ContentLength;
    let encoding = Fault::TransferEncoding;
    let cases = [
        (format!("Content-Length: 5\r\n{te}"), two),
        (format!("{te}Content-Length: 5\r\n"), two),
        (format!("{te}Content-Length: 0\r\n"), two),
        (format!("Content-Length: x\r\n{te}"), two),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(),
            Fault::Repeated { field: "Content-Length" },
        ),
        (
            "Content-Length: 5\r\nContent-Length: 5\r\n".to_owned(),
            Fault::Repeated { field: "Content-Length" },
        ),
        ("Content-Length: 5, 5\r\n".to_owned(), length),
        ("Content-Length: 5,6\r\n".to_owned(), length),
        ("Content-Length: +5\r\n".to_owned(), length),
        ("Content-Length: -5\r\n".to_owned(), length),
        ("Content-Length: 05\r\n".to_owned(), length),
        ("Content-Length: 0x5\r\n".to_owned(), length),
        ("Content-Length: 5 5\r\n".to_owned(), length),
        ("Content-Length: 5;\r\n".to_owned(), length),
        ("Content-Length: 5.0\r\n".to_owned(), length),
        ("Content-Length:\r\n".to_owned(), length),
        ("Content-Length: \u{b2}\r\n".to_owned(), length),
        ("Content-Length: 18446744073709551621\r\n".to_owned(), length),
        ("Content-Length: 9223372036854775808\r\n".to_owned(), length),
        ("Content-Length : 5\r\n".to_owned(), Fault::SpaceBeforeColon),
        ("Content-Length: 5\n".to_owned(), Fault::BareLineFeed),
        ("Content-Length:\r\n 5\r\n".to_owned(), Fault::Folded),
        (format!("{te}{te}"), Fault::Repeated { field: "Transfer-Encoding" }),
        ("Transfer-Encoding: chunked, chunked\r\n".to_owned(), encoding),
        ("Transfer-Encoding: gzip, chunked\r\n".to_owned(), encoding),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), encoding),
        ("Transfer-Encoding: identity\r\n".to_owned(), encoding),
        ("Transfer-Encoding: xchunked\r\n".to_owned(), encoding),
        ("Transfer-Encoding: chunked;a=b\r\n".to_owned(), encoding),
        ("Transfer-Encoding: \"chunked\"\r\n".to_owned(), encoding),
        ("Transfer-Encoding:\r\n".to_owned(), encoding),
        ("Transfer-Encoding: \u{b}chunked\r\n".to_owned(), Fault::Field),
        ("Transfer-Encoding : chunked\r\n".to_owned(), Fault::SpaceBeforeColon),
        ("Transfer-Encoding:\r\n chunked\r\n".to_owned(), Fault::Folded),
        ("X: y\rTransfer-Encoding: chunked\r\n".to_owned(), Fault::BareCarriageReturn),
        (format!("Connection: Content-Length\r\n{te}"), Fault::DroppedField { field: "Content-Length" }),
        (
            format!("Connection: x,transfer-encoding \r\n{te}"),
            Fault::DroppedField { field: "Transfer-Encoding" },
        ),
    ];
    for (fields, fault) in cases {
        refused(&request(&fields, "0\r\n\r\n"), fault);
    }
    refused(
        "POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Fault::TransferEncoding,
    );
}

#[test]
fn chunks_are_read_in_one_way() {
    let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1025));
    let cases = [
        ("\r\n\r\n", Fault::ChunkSize),
        ("g\r\n", Fault::ChunkSize),
        ("0x1\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("-1\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("+1\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        (" 1\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("1 \r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("1_0\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        (";a\r\n0\r\n\r\n", Fault::ChunkSize),
        ("1\0\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("8000000000000000\r\n", Fault::ChunkSize),
        ("FFFFFFFFFFFFFFFF\r\n", Fault::ChunkSize),
        ("10000000000000000\r\n", Fault::ChunkSize),
        ("00000000000000001\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("1\na\r\n0\r\n\r\n", Fault::BareLineFeed),
        ("0\n\r\n", Fault::BareLineFeed),
        ("1;a\nb\r\na\r\n0\r\n\r\n", Fault::BareLineFeed),
        ("1;\n\r\na\r\n0\r\n\r\n", Fault::BareLineFeed),
        ("1;a\rb\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        ("1\ra\r\n0\r\n\r\n", Fault::ChunkSize),
        ("1;\0\r\na\r\n0\r\n\r\n", Fault::ChunkSize),
        (&long, Fault::ChunkExtension),
        ("1\r\nab\r\n0\r\n\r\n", Fault::ChunkEnd),
        ("1\r\na\n0\r\n\r\n", Fault::ChunkEnd),
        ("1\r\na\rb0\r\n\r\n", Fault::ChunkEnd),
        ("1\r\na0\r\n\r\n", Fault::ChunkEnd),
        ("2\r\na\r\n0\r\n\r\n", Fault::ChunkEnd),
        ("0\r\n\n", Fault::BareLineFeed),
        ("0\r\nX: y\n\r\n", Fault::BareLineFeed),
        ("0\r\nX: y\r\n z\r\n\r\n", Fault::Folded),
        ("0\r\nX : y\r\n\r\n", Fault::SpaceBeforeColon),
        ("0\r\nX: \0\r\n\r\n", Fault::Nul),
        ("0\r\nHost: b.example\r\n\r\n", Fault::Trailer { field: "Host" }),
        ("0\r\nX: y\r\ncontent-length: 5\r\n\r\n", Fault::Trailer { field: "Content-Length" }),
        ("0\r\ntransfer-encoding: x\r\n\r\n", Fault::Trailer { field: "Transfer-Encoding" }),
        // Without the empty line the next request is no trailer.
        ("0\r\n", Fault::Field),
    ];
    for (body, fault) in cases {
        refused(&request("Transfer-Encoding: chunked\r\n", body), fault);
    }
}

#[test]
fn trailers_have_an_end() {
    let head = request("Transfer-Encoding: chunked\r\n", "0\r\n");
    let endless = format!("{head}X: {}", "x".repeat(17_000));
    assert_eq!(play(endless.as_bytes(), 1000).fault, Some(Fault::TooLong));
    let many = format!("{head}{}\r\n", "a: b\r\n".repeat(129));
    assert_eq!(play(many.as_bytes(), 1000).fault, Some(Fault::TooManyFields));
}

#[test]
fn later_heads_are_held_to_the_same_rules() {
    let first = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", Fault::NoHost),
        ("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n", Fault::Connect),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Fault::Http2),
        ("\r\n", Fault::EmptyLine),
        ("\u{16}\u{3}\u{1}", Fault::NotHttp),
        ("GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", Fault::OtherHost),
    ];
    for (second, fault) in cases {
        refused(&format!("{first}{second}"), fault);
    }
}

#[test]
fn a_fault_stays() {
    let mut requests = Requests::new();
    assert_eq!(requests.feed(b"\n"), Err(Fault::EmptyLine));
    assert_eq!(requests.feed(NEXT.as_bytes()), Err(Fault::EmptyLine));
    assert_eq!(requests.feed(b""), Err(Fault::EmptyLine));
    assert_eq!(requests.switched(), Err(Fault::EmptyLine));
    assert_eq!(requests.unseen(), 0);
}

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

fn fed(bytes: &str) -> Requests {
    let mut requests = Requests::new();
    let mut through = Through { hosts: Vec::new(), bytes: 0, fault: None };
    drain(&mut requests, bytes.as_bytes(), &mut through).expect("no fault");
    assert_eq!(through.bytes, bytes.len());
    requests
}

#[test]
fn a_switch_to_websocket_makes_the_rest_opaque() {
    let mut requests = fed(UPGRADE);
    assert_eq!(requests.switched(), Ok(()));
    assert_eq!(requests.unseen(), u64::MAX);
    assert_eq!(requests.feed(b"\x81\x85\0\n"), Ok(Fed::Pass(4)));
    assert_eq!(requests.passed(1 << 40), Ok(()));
    assert_eq!(requests.feed(NEXT.as_bytes()), Ok(Fed::Pass(NEXT.len())));
}

#[test]
fn without_a_switch_it_stays_http() {
    let mut requests = fed(UPGRADE);
    assert!(
        matches!(requests.feed(NEXT.as_bytes()), Ok(Fed::Head(head)) if head.host == Host::Name("b.example".into()))
    );
    assert_eq!(fed(UPGRADE).feed(b"\x81\x85"), Err(Fault::NotHttp));
}

#[test]
fn other_switches_are_refused() {
    let cases = [
        NEXT.to_owned(),
        format!("{NEXT}{UPGRADE}"),
        format!("{UPGRADE}{NEXT}"),
        format!("{UPGRADE}{UPGRADE}"),
        UPGRADE.replace("WebSocket", "h2c"),
        UPGRADE.replace("WebSocket", "TLS/1.2"),
        UPGRADE.replace("WebSocket", "websocket, h2c"),
        UPGRADE.replace("WebSocket", "connect-udp"),
        UPGRADE.replace("HTTP/1.1", "HTTP/1.0"),
        UPGRADE.replace(", Upgrade", ""),
        UPGRADE.replace("Upgrade: WebSocket\r\n", ""),
        UPGRADE.replace("Upgrade: W", "Content-Length: 9\r\nUpgrade: W") + "123456789" + NEXT,
    ];
    for bytes in cases {
        let mut requests = fed(&bytes);
        assert_eq!(requests.switched(), Err(Fault::Switch), "{bytes:?}");
        assert_eq!(requests.feed(NEXT.as_bytes()), Err(Fault::Switch), "{bytes:?}");
    }
    let twice = UPGRADE.replace("\r\n\r\n", "\r\nUpgrade: h2c\r\n\r\n");
    assert_eq!(play(twice.as_bytes(), 1000).fault, Some(Fault::Repeated { field: "Upgrade" }));
    // In the middle of its body a request cannot be answered with a switch.
    let mut open = fed(&UPGRADE.replace("Upgrade: W", "Content-Length: 9\r\nUpgrade: W"));
    assert_eq!(open.switched(), Err(Fault::Switch));
    let mut begun = Requests::new();
    assert_eq!(begun.switched(), Err(Fault::Switch));
}

#[test]
fn bodies_may_be_passed_on_unseen() {
    let mut requests = fed(&request("Content-Length: 1000\r\n", ""));
    assert_eq!(requests.unseen(), 1000);
    assert_eq!(requests.passed(400), Ok(()));
    assert_eq!(requests.feed(&[0; 100]), Ok(Fed::Pass(100)));
    assert_eq!((requests.unseen(), requests.passed(500)), (500, Ok(())));
    assert_eq!(requests.unseen(), 0);
    assert!(matches!(requests.feed(NEXT.as_bytes()), Ok(Fed::Head(_))));

    let mut requests = fed(&request("Transfer-Encoding: chunked\r\n", "a\r\n123"));
    assert_eq!((requests.unseen(), requests.passed(7)), (7, Ok(())));
    assert_eq!(requests.feed(b"\r\n0\r\n"), Ok(Fed::Pass(5)));
    assert_eq!(requests.feed(b"\r\n"), Ok(Fed::Pass(2)));
    assert!(matches!(requests.feed(NEXT.as_bytes()), Ok(Fed::Head(_))));
}

#[test]
fn no_more_is_passed_on_unseen_than_there_is() {
    let mut requests = fed(&request("Content-Length: 10\r\n", ""));
    assert_eq!(requests.passed(11), Err(Fault::Overrun));
    assert_eq!(requests.feed(b"0123456789"), Err(Fault::Overrun));
    assert_eq!(Requests::new().passed(1), Err(Fault::Overrun));
}
