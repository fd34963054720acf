//! Rotation, retention, following, and what others may do to the files meanwhile.

use std::collections::BTreeSet;
use std::fs;

use audit::*;
use proptest::prelude::*;

use super::room::{Room, body, end, noise};

fn small(room: &Room, session: &str, max_bytes: u64, keep: u32) -> Log {
    Log::open(LogConfig { max_bytes, keep, ..room.config(session) }).unwrap()
}

fn names(room: &Room) -> BTreeSet<String> {
    let entries = fs::read_dir(room.path().parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_rotated_log_verifies_whatever_is_written(
        bodies in prop::collection::vec(body(), 1..40),
        max_bytes in 1..6000_u64,
        keep in 0..4_u32,
    ) {
        let room = Room::new();
        let mut log = small(&room, "s1", max_bytes, keep);
        let mut follower = follow(&room.path(), Start::Beginning).unwrap();
        let mut followed = Vec::new();
        for body in &bodies {
            log.write(body.clone()).unwrap();
            followed.extend(std::iter::from_fn(|| follower.poll()).map(Result::unwrap));
        }
        log.close().unwrap();
        let verified = verify(&room.path()).unwrap();
        prop_assert!(verified.files.len() <= keep as usize + 1);
        prop_assert_eq!(names(&room).len(), verified.files.len());
        prop_assert_eq!(verified.head, room.records().last().unwrap().hash);
        let texts: Vec<_> = followed.iter().filter(|r| r.body.event() != "rotated").map(|r| r.body.clone()).collect();
        let mut expected = bodies;
        expected.iter_mut().for_each(|body| body.redact(&Redactor::none()));
        prop_assert_eq!(texts, expected);
        for file in &verified.files[..verified.files.len() - 1] {
            prop_assert!(verify(file).is_ok(), "each file verifies by itself");
        }
    }
}

#[test]
fn files_keep_their_names_and_older_ones_go_by_number_and_are_named() {
    let room = Room::new();
    let mut log = small(&room, "s1", 2000, 2);
    (0..60).for_each(|n| log.write(noise(&format!("number {n}"))).unwrap());
    let verified = verify(&room.path()).unwrap();
    assert!(verified.continues.is_some() && verified.sessions[0].first > 1);
    let numbers: Vec<u64> = verified.files[..2]
        .iter()
        .map(|file| file.extension().unwrap().to_str().unwrap().parse().unwrap())
        .collect();
    assert!(numbers[0] > 2 && numbers[1] == numbers[0] + 1, "{numbers:?}");
    let Body::Rotated(rotated) =
        room.records().into_iter().rfind(|r| r.body.event() == "rotated").unwrap().body
    else {
        panic!("the filter gave another event");
    };
    assert_eq!(rotated.from, Some(format!("log.jsonl.{}", numbers[1])));
    assert_eq!(rotated.removed, [format!("log.jsonl.{}", numbers[0] - 1)]);
}

#[test]
fn a_missing_file_in_the_middle_and_a_cut_off_beginning_are_found() {
    let room = Room::new();
    let mut log = small(&room, "s1", 2000, 9);
    (0..40).for_each(|n| log.write(noise(&format!("number {n}"))).unwrap());
    let files = verify(&room.path()).unwrap().files;
    let kept = fs::read(&files[1]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    assert_eq!(verify(&room.path()).unwrap_err().file, files[2]);

    fs::write(&files[1], &kept).unwrap();
    let first = fs::read_to_string(&files[0]).unwrap();
    fs::write(&files[0], first.split_once('\n').unwrap().1).unwrap();
    let error = verify(&room.path()).unwrap_err();
    assert_eq!((&error.file, error.line), (&files[0], 1));
}

#[test]
fn a_rotation_that_was_cut_off_between_its_steps_is_finished_by_the_next() {
    let room = Room::new();
    let mut log = small(&room, "s1", 2000, 9);
    log.write(noise("a")).unwrap();
    fs::hard_link(room.path(), room.path().with_file_name("log.jsonl.1")).unwrap();
    assert_eq!(verify(&room.path()).unwrap().records, 1);
    (0..10).for_each(|_| log.write(noise("b")).unwrap());
    let verified = verify(&room.path()).unwrap();
    assert_eq!(verified.sessions[0].first, 1);
    assert!(names(&room).contains("log.jsonl.1") && verified.files.len() > 1);
}

#[test]
fn a_log_that_is_moved_or_removed_under_a_session_is_carried_on_and_says_so() {
    let room = Room::new();
    let mut log = room.log("s1");
    let mut other = room.log("s2");
    let mut follower = follow(&room.path(), Start::End).unwrap();
    log.write(noise("a")).unwrap();
    other.write(noise("b")).unwrap();
    fs::rename(room.path(), room.path().with_file_name("log.jsonl.1")).unwrap();
    log.write(noise("c")).unwrap();
    other.write(noise("d")).unwrap();
    assert_eq!(room.events(), ["noise", "noise", "rotated", "noise", "noise"]);
    assert_eq!(verify(&room.path()).unwrap().continues, None);
    let followed: Vec<_> =
        std::iter::from_fn(|| follower.poll()).map(|record| record.unwrap().body).collect();
    assert_eq!(followed.len(), 5);

    fs::remove_dir_all(room.path().parent().unwrap()).unwrap();
    other.write(end()).unwrap();
    assert_eq!(room.events(), ["rotated", "session_end"]);
    assert!(verify(&room.path()).unwrap().continues.is_some());
}

#[test]
fn following_tells_what_is_missing() {
    let room = Room::new();
    let mut log = room.log("s1");
    (0..3).for_each(|n| log.write(noise(&n.to_string())).unwrap());
    let text = String::from_utf8(room.bytes()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    fs::write(room.path(), format!("{}\n{}\n{}", lines[0], lines[2], &lines[1][..30])).unwrap();
    let mut follower = follow(&room.path(), Start::Beginning).unwrap();
    let seen: Vec<_> = std::iter::from_fn(|| follower.poll()).collect();
    assert!(matches!(&seen[..], [Ok(_), Err(error), Ok(_)] if error.line == 2), "{seen:?}");
}

#[test]
fn following_from_the_oldest_gives_what_is_kept_and_then_what_comes() {
    let room = Room::new();
    let mut log = small(&room, "s1", 2000, 2);
    (0..60).for_each(|n| log.write(noise(&format!("number {n}"))).unwrap());
    let kept: Vec<u64> = room.records().iter().map(|record| record.seq).collect();
    let mut follower = follow(&room.path(), Start::Oldest).unwrap();
    let mut seen =
        || -> Vec<u64> { std::iter::from_fn(|| follower.poll()).map(|record| record.unwrap().seq).collect() };
    assert_eq!(seen(), kept);
    assert!(kept.len() > 10 && seen().is_empty(), "{kept:?}");
    // Over the next rotation, and no number twice.
    (0..12).for_each(|n| log.write(noise(&format!("later {n}"))).unwrap());
    let last = room.records().last().unwrap().seq;
    assert_eq!(seen(), (kept[kept.len() - 1] + 1..=last).collect::<Vec<_>>());
}

#[test]
fn readers_get_what_they_ask_for() {
    let room = Room::new();
    let mut log = room.log("aa1");
    log.write(noise("a")).unwrap();
    log.write(end()).unwrap();
    room.log("bb2").write(noise("b")).unwrap();
    let count = |filter| read(&room.path(), filter).unwrap().map(Result::unwrap).count();
    let all = Filter::default();
    assert_eq!(count(all.clone()), 3);
    assert_eq!(count(Filter { session: Some("aa".to_owned()), ..all.clone() }), 2);
    assert_eq!(count(Filter { event: Some("session_end".to_owned()), ..all.clone() }), 1);
    assert_eq!(count(Filter { tool: Some("t".to_owned()), ..all.clone() }), 0);
    assert_eq!(count(Filter { selection: Selection::Denials, ..all.clone() }), 0);
    let last = room.records()[2].time;
    assert_eq!(count(Filter { since: Some(last), ..all }), 1);
}
