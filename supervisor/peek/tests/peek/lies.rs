//! ClientHellos that lie, and connections that begin with something else.

use peek::{Expect, Fault, NameFault, Peek, Speaker, peek};

use crate::support::{body, extension, handshake, hello, long, names, record, records, server_name, with};

const GOOD: &str = "good.example";

fn refused(what: &str, bytes: &[u8], fault: Fault) {
    assert_eq!(peek(bytes, Expect::Tls), Peek::Fault(fault), "{what}");
    // On the other kind of port, too, and with anything behind it.
    assert_eq!(peek(bytes, Expect::Http), Peek::Fault(fault), "{what}");
    assert_eq!(peek(&[bytes, b"more"].concat(), Expect::Tls), Peek::Fault(fault), "{what}");
}

fn name(why: NameFault) -> Fault {
    Fault::Name { speaker: Speaker::ServerName, why }
}

fn said(bytes: &[u8]) -> (Option<String>, bool) {
    match peek(bytes, Expect::Tls) {
        Peek::Tls(hello) => (hello.server_name, hello.encrypted),
        other => panic!("{other:?}"),
    }
}

/// The hellos made by hand are real enough: what the tricks change is what is refused.
#[test]
fn an_honest_hello_is_read() {
    let good = Some(GOOD.to_owned());
    assert_eq!(said(&with(&[server_name(GOOD)])), (good.clone(), false));
    assert_eq!(said(&with(&[server_name("GOOD.Example.")])), (good.clone(), false));
    assert_eq!(said(&with(&[extension(10, &[0, 2, 0, 29])])), (None, false));
    assert_eq!(said(&record(22, &handshake(1, &body(&[])))), (None, false), "no extensions at all");
    assert_eq!(said(&with(&[])), (None, false), "an empty list of extensions");
}

#[test]
fn grease_says_nothing() {
    let grease =
        [extension(0x0a0a, &[]), server_name(GOOD), extension(0xfafa, &[0]), extension(0x1a1a, &[9; 40])];
    assert_eq!(said(&with(&grease)), (Some(GOOD.to_owned()), false));
    let unknown = [extension(0xabcd, b"\0\0\0\x03\0evil.example"), server_name(GOOD)];
    assert_eq!(said(&with(&unknown)), (Some(GOOD.to_owned()), false));
}

#[test]
fn encryption_is_told_and_the_outer_name_counts() {
    for kind in [0xfe0d, 0xffce] {
        let bytes = with(&[server_name(GOOD), extension(kind, &[0; 200])]);
        assert_eq!(said(&bytes), (Some(GOOD.to_owned()), true), "{kind:x}");
        assert_eq!(said(&with(&[extension(kind, &[1])])), (None, true), "{kind:x}");
    }
    refused("twice", &with(&[extension(0xfe0d, &[0]), extension(0xfe0d, &[1])]), Fault::EncryptedTwice);
}

#[test]
fn one_server_is_named_once() {
    let two = [server_name(GOOD), server_name("evil.example")];
    refused("two extensions", &with(&two), Fault::ServerNames);
    let [one, two] = two;
    refused("the same twice", &with(&[one.clone(), one.clone()]), Fault::ServerNames);
    refused("apart", &with(&[one.clone(), extension(10, &[0, 2, 0, 29]), two]), Fault::ServerNames);
    refused("two names", &with(&[names(&[(0, b"good.example"), (0, b"evil.example")])]), Fault::ServerNames);
    refused("another kind", &with(&[names(&[(1, b"good.example")])]), Fault::ServerNames);
    refused("and another kind", &with(&[names(&[(0, b"good.example"), (7, b"x")])]), Fault::ServerNames);
    refused("and half a name", &with(&[extension(0, &[0, 5, 0, 0, 1, b'a', b'b'])]), Fault::ServerNames);
    refused("an empty list", &with(&[names(&[])]), Fault::HelloLengths);
    refused("an empty extension", &with(&[extension(0, &[])]), Fault::HelloLengths);
}

#[test]
fn the_name_is_a_host_name() {
    let cases: [(&[u8], NameFault); 12] = [
        (b"", NameFault::Empty),
        (b".", NameFault::Empty),
        (b"127.0.0.1", NameFault::Address),
        (b"::1", NameFault::Address),
        (b"2130706433", NameFault::Address),
        (b"0x7f.1", NameFault::Address),
        (b"good.example\0.evil.example", NameFault::Character),
        (b"good.example:443", NameFault::Address),
        (b"*.example", NameFault::Character),
        (b"good..example", NameFault::Label),
        (b"[::1]", NameFault::Address),
        ("göod.example".as_bytes(), NameFault::Character),
    ];
    for (raw, why) in cases {
        refused(&raw.escape_ascii().to_string(), &with(&[names(&[(0, raw)])]), name(why));
    }
    refused("long", &with(&[server_name(&"a.".repeat(200))]), name(NameFault::TooLong));
    refused("long label", &with(&[server_name(&"a".repeat(64))]), name(NameFault::Label));
}

/// Every length in a real hello, one too small and one too large: no other name comes out.
#[test]
fn lengths_must_add_up() {
    let good = hello("openssl");
    for at in 0..good.len() {
        for change in [1_u8, 0xff, 4, 0xfc, 0x80] {
            let mut bytes = good.clone();
            bytes[at] = bytes[at].wrapping_add(change);
            if let Peek::Tls(hello) = peek(&bytes, Expect::Tls) {
                // What remains is a changed letter, or another type for the extension of the name.
                match &hello.server_name {
                    Some(name) => assert_eq!(name.len(), "files.example.com".len(), "{at} {change} {name}"),
                    None => assert!(renamed(&good, at), "{at} {change}"),
                }
            }
        }
    }
}

/// Whether the byte is one of the type of `server_name`.
fn renamed(bytes: &[u8], at: usize) -> bool {
    let name = bytes.windows(5).position(|window| window == b"files").expect("the name");
    (name - 9..name - 7).contains(&at)
}

#[test]
fn lengths_that_lie_are_refused() {
    let sni = server_name(GOOD);
    let hidden = [&[0xff_u8, 0xff, 0, 3][..], b"abc"].concat();
    let cases = [
        ("extensions end early", body(&[&long(&sni)[..], b"rest"].concat())),
        ("extensions reach beyond", body(&[&[0xff, 0xff], &sni[..]].concat())),
        ("an extension reaches beyond", body(&long(&[&sni[..], &[0, 5, 0, 9, 1]].concat()))),
        ("half an extension", body(&long(&[&sni[..], &[0]].concat()))),
        ("a list that ends early", body(&long(&extension(0, &[0, 3, 0, 0, 0, b'a'])))),
        ("a name that reaches beyond", body(&long(&extension(0, &[0, 4, 0, 0, 9, b'a'])))),
        ("no cipher", [&[3, 3][..], &[7; 32], &[0], &[0, 0], &[1, 0], &long(&sni)].concat()),
        ("half a cipher", [&[3, 3][..], &[7; 32], &[0], &[0, 1, 9], &[1, 0], &long(&sni)].concat()),
        ("no compression", [&[3, 3][..], &[7; 32], &[0], &[0, 2, 19, 1], &[0], &long(&sni)].concat()),
        ("a session of 33 bytes", [&[3, 3][..], &[7; 32], &[33], &[1; 33], &[0, 2, 19, 1], &[1, 0]].concat()),
        ("only a version", vec![3, 3]),
        ("nothing", vec![]),
        ("hidden behind", [body(&long(&sni)), hidden].concat()),
    ];
    for (what, body) in cases {
        refused(what, &record(22, &handshake(1, &body)), Fault::HelloLengths);
    }
}

#[test]
fn other_beginnings_are_refused() {
    let honest = with(&[server_name(GOOD)]);
    for (what, kind) in [("change of ciphers", 20), ("alert", 21), ("data", 23), ("heartbeat", 24)] {
        refused(what, &record(kind, &[1, 0]), Fault::RecordType { kind });
        refused(what, &[record(kind, &[1, 0]), honest.clone()].concat(), Fault::RecordType { kind });
    }
    refused("SSL 2", &[0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10], Fault::Ssl2);
    refused("SSL 2 for TLS", &[0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10], Fault::Ssl2);
    for kind in [0, 2, 4, 11, 16, 24, 254] {
        refused("another message", &record(22, &handshake(kind, &[0; 40])), Fault::HandshakeType { kind });
    }
    refused("DTLS", &[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0], Fault::RecordVersion);
    let old = [&[2, 0][..], &body(&long(&server_name(GOOD)))[2..]].concat();
    refused("a hello of SSL 2.0", &record(22, &handshake(1, &old)), Fault::HelloVersion);
}

#[test]
fn plain_text_is_no_tls() {
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n"[..],
        b"SSH-2.0-x\r\n",
        &[0],
        &[5, 1, 0],
        &[0x80, 9, 9],
    ] {
        assert_eq!(peek(bytes, Expect::Tls), Peek::Fault(Fault::NotTls), "{}", bytes.escape_ascii());
    }
    for bytes in
        [&[0_u8][..], &[5, 1, 0], &[0x80, 9, 9], &[0xff; 9], b" GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n"]
    {
        assert_eq!(peek(bytes, Expect::Http), Peek::Fault(Fault::NotHttp), "{}", bytes.escape_ascii());
    }
}

#[test]
fn records_are_as_they_must_be() {
    let message = handshake(1, &body(&long(&server_name(GOOD))));
    refused("an empty record", &[record(22, &[]), record(22, &message)].concat(), Fault::RecordLength);
    let (one, two) = message.split_at(9);
    let between = [record(22, one), record(22, &[]), record(22, two)].concat();
    refused("an empty record between", &between, Fault::RecordLength);
    refused("a long record", &[22, 3, 1, 0x41, 1], Fault::RecordLength);
    let between = [record(22, one), record(21, &[1, 0]), record(22, two)].concat();
    refused("an alert between", &between, Fault::RecordType { kind: 21 });
    let between = [record(22, one), record(23, &[1, 0]), record(22, two)].concat();
    refused("data between", &between, Fault::RecordType { kind: 23 });
    refused("many records", &records(&handshake(1, &[0; 400]), 1), Fault::TooManyRecords);
}

#[test]
fn nothing_follows_in_the_record() {
    let honest = handshake(1, &body(&long(&server_name(GOOD))));
    let evil = handshake(1, &body(&long(&server_name("evil.example"))));
    refused("another hello", &record(22, &[honest.clone(), evil.clone()].concat()), Fault::AfterHello);
    refused("one byte", &record(22, &[&honest[..], &[0]].concat()), Fault::AfterHello);
    let (one, two) = honest.split_at(20);
    let cut = [record(22, one), record(22, &[two, &evil].concat())].concat();
    refused("another hello, cut", &cut, Fault::AfterHello);
}

#[test]
fn a_hello_has_an_end() {
    refused("16 MiB", &record(22, &[1, 0xff, 0xff, 0xff]), Fault::TooLong);
    refused("17 KiB", &record(22, &[1, 0, 0x44, 0]), Fault::TooLong);
    let message = handshake(1, &body(&long(&[server_name(GOOD), extension(21, &vec![0; 16_200])].concat())));
    assert_eq!(said(&records(&message, 16_384)).0.as_deref(), Some(GOOD));
    // The same in so many records that their headers lead beyond the limit.
    refused("headers", &records(&message, message.len().div_ceil(64)), Fault::TooLong);
}
