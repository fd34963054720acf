//! Any bytes as a connection of HTTP/1: pieces change nothing, and what is passed on means the same hosts to a careless
//! reader.
//!
//! The first byte of the input is the size of the pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peek::{Fed, Head, Host, Requests};

// The second opinion of the crate's own tests.
#[path = "../../supervisor/peek/tests/peek/lenient.rs"]
mod lenient;

fn follow(bytes: &[u8], piece: usize) -> (Vec<Head>, usize, Option<peek::Fault>) {
    let (mut requests, mut heads, mut passed, mut read) = (Requests::new(), Vec::new(), 0, 0);
    while read < bytes.len() {
        read = bytes.len().min(read + piece);
        loop {
            match requests.feed(&bytes[passed..read]) {
                Ok(Fed::More) => break,
                Ok(Fed::Pass(count)) => passed += count,
                Ok(Fed::Head(head)) => {
                    passed += head.bytes;
                    heads.push(head);
                }
                Err(fault) => return (heads, passed, Some(fault)),
            }
        }
        assert!(passed <= read && read - passed < peek::MAX_HEAD);
    }
    (heads, passed, None)
}

/// The name or address without its port, as a careless reader finds it.
fn same(head: &Head, seen: &str) -> bool {
    let seen = head.port.and_then(|port| seen.strip_suffix(&format!(":{port}"))).unwrap_or(seen);
    match &head.host {
        Host::Name(name) => seen.strip_suffix('.').unwrap_or(seen) == name,
        Host::Address(address) => {
            let bare = seen.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<std::net::IpAddr>().is_ok_and(|seen| seen.to_canonical() == *address)
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    let (heads, passed, fault) = follow(bytes, bytes.len().max(1));
    let (heads_in_pieces, passed_in_pieces, fault_in_pieces) = follow(bytes, usize::from(*piece) + 1);
    assert_eq!((&heads, fault), (&heads_in_pieces, fault_in_pieces));
    assert!(passed_in_pieces >= passed);
    let seen = lenient::hosts(&bytes[..passed_in_pieces]);
    assert_eq!(seen.len(), heads.len());
    assert!(heads.iter().zip(&seen).all(|(head, seen)| same(head, seen)), "{heads:?} {seen:?}");
});
