//! The host's log, of many sessions in one chain: what is missing, doubled or moved is found, even by someone who
//! can seal lines anew.

use std::collections::BTreeMap;
use std::fs;

use audit::*;
use proptest::prelude::*;
use proptest::sample::Index;

use super::room::{Room, end, kernel_denial, noise};

/// Bodies of sessions, each record with its number.
type Records = Vec<(SessionId, u64, Body)>;

fn session(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

/// Numbers what these sessions write, in turn.
fn numbered(bodies: Vec<(&str, Body)>) -> Records {
    let mut last = BTreeMap::new();
    let number = |(name, body)| {
        let seq: &mut u64 = last.entry(name).or_default();
        *seq += 1;
        (session(name), *seq, body)
    };
    bodies.into_iter().map(number).collect()
}

/// Seals them in one chain after `prev`, as somebody who may write the file can, and verifies it.
fn sealed(prev: Digest, records: &Records) -> (Room, Vec<Vec<u8>>, Result<Verified, VerifyError>) {
    let (room, mut lines, mut prev) = (Room::new(), Vec::new(), prev);
    for (session, seq, body) in records {
        let mut line = Vec::new();
        let time = "2026-11-21T02:19:03.5Z".parse().unwrap();
        prev =
            write_line(&mut line, &Place { time, session, seq: *seq, revision: None, prev }, body).unwrap();
        line.push(b'\n');
        lines.push(line);
    }
    fs::create_dir_all(room.path().parent().unwrap()).unwrap();
    fs::write(room.path(), lines.concat()).unwrap();
    let verified = verify(&room.path());
    (room, lines, verified)
}

fn mixed() -> Records {
    numbered(vec![
        ("a", noise("1")),
        ("b", noise("2")),
        ("a", kernel_denial(1)),
        ("b", kernel_denial(2)),
        ("b", kernel_denial(1)),
        ("a", kernel_denial(4)),
        ("a", noise("3")),
        ("a", end()),
        ("b", end()),
    ])
}

fn refused(records: &Records) -> String {
    sealed(Digest::GENESIS, records).2.unwrap_err().what
}

#[test]
fn sessions_are_counted_each_for_itself() {
    let (_, _, verified) = sealed(Digest::GENESIS, &mixed());
    let seen: Vec<_> = verified
        .unwrap()
        .sessions
        .into_iter()
        .map(|seen| (seen.session.to_string(), seen.last, seen.ended, seen.kernel_last, seen.kernel_missing))
        .collect();
    // Of `a` the kernel's events 2 and 3 are missing; those of `b` came in the other order.
    assert_eq!(seen, [("a".to_owned(), 5, true, 4, 2), ("b".to_owned(), 4, true, 2, 0)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever seals all lines anew after taking one away or doubling one is found by the session's own numbers.
    #[test]
    fn a_lost_or_doubled_record_is_found_in_a_chain_that_was_sealed_anew(at in any::<Index>()) {
        let whole = mixed();
        let at = at.index(whole.len());
        let mut fewer = whole.clone();
        let (name, ..) = fewer.remove(at);
        let last_of_its_session = !whole[at + 1..].iter().any(|(other, ..)| *other == name);
        match sealed(Digest::GENESIS, &fewer).2 {
            // The last record of a session leaves it without its end.
            Ok(verified) => {
                prop_assert!(last_of_its_session);
                prop_assert!(verified.sessions.iter().any(|seen| seen.session == name && !seen.ended));
            }
            Err(error) => prop_assert!(error.what.contains(name.as_str()), "{}", error),
        }
        let mut more = whole.clone();
        more.insert(at, whole[at].clone());
        prop_assert!(refused(&more).contains(name.as_str()));
    }

    /// Lines that are only moved, doubled, taken away or edited break the chain itself.
    #[test]
    fn a_line_that_was_touched_is_found(one in any::<Index>(), other in any::<Index>(), bit in 0..8_u8) {
        let (room, lines, _) = sealed(Digest::GENESIS, &mixed());
        let (one, other) = (one.index(lines.len() - 1), other.index(lines.len()));
        let written = |lines: Vec<Vec<u8>>| {
            fs::write(room.path(), lines.concat()).unwrap();
            verify(&room.path())
        };
        let mut dropped = lines.clone();
        dropped.remove(one);
        prop_assert!(written(dropped).is_err());
        let mut doubled = lines.clone();
        doubled.insert(other, lines[one].clone());
        prop_assert!(written(doubled).is_err());
        let mut moved = lines.clone();
        moved.swap(one, one + 1);
        prop_assert!(written(moved).is_err());
        let mut edited = lines.clone();
        let at = edited[one].len() / 2;
        edited[one][at] ^= 1 << bit;
        prop_assert!(written(edited).is_err());
        prop_assert!(written(lines).is_ok());
    }
}

#[test]
fn a_kernel_event_is_there_once() {
    let twice = numbered(vec![("a", kernel_denial(2)), ("b", kernel_denial(2)), ("a", kernel_denial(2))]);
    assert_eq!(refused(&twice), "kernel event 2 of session a is there twice");
}

fn carried(sessions: Vec<(&str, u64, &[u64], bool)>, more: bool) -> Body {
    let one = |(name, seq, events, ended): (&str, u64, &[u64], bool)| {
        let mut kernel = KernelNumbers::default();
        for event in events {
            kernel.note((*event).try_into().unwrap());
        }
        let kernel = Some(kernel).filter(|_| !events.is_empty());
        CarriedSession { session: session(name), seq, kernel, ended }
    };
    Body::Carried(Carried { sessions: sessions.into_iter().map(one).collect(), more })
}

fn rotated() -> Body {
    Body::Rotated(Rotated { from: None, reason: RotationReason::Size, removed: vec![] })
}

/// A file whose predecessors are gone, with what stands behind its two or three first lines.
fn later(heads: Vec<Body>, rest: Vec<(&str, u64, Body)>) -> Result<Verified, VerifyError> {
    let mut records: Records = vec![(SessionId::host(), 7, rotated())];
    records.extend(heads.into_iter().zip(8..).map(|(body, seq)| (SessionId::host(), seq, body)));
    records.extend(rest.into_iter().map(|(name, seq, body)| (session(name), seq, body)));
    sealed(Digest::of(b"gone"), &records).2
}

#[test]
fn what_was_carried_over_stands_for_files_that_are_gone() {
    let heads =
        || vec![carried(vec![("a", 4, &[1, 3], false)], true), carried(vec![("b", 9, &[], true)], false)];
    let whole = vec![("a", 5, kernel_denial(2)), ("c", 1, noise("new")), ("a", 6, kernel_denial(4))];
    let verified = later(heads(), whole).unwrap();
    let seen: Vec<_> = verified.sessions.iter().map(|seen| (seen.session.as_str(), seen.first)).collect();
    assert_eq!(seen, [("host", 7), ("a", 5), ("c", 1)]);
    assert_eq!(verified.sessions[1].kernel_missing, 0);

    let told = |rest| later(heads(), rest).unwrap_err().what;
    assert_eq!(told(vec![("a", 6, noise("x"))]), "session a goes on with number 6 after 4");
    assert_eq!(told(vec![("c", 2, noise("x"))]), "session c starts with number 2");
    assert_eq!(told(vec![("a", 5, kernel_denial(3))]), "kernel event 3 of session a is there twice");
}

#[test]
fn what_is_carried_over_must_be_what_was_there() {
    let log = |sessions| {
        let mut records = numbered(vec![("a", kernel_denial(1)), ("b", noise("x"))]);
        records.push((SessionId::host(), 1, carried(sessions, false)));
        sealed(Digest::GENESIS, &records).2.map(drop).map_err(|error| error.what)
    };
    let (a, b) = (("a", 1, &[1][..], false), ("b", 1, &[][..], false));
    assert_eq!(log(vec![a, b]), Ok(()));
    for (sessions, what) in [
        (vec![a], "session b has not ended and is not carried over"),
        (vec![a, b, a], "session a is carried over twice"),
        (vec![a, ("b", 2, &[], false)], "session b is carried over with number 2 after 1"),
        (vec![("a", 1, &[2], false), b], "session a is carried over with other kernel events than it has"),
        (vec![a, b, ("c", 1, &[], false)], "session c is carried over and was never there"),
    ] {
        assert_eq!(log(sessions), Err(what.to_owned()));
    }
}
