//! Ten thousand names that come and go.

use hickory_proto::rr::RecordType;
use names::Limits;

use crate::world::*;

const NAMES: u64 = 10_000;

#[test]
fn ten_thousand_names_end_when_they_should_and_leave_nothing() {
    let limits = Limits { names_per_minute: u32::MAX, ..Limits::default() };
    let mut session = Session::limited(plan(), limits);
    let start = session.now;
    let mut ends = Vec::new();
    for number in 0..NAMES {
        let name = format!("n{number}.wild.test");
        let own = format!("8.{}.{}.8", number / 250, number % 250);
        // Each has an address of its own and one that all of them share, and an end of its own.
        let live = 60 + (number * 37) % 600;
        let records = [&*own, "9.9.9.9"].map(|text| address(&name, live as u32, text));
        let (_, changes) = session.resolve(&name, RecordType::A, &records);
        assert!(changes.iter().any(|change| change.address == ip(&own)));
        ends.push((name, ip(&own), session.now + live * SECOND));
        session.now += SECOND / 1_000;
    }
    let shared = ip("9.9.9.9");
    let last = ends.iter().map(|(.., end)| *end).max().unwrap();
    for (name, own, end) in &ends {
        for address in [*own, shared] {
            assert!(session.names.may_speak(name, address, ALWAYS, end - 1).is_ok());
            assert!(session.names.may_speak(name, address, ALWAYS, *end).is_err());
        }
    }
    let mut forgotten = std::collections::HashMap::new();
    while let Some(next) = session.names.next_expiry() {
        assert!(next > start && next <= last.max(start + 70 * SECOND));
        for change in session.names.expire(next) {
            assert!(change.learned.is_none_or(|learned| learned.grants[0].until_ns > next));
            if change.learned.is_none() {
                assert_eq!(forgotten.insert(change.address, next), None);
            }
        }
    }
    // Each address was forgotten at its end and not a nanosecond before or after it.
    assert_eq!(forgotten.remove(&shared), Some(last));
    assert_eq!(forgotten.len() as u64, NAMES);
    assert!(ends.iter().all(|(_, own, end)| forgotten[own] == *end));
}

#[test]
fn names_that_are_asked_for_again_and_again_take_no_more_room() {
    let limits = Limits { names_per_minute: u32::MAX, names: 1_000, addresses: 1_100, ..Limits::default() };
    let mut session = Session::limited(plan(), limits);
    for round in 0..20_u64 {
        for number in 0..1_000 {
            let name = format!("n{number}.wild.test");
            let own = format!("8.8.{}.{}", number / 250, number % 250);
            let (answer, _) = session.resolve(&name, RecordType::A, &[address(&name, 30, &own)]);
            assert_eq!(answer.answers.len(), 1, "round {round}: there is room");
        }
        session.now += 25 * SECOND;
        session.names.expire(session.now);
    }
    session.now += 60 * SECOND;
    session.names.expire(session.now);
    assert_eq!(session.names.next_expiry(), None);
}
