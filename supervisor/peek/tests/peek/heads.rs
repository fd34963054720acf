//! One HTTP head: whom it is for, and the tricks that make it mean two hosts.

use peek::{Expect, Fault, Head, Host, MAX_HEAD, NameFault, Peek, Peeking, Speaker, peek};

fn head(bytes: &str) -> Head {
    match peek(bytes.as_bytes(), Expect::Http) {
        Peek::Http(head) => head,
        other => panic!("{bytes:?} {other:?}"),
    }
}

/// The bytes are refused when they are whole, whatever follows, and each piece of them is open or refused likewise.
fn refused(bytes: &[u8], fault: Fault) {
    let shown = bytes.escape_ascii();
    assert_eq!(peek(bytes, Expect::Http), Peek::Fault(fault), "{shown}");
    assert_eq!(peek(&[bytes, b"GET / HTTP/1.1\r\n"].concat(), Expect::Http), Peek::Fault(fault), "{shown}");
    let mut peeking = Peeking::new(Expect::Http);
    for end in 0..=bytes.len() {
        let seen = peek(&bytes[..end], Expect::Http);
        assert!(seen == Peek::More || seen == Peek::Fault(fault), "{shown} {end} {seen:?}");
        assert_eq!(peeking.look(&bytes[..end]), seen, "{shown} {end}");
        if seen != Peek::More {
            break;
        }
    }
}

fn host(why: NameFault) -> Fault {
    Fault::Name { speaker: Speaker::HostField, why }
}

#[test]
fn the_host_is_told() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: Good.Example\r\n\r\n", "good.example", None),
        ("GET / HTTP/1.1\r\nhOST:good.example:8080\r\n\r\n", "good.example", Some(8080)),
        ("GET / HTTP/1.0\r\nHost: \t good.example. \t\r\n\r\n", "good.example", None),
        (
            "POST /a?b=c HTTP/1.1\r\nA: b\r\nHost: good.example\r\nContent-Length: 5\r\n\r\n",
            "good.example",
            None,
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: good.example\r\n\r\n", "good.example", None),
        ("PROPFIND //x@y HTTP/1.1\r\nHost: good.example\r\n\r\n", "good.example", None),
        ("GET http://good.example HTTP/1.1\r\nHost: good.example\r\n\r\n", "good.example", None),
        ("GET HTTP://GOOD.example:80/ HTTP/1.1\r\nHost: good.example\r\n\r\n", "good.example", None),
        ("GET http://good.example?a@b HTTP/1.1\r\nHost: good.example:80\r\n\r\n", "good.example", Some(80)),
        ("GET / HTTP/1.1\r\nHost: good.example\r\nX: \u{fc}\r\nEmpty:\r\n\r\n", "good.example", None),
    ];
    for (bytes, name, port) in cases {
        let head = head(bytes);
        assert_eq!((head.host, head.port), (Host::Name(name.to_owned()), port), "{bytes:?}");
        assert_eq!(head.bytes, bytes.len(), "{bytes:?}");
    }
}

#[test]
fn an_address_is_no_name() {
    for (raw, address) in [("10.0.0.1", "10.0.0.1"), ("[::1]", "::1"), ("[::ffff:10.0.0.1]", "10.0.0.1")] {
        let head = head(&format!("GET / HTTP/1.1\r\nHost: {raw}:80\r\n\r\n"));
        assert_eq!(head.host, Host::Address(address.parse().expect("an address")), "{raw}");
        assert_eq!(head.port, Some(80));
    }
}

#[test]
fn nothing_is_said_before_the_last_byte() {
    let bytes = b"GET /some/path?and=more HTTP/1.1\r\nHost: good.example\r\nUser-Agent: x\r\n\r\n";
    let mut peeking = Peeking::new(Expect::Http);
    for end in 0..bytes.len() {
        assert_eq!(peek(&bytes[..end], Expect::Http), Peek::More, "{end}");
        assert_eq!(peeking.look(&bytes[..end]), Peek::More, "{end}");
    }
    let whole = peek(bytes, Expect::Http);
    assert_eq!(peeking.look(bytes), whole);
    assert_eq!(peek(&[&bytes[..], b"\0\n rubbish"].concat(), Expect::Http), whole);
}

#[test]
fn one_host_is_named() {
    let cases = [
        ("Host: good.example\r\nHost: evil.example", Fault::Repeated { field: "Host" }),
        ("Host: good.example\r\nhost: good.example", Fault::Repeated { field: "Host" }),
        ("A: b", Fault::NoHost),
        ("X-Host: good.example", Fault::NoHost),
        ("Host:", host(NameFault::Empty)),
        ("Host: ", host(NameFault::Empty)),
        ("Host: :80", host(NameFault::Empty)),
        ("Host: evil@good.example", host(NameFault::User)),
        ("Host: good.example@evil.example", host(NameFault::User)),
        ("Host: good.example, evil.example", host(NameFault::Character)),
        ("Host: good.example evil.example", host(NameFault::Character)),
        ("Host: good.example\tevil.example", host(NameFault::Character)),
        ("Host: good.example/evil", host(NameFault::Character)),
        ("Host: good.example\\evil", host(NameFault::Character)),
        ("Host: http://good.example", host(NameFault::Port)),
        ("Host: good%2eexample", host(NameFault::Character)),
        ("Host: \"good.example\"", host(NameFault::Character)),
        ("Host: good.example:", host(NameFault::Port)),
        ("Host: good.example:99999", host(NameFault::Port)),
        ("Host: good.example:80:80", host(NameFault::Port)),
        ("Host: ::1", host(NameFault::Empty)),
        ("Host: [fe80::1%25lo]", host(NameFault::Brackets)),
        ("Host: 0x7f000001", host(NameFault::Address)),
        ("Host: 127.1", host(NameFault::Address)),
        ("Host: g\u{f6}od.example", host(NameFault::Character)),
        ("Connection: close, Host\r\nHost: good.example", Fault::DroppedField { field: "Host" }),
        ("Host: good.example\r\nExpect: x, 100-continue", Fault::Expectation),
    ];
    for (fields, fault) in cases {
        refused(format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes(), fault);
    }
}

#[test]
fn http_1_0_names_its_host_too() {
    refused(b"GET / HTTP/1.0\r\n\r\n", Fault::NoHost);
    refused(b"GET / HTTP/1.0\r\nAccept: */*\r\n\r\n", Fault::NoHost);
}

#[test]
fn the_target_is_for_the_host() {
    let url = |why| Fault::Name { speaker: Speaker::RequestLine, why };
    let cases = [
        ("http://evil.example/", Fault::OtherHost),
        ("http://good.example:81/", Fault::OtherHost),
        ("http://good.example.evil.example/", Fault::OtherHost),
        ("http://evil.example?http://good.example/", Fault::OtherHost),
        ("http://evil.example#@good.example/", Fault::OtherHost),
        ("http://10.0.0.1/", Fault::OtherHost),
        ("http://good.example@evil.example/", url(NameFault::User)),
        ("http://evil@good.example/", url(NameFault::User)),
        ("http://evil.example\\@good.example/", url(NameFault::User)),
        ("http://evil.example\\.good.example/", url(NameFault::Character)),
        ("http:///good.example/", url(NameFault::Empty)),
        ("http://", url(NameFault::Empty)),
        ("https://good.example/", Fault::Target),
        ("ftp://good.example/", Fault::Target),
        ("http:/good.example/", Fault::Target),
        ("http:good.example", Fault::Target),
        ("good.example:80", Fault::Target),
        ("good.example/", Fault::Target),
        ("evil", Fault::Target),
        ("*", Fault::Target),
        ("?x", Fault::Target),
    ];
    for (target, fault) in cases {
        refused(format!("GET {target} HTTP/1.1\r\nHost: good.example\r\n\r\n").as_bytes(), fault);
    }
    refused(b"OPTIONS *x HTTP/1.1\r\nHost: good.example\r\n\r\n", Fault::Target);
}

#[test]
fn other_protocols_are_refused() {
    refused(b"CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n", Fault::Connect);
    refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Fault::Http2);
    refused(b"GET /\r\n", Fault::RequestLine);
    refused(b"HELO good.example\r\n", Fault::RequestLine);
    refused(b"EHLO\r\n", Fault::NotHttp);
    refused(b"SSH-2.0-OpenSSH_9.2\r\n", Fault::NotHttp);
    refused(b"\r\nGET / HTTP/1.1\r\nHost: good.example\r\n\r\n", Fault::EmptyLine);
    refused(b"\nGET / HTTP/1.1\r\nHost: good.example\r\n\r\n", Fault::EmptyLine);
    refused(b"\0", Fault::NotHttp);
    refused(b"\x04\x01\x00P\x0a\x00\x00\x01\x00", Fault::NotHttp);
}

#[test]
fn the_request_line_has_one_shape() {
    let cases: [(&[u8], Fault); 14] = [
        (b"GET  / HTTP/1.1", Fault::RequestLine),
        (b"GET /  HTTP/1.1", Fault::RequestLine),
        (b"GET\t/ HTTP/1.1", Fault::RequestLine),
        (b"GET / HTTP/1.1 ", Fault::RequestLine),
        (b"GET / HTTP/1.1 x", Fault::RequestLine),
        (b"GET / b HTTP/1.1", Fault::RequestLine),
        (b"GET /", Fault::RequestLine),
        (b"GET / HTTP/0.9", Fault::HttpVersion),
        (b"GET / HTTP/1.2", Fault::HttpVersion),
        (b"GET / HTTP/2.0", Fault::HttpVersion),
        (b"GET / HTTP/1.10", Fault::HttpVersion),
        (b"GET / http/1.1", Fault::RequestLine),
        (b"G(T / HTTP/1.1", Fault::RequestLine),
        (b"GET /\x01 HTTP/1.1", Fault::RequestLine),
    ];
    for (line, fault) in cases {
        refused(&[line, b"\r\nHost: good.example\r\n\r\n"].concat(), fault);
    }
}

#[test]
fn lines_are_read_in_one_way() {
    let cases: [(&[u8], Fault); 17] = [
        (b"GET / HTTP/1.1\nHost: good.example\r\n\r\n", Fault::BareLineFeed),
        (b"GET / HTTP/1.1\r\nHost: good.example\n\r\n", Fault::BareLineFeed),
        (b"GET / HTTP/1.1\r\nHost: good.example\r\n\n", Fault::BareLineFeed),
        (b"GET / HTTP/1.1\r\nX: a\nHost: evil.example\r\nHost: good.example\r\n\r\n", Fault::BareLineFeed),
        (
            b"GET / HTTP/1.1\r\nX: a\rHost: evil.example\r\nHost: good.example\r\n\r\n",
            Fault::BareCarriageReturn,
        ),
        (b"GET / HTTP/1.1\r\r\nHost: good.example\r\n\r\n", Fault::BareCarriageReturn),
        (b"GET / HTTP/1.1\r\nHost: good.example\r\n\r\r\n", Fault::BareCarriageReturn),
        (b"GET / HTTP/1.1\r\nHost: good.example\0.evil.example\r\n\r\n", Fault::Nul),
        (b"GET /\0 HTTP/1.1\r\nHost: good.example\r\n\r\n", Fault::Nul),
        (b"GET / HTTP/1.1\r\nHost: good.example\r\n evil.example\r\n\r\n", Fault::Folded),
        (b"GET / HTTP/1.1\r\nX: a\r\n\tHost: evil.example\r\nHost: good.example\r\n\r\n", Fault::Folded),
        (b"GET / HTTP/1.1\r\n Host: good.example\r\n\r\n", Fault::Folded),
        (b"GET / HTTP/1.1\r\nHost : good.example\r\n\r\n", Fault::SpaceBeforeColon),
        (b"GET / HTTP/1.1\r\nHost\t: good.example\r\n\r\n", Fault::SpaceBeforeColon),
        (b"GET / HTTP/1.1\r\nHost good.example\r\n\r\n", Fault::Field),
        (b"GET / HTTP/1.1\r\n: good.example\r\nHost: good.example\r\n\r\n", Fault::Field),
        (b"GET / HTTP/1.1\r\nHo st: evil.example\r\nHost: good.example\r\n\r\n", Fault::Field),
    ];
    for (bytes, fault) in cases {
        refused(bytes, fault);
    }
    refused(b"GET / HTTP/1.1\r\nX: \x01\r\nHost: good.example\r\n\r\n", Fault::Field);
    refused(b"GET / HTTP/1.1\r\nX: \x7f\r\nHost: good.example\r\n\r\n", Fault::Field);
}

#[test]
fn a_head_has_an_end() {
    let begin = "GET / HTTP/1.1\r\nHost: good.example\r\nX: ";
    let longest = format!("{begin}{}\r\n\r\n", "x".repeat(MAX_HEAD - begin.len() - 4));
    assert_eq!(head(&longest).bytes, MAX_HEAD);
    let longer = longest.replacen("X: ", "XX: ", 1);
    assert_eq!(peek(longer.as_bytes(), Expect::Http), Peek::Fault(Fault::TooLong));
    assert_eq!(peek(&longer.as_bytes()[..MAX_HEAD], Expect::Http), Peek::Fault(Fault::TooLong));
    assert_eq!(peek(&longer.as_bytes()[..MAX_HEAD - 1], Expect::Http), Peek::More);
    assert_eq!(peek(&[b'A'; MAX_HEAD], Expect::Http), Peek::Fault(Fault::TooLong));
    let many = format!("GET / HTTP/1.1\r\nHost: good.example\r\n{}\r\n", "a: b\r\n".repeat(127));
    assert_eq!(head(&many).bytes, many.len());
    refused(format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(129)).as_bytes(), Fault::TooManyFields);
}
