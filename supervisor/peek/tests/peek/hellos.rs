//! Real ClientHellos, whole and cut at every byte.

use crate::support::{Recorded, message, recorded, records};
use peek::{Expect, Hello, MAX_HEAD, Peek, Peeking, peek};

fn hello(peek: Peek) -> Hello {
    match peek {
        Peek::Tls(hello) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_client_names_its_server() {
    let all = recorded();
    assert_eq!(all.len(), 11);
    for Recorded { name, server, bytes } in all {
        for expect in [Expect::Tls, Expect::Http] {
            let hello = hello(peek(&bytes, expect));
            assert_eq!(hello.server_name.as_deref(), server, "{name}");
            assert!(!hello.encrypted, "{name}");
            assert_eq!(hello.bytes, bytes.len(), "{name}");
        }
    }
}

#[test]
fn nothing_is_said_before_the_last_byte() {
    for Recorded { name, bytes, .. } in recorded() {
        let mut peeking = Peeking::new(Expect::Tls);
        for end in 0..bytes.len() {
            assert_eq!(peek(&bytes[..end], Expect::Tls), Peek::More, "{name} {end}");
            assert_eq!(peeking.look(&bytes[..end]), Peek::More, "{name} {end}");
        }
        assert_eq!(peeking.look(&bytes), peek(&bytes, Expect::Tls), "{name}");
    }
}

#[test]
fn the_message_may_be_cut_into_records_anywhere() {
    for Recorded { name, server, bytes } in recorded() {
        let message = message(&bytes);
        for cut in 1..message.len() {
            let (first, second) = message.split_at(cut);
            let bytes = [records(first, first.len()), records(second, second.len())].concat();
            let hello = hello(peek(&bytes, Expect::Tls));
            assert_eq!(hello.server_name.as_deref(), server, "{name} {cut}");
            assert_eq!(hello.bytes, bytes.len(), "{name} {cut}");
        }
    }
}

#[test]
fn small_records_are_put_together() {
    for Recorded { name, server, bytes } in recorded() {
        let message = message(&bytes);
        for size in message.len().div_ceil(64)..=message.len() {
            let hello = hello(peek(&records(&message, size), Expect::Tls));
            assert_eq!(hello.server_name.as_deref(), server, "{name} {size}");
        }
    }
}

#[test]
fn what_follows_is_not_looked_at() {
    for Recorded { name, bytes, .. } in recorded() {
        let alone = peek(&bytes, Expect::Tls);
        for behind in [&[0x14, 3, 3, 0, 1, 1][..], b"anything", &vec![0x17; 3 * MAX_HEAD]] {
            assert_eq!(peek(&[&bytes, behind].concat(), Expect::Tls), alone, "{name}");
        }
    }
}
