//! Paths and what their entries allow.

use abi::{Access, Entry, NAME_EXACT, NAME_PREFIX, NAME_SUFFIX, Reason, flags, name_hash, session_flags};

use super::tables::{Maps, Written};
use crate::{Denial, file, path};

fn examine(maps: &Maps, text: &str, inodes: &[u64]) -> Result<Entry, Denial> {
    let mut found = path::NOTHING;
    path::examine(maps, &Written::new(text, inodes), &maps.names, true, &mut found).map(|()| found)
}

#[test]
fn the_nearest_entry_from_below_decides() {
    let mut maps = Maps::default();
    maps.grant(1, 1, 0, 10);
    maps.grant(3, 0, 0, 11);
    maps.grant(4, 2, 2, 12);
    assert_eq!(examine(&maps, "/a", &[1, 2]).unwrap().rule, 10);
    assert_eq!(examine(&maps, "/a/b/x", &[1, 2, 3, 9]).unwrap().rule, 11);
    assert_eq!(examine(&maps, "/a/b/c/x", &[1, 2, 3, 4, 9]).unwrap().rule, 12);
    assert_eq!(examine(&Maps::default(), "/a", &[1, 2]), Ok(path::NOTHING));
}

#[test]
fn an_inode_is_known_by_any_name() {
    let mut maps = Maps::default();
    maps.grant(1, 1, 1, 10);
    maps.grant(7, 0, 0, 11);
    assert_eq!(examine(&maps, "/link", &[1, 7]).unwrap().rule, 11);
}

#[test]
fn a_denied_name_is_denied_before_it_exists_and_after_it_was_replaced() {
    let mut maps = Maps::default();
    maps.grant(2, 1, 1, 10);
    maps.deny_beneath(2, 5, "secret", 11);
    for inode in [0, 77] {
        assert_eq!(examine(&maps, "/a/secret", &[1, 2, inode]).unwrap().rule, 11);
        assert_eq!(examine(&maps, "/a/secret/x", &[1, 2, 76, inode]).unwrap().rule, 11);
    }
    assert_eq!(examine(&maps, "/a/secret2", &[1, 2, 9]).unwrap().rule, 10);
    assert_eq!(examine(&maps, "/a/b/secret", &[1, 2, 8, 9]).unwrap().rule, 10);
    // A grant inside of the denied directory is nearer.
    maps.grant(76, 1, 0, 12);
    assert_eq!(examine(&maps, "/a/secret/x", &[1, 2, 76, 9]).unwrap().rule, 12);
}

#[test]
fn names_lead_through_directories_that_come_and_go() {
    let mut maps = Maps::default();
    maps.grant(2, 1, 1, 10);
    maps.deny_beneath(2, 5, "key", 11);
    let above = maps.objects.get_mut(&2).unwrap();
    above.name_lengths |= path::length_bit(3);
    let step = Entry {
        node: 6,
        name_lengths: path::length_bit(1),
        flags: flags::HAS_NAMES | flags::ON_THE_WAY,
        ..path::NOTHING
    };
    maps.named.insert((5, name_hash(b"dir")), step);
    maps.named.insert((6, name_hash(b"k")), Entry { rule: 12, flags: flags::DECIDES, ..path::NOTHING });
    assert_eq!(examine(&maps, "/a/dir/k", &[1, 2, 30, 31]).unwrap().rule, 12);
    assert_eq!(examine(&maps, "/a/dir/l", &[1, 2, 30, 31]).unwrap().rule, 10);
    let way = examine(&maps, "/a/dir", &[1, 2, 30]).unwrap();
    assert_eq!((way.rule, way.flags & flags::ON_THE_WAY), (10, flags::ON_THE_WAY));
    assert_eq!(file::detach(&way, 1).unwrap_err().reason, Reason::OnTheWay);
    assert_eq!(file::access(&way, Access::WRITE, 1), Ok(()));
    let other = examine(&maps, "/a/other", &[1, 2, 30]).unwrap();
    assert_eq!(file::detach(&other, 1), Ok(()));
}

#[test]
fn a_directory_on_the_way_to_a_denied_inode_stays() {
    let mut maps = Maps::default();
    maps.grant(2, 1, 1, 10);
    let way = Entry { rule: 11, flags: flags::ON_THE_WAY, ..path::NOTHING };
    maps.objects.insert(3, way);
    let found = examine(&maps, "/a/b", &[1, 2, 3]).unwrap();
    assert_eq!(file::detach(&found, 1).unwrap_err().reason, Reason::OnTheWay);
    assert_eq!(file::detach(&examine(&maps, "/a/b/c", &[1, 2, 3, 4]).unwrap(), 1), Ok(()));
}

#[test]
fn denied_names_close_every_component() {
    let mut maps = Maps::default();
    maps.grant(1, 1, 1, 10);
    maps.deny_name(NAME_EXACT, ".env", 20);
    maps.deny_name(NAME_PREFIX, "id_", 21);
    maps.deny_name(NAME_SUFFIX, ".pem", 22);
    maps.deny_name(NAME_SUFFIX, "m", 23);
    let rule = |text: &str, inodes: &[u64]| examine(&maps, text, inodes).map(|entry| entry.rule);
    let by = |rule: u32| Err(Denial::by(Reason::Name, rule));
    assert_eq!(rule("/.env", &[1, 2]), by(20));
    assert_eq!(rule("/.env/x", &[1, 2, 3]), by(20));
    assert_eq!(rule("/a/id_rsa", &[1, 2, 3]), by(21));
    assert_eq!(rule("/a/id_", &[1, 2, 3]), by(21));
    assert_eq!(rule("/a/k.pem", &[1, 2, 3]), by(23));
    for open in ["/.envx", "/x.env", "/id", "/xid_", "/.pem2", "/env."] {
        assert_eq!(rule(open, &[1, 2]), Ok(10), "{open}");
    }
}

#[test]
fn rights_hold_while_their_class_is_active() {
    let entry = Entry { read: 3, write: 2, execute: 4, flags: flags::DECIDES, ..path::NOTHING };
    let allowed = |wanted, active| file::access(&entry, wanted, active).is_ok();
    assert!(allowed(Access::READ, 1) && allowed(Access::READ, 2) && !allowed(Access::READ, 4));
    assert!(allowed(Access::WRITE, 2) && !allowed(Access::WRITE, 1));
    assert!(allowed(Access::READ | Access::WRITE, 3) && !allowed(Access::READ | Access::WRITE, 1));
    assert!(allowed(Access::EXECUTE, 5) && !allowed(Access::EXECUTE, 3));
    assert!(!allowed(Access::READ, 0) && allowed(0, 0));
}

#[test]
fn a_loader_is_opened_but_not_started() {
    let loader = Entry { read: 1, flags: flags::DECIDES | flags::LOADER, ..path::NOTHING };
    assert_eq!(file::open(&loader, Access::EXECUTE, 1), Ok(()));
    assert!(file::access(&loader, Access::EXECUTE, 1).is_err());
    assert!(file::open(&loader, Access::WRITE | Access::EXECUTE, 1).is_err());
}

#[test]
fn code_is_mapped_from_where_nothing_can_be_written() {
    let reason = |entry: &Entry, linked, session| {
        file::code(entry, linked, 1, session).err().map(|denial| denial.reason)
    };
    let library = Entry { read: 1, flags: flags::DECIDES, ..path::NOTHING };
    let workspace = Entry { write: 2, ..library };
    assert_eq!(reason(&library, true, 0), None);
    assert_eq!(reason(&library, false, 0), Some(Reason::WritableCode));
    assert_eq!(reason(&workspace, true, 0), Some(Reason::WritableCode));
    assert_eq!(reason(&workspace, true, session_flags::CODE_ANYWHERE), None);
    assert_eq!(reason(&workspace, false, session_flags::CODE_ANYWHERE), Some(Reason::WritableCode));
    let marked = Entry { flags: flags::DECIDES | flags::CODE, ..workspace };
    assert_eq!(reason(&marked, true, 0), None);
    assert_eq!(reason(&Entry { execute: 1, ..workspace }, true, 0), None);
    assert_eq!(reason(&Entry { execute: 2, ..workspace }, true, 0), Some(Reason::WritableCode));
    assert_eq!(reason(&path::NOTHING, true, 0), Some(Reason::NotGranted));
}

#[test]
fn a_link_gives_no_class_more() {
    let read_only = Entry { read: 1, ..path::NOTHING };
    let writable = Entry { read: 1, write: 1, ..path::NOTHING };
    let later = Entry { read: 3, write: 3, ..path::NOTHING };
    assert_eq!(file::link(&writable, &writable, 1), Ok(()));
    assert_eq!(file::link(&later, &writable, 1), Ok(()));
    assert!(file::link(&read_only, &writable, 1).is_err());
    assert!(file::link(&writable, &later, 1).is_err());
    assert!(file::link(&path::NOTHING, &writable, 1).is_err());
}
