//! The lock file.

use pins::{Identity, List, Lock, LockError, MAX_LOCK, Sha256, Surface, compare_server};
use similar_asserts::assert_eq;

use crate::support::{described, instructions, lock, surface, suspicion, tool, with_item};

fn full() -> Surface {
    let tools = [
        tool(
            r#"{"name":"read_file","title":"Read","description":"Reads a file.\nIt's \"fast\".\u202e\ud83d\ude00\udb40\udc41",
            "inputSchema":{"type":"object","properties":{"path":{"description":"it's here\u200b"}}},
            "outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"icons":[],"_meta":{"a b":1}}"#,
        ),
        described("a.b \"c\"", "\\ two\r\n lines \t \u{7f} '''"),
    ];
    let surface =
        with_item(surface(&tools), List::Prompts, r#"{"name":"sum up","description":"","arguments":[]}"#);
    let surface = with_item(surface, List::Resources, r#"{"uri":"file:///a","name":"a"}"#);
    let mut surface = with_item(surface, List::Templates, r#"{"uriTemplate":"file:///{a}","name":"a"}"#);
    surface.set_told(instructions("Be kind.\n\nAlways.\n")).expect("room");
    surface.set_identity(Identity {
        command: Some(vec!["npx".into(), "-y".into(), "server \"x\"".into()]),
        package: Some("npm:server".into()),
        version: Some("1.2.3".into()),
        integrity: Some("sha512-abc==".into()),
        binary: Some(Sha256::of("x")),
    });
    surface
}

#[test]
fn the_text_is_stable() {
    let mut lock = lock(&full());
    lock.accept("", &Surface::default()).expect("room");
    assert_eq!(lock.to_text(), include_str!("golden.lock"));
    assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
}

#[test]
fn git_may_turn_line_ends() {
    let lock = lock(&full());
    let text = lock.to_text().replace('\n', "\r\n");
    let turned = Lock::parse(&text).expect("a lock");
    let pinned = turned.server("files").expect("accepted");
    let report = compare_server(pinned, &full(), &suspicion);
    assert!(report.entries.is_empty(), "{report:?}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let digest = Sha256::of("x");
    let tool = |rest: &str| format!("version = 1\n[servers.a.tools.b]\ndigest = \"{digest}\"\n{rest}");
    let cases = [
        ("".to_owned(), "1:1: missing field `version`"),
        (
            "version = 2\nnew = 1".to_owned(),
            "1:11: version 2 of the lock file; this mcpguard reads version 1 only",
        ),
        ("version = 1\nnew = 1".to_owned(), "2:1: unknown field `new`, expected `version` or `servers`"),
        (
            "version = 1\n\"é\u{202e}\" = 1".to_owned(),
            "2:1: unknown field `é\\u{202e}`, expected `version` or `servers`",
        ),
        (tool("input_schema = '{'"), "4:16: no JSON: EOF while parsing an object at line 1 column 1"),
        (tool("input_schema = '{\"a\":1,\"a\":1}'"), "4:16: the member `a` stands twice in one object"),
        (
            tool("other = { icons = \"é\", x = \"1\" }"),
            "4:19: a digest is `sha256:` and 64 digits out of 0-9 and a-f",
        ),
        ("version = 1\n[servers.a.tools.b]\n".to_owned(), "2:1: missing field `digest`"),
        ("version = 1\nversion = 1".to_owned(), "2:1: duplicate key"),
    ];
    for (text, wanted) in cases {
        assert_eq!(Lock::parse(&text).expect_err(&text).to_string(), wanted, "{}", text);
    }
    let long = format!("version = 1\n#{}", " ".repeat(MAX_LOCK));
    assert_eq!(Lock::parse(&long), Err(LockError::TooLarge(long.len())));
    assert!(Lock::parse(&format!("version = 1\na = {}", "[".repeat(1 << 20))).is_err());
    assert!(Lock::parse(&format!("version = 1\n[{}a]", "a.".repeat(1 << 16))).is_err());
}

#[test]
fn schemas_may_be_spelled_otherwise_by_hand() {
    let lock = lock(&surface(&[tool(r#"{"name":"a","inputSchema":{"a":1,"b":2}}"#)]));
    let edited = lock.to_text().replace(r#"{"a":1,"b":2}"#, r#"{ "b": 2, "a": 1 }"#);
    assert_ne!(edited, lock.to_text());
    assert_eq!(Lock::parse(&edited), Ok(lock));
}

#[test]
fn accepting_and_forgetting() {
    let mut lock = lock(&surface(&[described("a", "A"), described("b", "B")]));
    let names =
        |lock: &Lock| lock.server("files").map(|pinned| pinned.tools().keys().cloned().collect::<Vec<_>>());
    lock.accept_tool("files", &described("c", "C")).expect("room");
    assert_eq!(names(&lock), Some(vec!["a".into(), "b".into(), "c".into()]));
    let mut known = Surface::default();
    known.set_told(instructions("Be kind.")).expect("room");
    known.set_identity(Identity { version: Some("1".into()), ..Identity::default() });
    lock.accept("files", &known).expect("room");
    // A list that was not read to its end takes nothing away, and neither does what is not known at all.
    let mut page = Surface::default();
    page.add_tool(described("a", "other")).expect("room");
    lock.accept("files", &page).expect("room");
    assert_eq!(names(&lock), Some(vec!["a".into(), "b".into(), "c".into()]));
    assert!(lock.server("files").is_some_and(|pinned| pinned.matches_tool(&described("a", "other"))));
    let pinned = lock.server("files").expect("accepted");
    assert_eq!(pinned.told(), Some(&instructions("Be kind.")));
    assert_eq!(pinned.identity().and_then(|identity| identity.version.as_deref()), Some("1"));
    assert_eq!((lock.forget_tool("files", "b"), lock.forget_tool("files", "b")), (true, false));
    page.complete(List::Tools);
    lock.accept("files", &page).expect("room");
    assert_eq!(names(&lock), Some(vec!["a".into()]));
    assert_eq!((lock.forget("files"), lock.forget("files")), (true, false));
    lock.accept_tool("new", &described("c", "C")).expect("room");
    assert_eq!(lock.servers().map(|(name, _)| name).collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_lock_never_grows_beyond_what_is_read() {
    let mut lock = Lock::default();
    let large: Vec<_> = (0..4).map(|n| described(&n.to_string(), &"x".repeat((1 << 20) - 100))).collect();
    let large = surface(&large);
    let accepted = (0..5).take_while(|n| lock.accept(&n.to_string(), &large).is_ok()).count();
    assert_eq!((accepted, lock.servers().count()), (3, 3));
    assert!(Lock::parse(&lock.to_text()).is_ok());
}
