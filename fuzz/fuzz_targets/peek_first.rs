//! Any bytes at the beginning of a connection: a decision stays, memory changes nothing, and the server name is the one
//! that a plain reader finds, if it finds exactly one.
//!
//! The first byte of the input says what is expected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peek::{Expect, Fed, Handshake, Hello, Peek, Peeking, peek};

/// The content of the records up to `end`, put together.
fn message(mut records: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    while let [22, 3, _, high, low, content @ ..] = records {
        let (fragment, rest) = content.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        message.extend_from_slice(fragment);
        records = rest;
    }
    assert!(records.is_empty());
    message
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Every name in every `server_name` extension of a ClientHello, found by counting bytes.
fn names(hello: &[u8]) -> Vec<Vec<u8>> {
    let session = 4 + 2 + 32;
    let ciphers = session + 1 + usize::from(hello[session]);
    let compression = ciphers + 2 + number(&hello[ciphers..ciphers + 2]);
    let mut at = compression + 1 + usize::from(hello[compression]) + 2;
    let mut names = Vec::new();
    while at < hello.len() {
        let (kind, length) = (number(&hello[at..at + 2]), number(&hello[at + 2..at + 4]));
        let mut name = at + 6;
        at += 4 + length;
        while kind == 0 && name < at {
            let length = number(&hello[name + 1..name + 3]);
            names.push(hello[name + 3..name + 3 + length].to_vec());
            name += 3 + length;
        }
    }
    names
}

fn check(bytes: &[u8], hello: &Hello) {
    let names = names(&message(&bytes[..hello.bytes]));
    let spelled: Vec<String> =
        names.iter().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    let plain: Vec<&str> = spelled.iter().map(|name| name.strip_suffix('.').unwrap_or(name)).collect();
    assert_eq!(plain, hello.server_name.iter().map(String::as_str).collect::<Vec<_>>());
    let mut handshake = Handshake::new(hello);
    handshake.from_server(&bytes[hello.bytes..]);
    if let Ok(Fed::Pass(count)) = handshake.from_client(&bytes[hello.bytes..]) {
        assert!(count <= bytes.len() - hello.bytes);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((expect, bytes)) = data.split_first() else { return };
    let expect = if expect & 1 == 0 { Expect::Tls } else { Expect::Http };
    let whole = peek(bytes, expect);
    let mut peeking = Peeking::new(expect);
    for end in 0..=bytes.len() {
        let seen = peeking.look(&bytes[..end]);
        if seen != Peek::More {
            assert_eq!(seen, whole);
            break;
        }
    }
    assert_eq!(peeking.look(bytes), whole);
    if let Peek::Tls(hello) = &whole {
        check(bytes, hello);
    }
});
