//! Each record names the policy under which it was written; what belongs to no policy, and older logs, name none.

use std::fs;
use std::io::Write as _;

use audit::*;

use super::room::{Room, end, noise, revision};

fn lines(room: &Room) -> Vec<String> {
    String::from_utf8(room.bytes()).unwrap().lines().map(str::to_owned).collect()
}

fn named(room: &Room) -> Vec<Option<Revision>> {
    room.records().iter().map(|record| record.revision).collect()
}

fn sealed(content: &str) -> Vec<u8> {
    format!("{content},\"hash\":\"{}\"}}", Digest::of(content.as_bytes())).into_bytes()
}

fn changed() -> Body {
    let policy =
        Policy { name: "p".to_owned(), revision: "cd".repeat(32), sources: vec!["p.yaml".to_owned()] };
    let (before, later) = ("ab".repeat(32), vec!["The environment.".to_owned()]);
    Body::PolicyChanged(PolicyChanged { policy, before, coverage: vec![], later })
}

#[test]
fn the_member_stands_between_the_number_and_the_chain() {
    let (room, zeros) = (Room::new(), "0".repeat(64));
    room.log("s1").write(noise("a")).unwrap();
    let line = &lines(&room)[0];
    let head =
        format!("\"session\":\"s1\",\"seq\":1,\"revision\":\"abababababab\",\"prev\":\"{zeros}\",\"event\":");
    assert!(line.contains(&head), "{line}");
    assert_eq!(room.records()[0].to_line().unwrap(), line.as_bytes());

    let room = Room::new();
    let config = LogConfig { revision: None, ..room.config("s1") };
    Log::open(config).unwrap().write(noise("a")).unwrap();
    let line = &lines(&room)[0];
    assert!(line.contains(&format!("\"seq\":1,\"prev\":\"{zeros}\"")), "{line}");
    assert_eq!(room.records()[0].to_line().unwrap(), line.as_bytes());
}

/// A line of a log that was written before records named revisions.
#[test]
fn an_older_log_is_read_verified_and_carried_on() {
    let room = Room::new();
    let content = format!(
        "{{\"v\":1,\"time\":\"2026-11-21T02:19:03.500000Z\",\"session\":\"old\",\"seq\":1,\"prev\":\"{}\",{}",
        "0".repeat(64),
        "\"event\":\"lost\",\"count\":1,\"kind\":\"records\""
    );
    let line = sealed(&content);
    fs::create_dir_all(room.path().parent().unwrap()).unwrap();
    fs::write(room.path(), [&line[..], b"\n"].concat()).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o600)).unwrap();
    room.log("s1").write(noise("a")).unwrap();
    assert_eq!(named(&room), [None, Some(revision("ab"))]);
    assert_eq!(room.records()[0].to_line().unwrap(), line);
    assert_eq!(verify(&room.path()).unwrap().records, 2);
}

#[test]
fn what_is_no_revision_is_no_record() {
    let room = Room::new();
    room.log("s1").write(noise("a")).unwrap();
    let line = lines(&room).remove(0);
    let content = &line[..line.rfind(",\"hash\"").unwrap()];
    assert!(Record::parse(&sealed(content)).is_ok());
    for wrong in ["", "ab", "ABABABABABAB", "abababababababab"] {
        let changed = content.replace("\"revision\":\"abababababab\"", &format!("\"revision\":\"{wrong}\""));
        assert!(matches!(Record::parse(&sealed(&changed)), Err(ParseError::Json(_))), "{wrong}");
    }
}

#[test]
fn a_changed_policy_is_named_from_then_on() {
    let room = Room::new();
    let mut log = room.log("s1");
    log.write(noise("a")).unwrap();
    log.set_revision(Some(revision("cd")));
    log.write(changed()).unwrap();
    log.write(end()).unwrap();
    let (old, new) = (revision("ab"), revision("cd"));
    assert_eq!(named(&room), [Some(old), Some(new), Some(new)]);
    assert_eq!(verify(&room.path()).unwrap().records, 3);
    let shown = render(&room.records()[1]);
    let expected = "#2 policy   session s1: under policy p (cdcdcdcdcdcd) instead of abababababab; \
                    0 of 0 rules enforced; from its next start on: The environment.";
    assert!(shown.ends_with(expected), "{shown}");
}

#[test]
fn hashes_of_policies_stay_plain_and_its_texts_do_not() {
    let room = Room::new();
    let secrets =
        [("PART".to_owned(), "ab".repeat(8).into_bytes()), ("TOKEN".to_owned(), b"environment".to_vec())];
    let redactor = std::sync::Arc::new(Redactor::new(secrets));
    let mut log = Log::open(LogConfig { redactor, ..room.config("s1") }).unwrap();
    log.write(changed()).unwrap();
    let record = room.records().remove(0);
    let Body::PolicyChanged(told) = &record.body else { panic!("another event") };
    assert_eq!((told.before.as_str(), record.revision), ("ab".repeat(32).as_str(), Some(revision("ab"))));
    assert_eq!(told.later, ["The [redacted:TOKEN]."]);
}

#[test]
fn what_the_log_says_of_itself_names_the_writers_policy() {
    let room = Room::new();
    let mut log = Log::open(LogConfig { max_bytes: 600, ..room.config("s1") }).unwrap();
    log.write(noise("a")).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(room.path()).unwrap();
    file.write_all(b"{\"v\":1,\"ti").unwrap();
    log.set_revision(Some(revision("cd")));
    (0..3).for_each(|_| log.write(noise("b")).unwrap());
    let records = read(&room.path(), Filter::default()).unwrap().filter_map(Result::ok);
    let told: Vec<_> = records.map(|record| (record.body.event(), record.revision)).collect();
    for event in ["recovered", "rotated"] {
        assert!(told.contains(&(event, Some(revision("cd")))), "{event}: {told:?}");
    }
    assert!(told.iter().skip(1).all(|(_, named)| *named == Some(revision("cd"))), "{told:?}");
    assert!(verify(&room.path()).is_ok());
}

#[test]
fn readers_may_ask_for_one_revision() {
    let room = Room::new();
    let mut log = room.log("s1");
    log.write(noise("a")).unwrap();
    log.set_revision(Some(revision("cd")));
    (0..2).for_each(|_| log.write(noise("b")).unwrap());
    log.set_revision(None);
    log.write(end()).unwrap();
    let count = |revision: &str| {
        let filter = Filter { revision: Some(revision.to_owned()), ..Filter::default() };
        read(&room.path(), filter).unwrap().map(Result::unwrap).count()
    };
    let whole = "cd".repeat(32);
    assert_eq!(
        ["ab", "cdcd", "cdcdcdcdcdcd", whole.as_str(), "cdcdcdcdcdcdc", "x"].map(count),
        [1, 2, 2, 2, 0, 0]
    );
}
