//! The chain: whatever is done to a log is found, and a log that nothing was done to verifies.

use std::fs;
use std::io::Write as _;

use audit::*;
use proptest::prelude::*;
use proptest::sample::Index;

use super::room::{Room, body, end, noise};

fn written(bodies: Vec<Body>) -> Room {
    let room = Room::new();
    let mut log = room.log("s1");
    for body in bodies {
        log.write(body).unwrap();
    }
    log.write(end()).unwrap();
    log.close().unwrap();
    room
}

fn lines(room: &Room) -> Vec<Vec<u8>> {
    room.bytes().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_is_read_and_verifies(bodies in prop::collection::vec(body(), 1..12)) {
        let room = written(bodies.clone());
        let records = room.records();
        for (record, body) in records.iter().zip(&bodies) {
            let mut cleaned = body.clone();
            cleaned.redact(&Redactor::none());
            prop_assert_eq!(&record.body, &cleaned);
            let shown = render(record);
            prop_assert!(!shown.chars().any(char::is_control), "{}", shown);
        }
        let again: Vec<u8> = records.iter().flat_map(|r| [r.to_line().unwrap(), vec![b'\n']].concat()).collect();
        prop_assert_eq!(again, room.bytes());
        let verified = verify(&room.path()).unwrap();
        prop_assert_eq!(verified.records, bodies.len() as u64 + 1);
        prop_assert_eq!(verified.head, records.last().unwrap().hash);
        prop_assert_eq!(verified.last_whole_line, verified.records);
        prop_assert!(verified.sessions[0].ended && verified.truncated_tail.is_none());
    }

    #[test]
    fn a_flipped_bit_is_found(
        bodies in prop::collection::vec(body(), 1..6),
        flips in prop::collection::vec((any::<Index>(), 0..8_u8), 32),
    ) {
        let room = written(bodies);
        let whole = room.bytes();
        let honest = verify(&room.path()).unwrap();
        for (at, bit) in flips {
            let mut changed = whole.clone();
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
            fs::write(room.path(), &changed).unwrap();
            // The very last newline is the one byte without which every record still is what it was.
            match verify(&room.path()) {
                Err(_) => {}
                Ok(verified) => {
                    prop_assert_eq!(at, whole.len() - 1);
                    prop_assert!(verified.truncated_tail.is_some() && verified.records == honest.records - 1);
                }
            }
        }
    }

    #[test]
    fn removed_repeated_swapped_and_inserted_lines_are_found(
        bodies in prop::collection::vec(body(), 2..8),
        one in any::<Index>(),
        other in any::<Index>(),
    ) {
        let room = written(bodies);
        let foreign = lines(&written(vec![noise("x")])).remove(0);
        let whole = lines(&room);
        let honest = verify(&room.path()).unwrap();
        let (one, other) = (one.index(whole.len()), other.index(whole.len()));

        let mut removed = whole.clone();
        removed.remove(one);
        fs::write(room.path(), removed.concat()).unwrap();
        match verify(&room.path()) {
            // Lines cut off at the end leave a chain that is whole: the session is not ended, and the head is another.
            Ok(verified) => {
                prop_assert_eq!(one, whole.len() - 1);
                prop_assert!(verified.head != honest.head && verified.records == honest.records - 1);
            }
            Err(error) => prop_assert_eq!(error.line, one as u64 + 1),
        }

        let mut repeated = whole.clone();
        repeated.insert(other, whole[one].clone());
        fs::write(room.path(), repeated.concat()).unwrap();
        prop_assert!(verify(&room.path()).is_err());

        let mut inserted = whole.clone();
        inserted.insert(other, foreign);
        fs::write(room.path(), inserted.concat()).unwrap();
        prop_assert!(verify(&room.path()).is_err());

        if one != other {
            let mut swapped = whole.clone();
            swapped.swap(one, other);
            fs::write(room.path(), swapped.concat()).unwrap();
            prop_assert!(verify(&room.path()).is_err());
        }
    }

    #[test]
    fn a_file_cut_anywhere_verifies_up_to_its_last_whole_line_and_can_be_carried_on(
        bodies in prop::collection::vec(body(), 1..5),
        at in any::<Index>(),
    ) {
        let room = written(bodies);
        let whole = room.bytes();
        let at = at.index(whole.len());
        fs::write(room.path(), &whole[..at]).unwrap();
        let lines = whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        let verified = verify(&room.path()).unwrap();
        prop_assert_eq!((verified.records, verified.last_whole_line), (lines, lines));
        let partial = whole[..at].rsplit(|byte| *byte == b'\n').next().unwrap().len() as u64;
        prop_assert_eq!(verified.truncated_tail.unwrap_or(0), partial);

        let mut log = room.log("s2");
        log.write(noise("after the crash")).unwrap();
        log.close().unwrap();
        prop_assert!(room.bytes().starts_with(&whole[..at]), "no byte of evidence is lost");
        let verified = verify(&room.path()).unwrap();
        prop_assert_eq!(verified.truncated_tail, None);
        prop_assert_eq!(verified.damages.len(), usize::from(partial > 0));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let room = Room::new();
        fs::create_dir_all(room.path().parent().unwrap()).unwrap();
        fs::write(room.path(), &bytes).unwrap();
        let _ = verify(&room.path());
        read(&room.path(), Filter::default()).unwrap().for_each(drop);
        let _ = Log::open(room.config("s1"));
    }
}

#[test]
fn damage_that_a_later_session_named_is_reported_and_cannot_be_changed_afterwards() {
    let room = written(vec![noise("a")]);
    let mut bytes = room.bytes();
    bytes.extend_from_slice(b"{\"v\":1,\"time\":\"2026\ngarbage\n\nmore");
    fs::write(room.path(), &bytes).unwrap();
    assert!(verify(&room.path()).is_err(), "whole lines that are no records are not a mere cut");
    room.log("s2").write(noise("b")).unwrap();
    let verified = verify(&room.path()).unwrap();
    let Damage { line, recovered, .. } = &verified.damages[0];
    assert_eq!((*line, recovered.bytes, recovered.newlines), (7, 33, 3));
    let text = String::from_utf8(room.bytes()).unwrap().replace("garbage", "Garbage");
    fs::write(room.path(), text).unwrap();
    assert_eq!(verify(&room.path()).unwrap_err().line, 3);
}

#[test]
fn a_forged_recovery_does_not_hide_a_changed_line() {
    let room = written(vec![noise("a"), noise("b"), noise("c")]);
    let text = String::from_utf8(room.bytes()).unwrap().replace("\"sample\":\"b\"", "\"sample\":\"B\"");
    fs::write(room.path(), text).unwrap();
    let error = verify(&room.path()).unwrap_err();
    assert_eq!((error.line, error.records), (2, 1));
    assert!(error.what.contains("changed"), "{error}");
}

#[test]
fn a_sound_line_of_another_log_does_not_fit_into_the_chain() {
    let (room, other) = (written(vec![noise("a"), noise("b")]), written(vec![noise("a"), noise("x")]));
    let mut mixed = lines(&room);
    mixed[1] = lines(&other).remove(1);
    fs::write(room.path(), mixed.concat()).unwrap();
    let error = verify(&room.path()).unwrap_err();
    assert!(error.line == 2 && error.what.contains("does not follow"), "{error}");
}

#[test]
fn a_record_that_is_cut_out_with_the_chain_made_new_leaves_a_gap_in_the_numbers() {
    let room = written(vec![noise("a"), noise("b"), noise("c")]);
    let mut records = room.records();
    records.remove(1);
    let (mut prev, mut forged) = (Digest::GENESIS, Vec::new());
    for mut record in records {
        record.prev = prev;
        let line = record.to_line().unwrap();
        prev = Record::parse(&line).unwrap().hash;
        forged.extend([line, b"\n".to_vec()].concat());
    }
    fs::write(room.path(), forged).unwrap();
    let error = verify(&room.path()).unwrap_err();
    assert!(error.line == 2 && error.what.contains("goes on with number 3 after 1"), "{error}");
}

#[test]
fn a_file_that_is_no_log_is_never_written_to() {
    let room = Room::new();
    fs::create_dir_all(room.path().parent().unwrap()).unwrap();
    for content in [&b"export PATH=/bin\n"[..], b"{\"v\":2}\n", b"\n"] {
        fs::write(room.path(), content).unwrap();
        assert!(matches!(Log::open(room.config("s1")), Err(LogError::Unfit { .. })));
        assert_eq!(room.bytes(), content);
    }
}

#[test]
fn what_stands_at_the_path_must_be_ours_alone() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    let room = written(vec![]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&room.path()), 0o600);
    assert_eq!(mode(room.path().parent().unwrap()), 0o700);

    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o660)).unwrap();
    assert!(matches!(Log::open(room.config("s1")), Err(LogError::Unfit { .. })));

    let target = room.path().with_file_name("target");
    fs::rename(room.path(), &target).unwrap();
    symlink(&target, room.path()).unwrap();
    assert!(matches!(Log::open(room.config("s1")), Err(LogError::Open { .. })));

    fs::remove_file(room.path()).unwrap();
    fs::create_dir(room.path()).unwrap();
    assert!(Log::open(room.config("s1")).is_err());
}

#[test]
fn records_of_a_newer_version_and_unknown_members_are_refused() {
    let room = written(vec![]);
    let line = lines(&room).remove(0);
    let text = String::from_utf8(line).unwrap();
    let resealed = |text: String| {
        let content = &text[..text.rfind(",\"hash\"").unwrap()];
        format!("{content},\"hash\":\"{}\"}}", Digest::of(content.as_bytes()))
    };
    assert!(Record::parse(resealed(text.clone()).as_bytes()).is_ok());
    let newer = resealed(text.replace("{\"v\":1,", "{\"v\":2,"));
    assert!(matches!(Record::parse(newer.as_bytes()), Err(ParseError::Version(version)) if version == "2"));
    for unknown in
        [text.replace("\"calls\":1", "\"calls\":1,\"x\":1"), text.replace("session_end", "session_fin")]
    {
        assert!(matches!(Record::parse(resealed(unknown).as_bytes()), Err(ParseError::Json(_))));
    }
}

#[test]
fn a_log_that_shrank_under_a_session_does_not_verify() {
    let room = Room::new();
    let mut log = room.log("s1");
    (0..4).for_each(|n| log.write(noise(&n.to_string())).unwrap());
    let first = lines(&room).remove(0);
    fs::OpenOptions::new().write(true).open(room.path()).unwrap().set_len(first.len() as u64).unwrap();
    log.write(noise("after")).unwrap();
    assert_eq!(verify(&room.path()).unwrap_err().line, 2);
}

#[test]
fn a_line_without_end_is_not_held_in_memory() {
    let room = written(vec![]);
    let mut file = fs::OpenOptions::new().append(true).open(room.path()).unwrap();
    (0..20).for_each(|_| file.write_all(&vec![b'x'; 1 << 20]).unwrap());
    assert!(verify(&room.path()).is_err());
    room.log("s2").write(noise("after")).unwrap();
    assert_eq!(verify(&room.path()).unwrap().damages[0].recovered.bytes, 20 << 20);
}
