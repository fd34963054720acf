//! What a session saw, page by page and as a file.

use pins::{Item, List, MAX_SURFACE, MAX_SURFACE_FILE, Surface, SurfaceError};
use similar_asserts::assert_eq;

use crate::support::{described, instructions, raw, surface, with_item};

#[test]
fn a_name_stands_once_in_a_listing() {
    let mut seen = surface(&[described("a", "A")]);
    let before = seen.clone();
    let twice = |list, key: &str| Err(SurfaceError::Twice { list, key: key.to_owned() });
    assert_eq!(seen.add_tool(described("a", "B")), twice(List::Tools, "a"));
    assert_eq!(
        seen.add(Item::read(List::Tools, &raw(r#"{"name":"a"}"#)).expect("a tool")),
        twice(List::Tools, "a")
    );
    assert_eq!(seen, before);
    let prompt = || Item::read(List::Prompts, &raw(r#"{"name":"a"}"#)).expect("a prompt");
    assert_eq!((seen.add(prompt()), seen.add(prompt())), (Ok(()), twice(List::Prompts, "a")));
    assert_eq!(seen.merge(surface(&[described("b", "B"), described("a", "A")])), twice(List::Tools, "a"));
    // Another listing of the same list.
    seen.begin(List::Tools);
    assert!(!seen.is_complete(List::Tools));
    assert_eq!(seen.add_tool(described("a", "B")), Ok(()));
    assert_eq!(
        twice(List::Tools, "\u{202e}\"").map_err(|error| error.to_string()).expect_err("an error"),
        r#"the tool "\u{202e}\"" stands twice in one listing"#
    );
}

#[test]
fn pages_are_merged() {
    let mut first = surface(&[described("a", "A")]);
    first.begin(List::Prompts);
    let mut second = with_item(surface(&[described("b", "B")]), List::Prompts, r#"{"name":"p"}"#);
    second.set_told(instructions("Be kind.")).expect("room");
    first.merge(second).expect("room");
    assert_eq!(first.tools().keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(first.told(), Some(&instructions("Be kind.")));
    assert!(first.is_complete(List::Prompts));
}

#[test]
fn a_surface_is_bounded_and_knows_what_it_holds() {
    let mut seen = Surface::default();
    let large = |name: &str| described(name, &"x".repeat((1 << 20) - 100));
    for round in ["a", "b"] {
        for n in 0..4 {
            seen.add_tool(large(&format!("{round}{n}"))).expect("room");
        }
        assert_eq!(seen.add_tool(large("more")), Err(SurfaceError::TooLarge));
        assert_eq!(
            seen.set_told(instructions(&"\u{1}".repeat(MAX_SURFACE / 6))),
            Err(SurfaceError::TooLarge)
        );
        assert_eq!(seen.told(), None);
        seen.begin(List::Tools);
    }
    for _ in 0..3 {
        assert_eq!(seen.set_told(instructions(&"x".repeat(MAX_SURFACE / 2))), Ok(()));
    }
}

#[test]
fn the_file_says_everything() {
    let seen = surface(&[described("a", "A\u{202e}")]);
    let seen = with_item(seen, List::Prompts, r#"{"name":"p","arguments":[1.0]}"#);
    let seen = with_item(seen, List::Resources, r#"{"uri":"u"}"#);
    let mut seen = with_item(seen, List::Templates, r#"{"uriTemplate":"t"}"#);
    seen.set_told(instructions("Be kind.")).expect("room");
    seen.set_identity(pins::Identity { version: Some("1".into()), ..Default::default() });
    assert_eq!(
        seen.to_json(),
        concat!(
            r#"{"version":1,"identity":{"version":"1"},"told":{"name":"files","version":"1","instructions":"Be kind."},"#,
            r#""complete":["tools","prompts","resources","templates"],"#,
            r#""tools":[{"description":"A\u202e","name":"a"}],"prompts":[{"arguments":[1.0],"name":"p"}],"#,
            r#""resources":[{"uri":"u"}],"templates":[{"uriTemplate":"t"}]}"#
        )
    );
    assert_eq!(Surface::from_json(&seen.to_json()), Ok(seen));
}

#[test]
fn other_files_are_refused() {
    let cases = [
        ("", "no file of what a server showed: EOF while parsing a value at line 1 column 0"),
        (
            r#"{"version":2,"x":1}"#,
            "the file of what a server showed has version 2; this program reads version 1",
        ),
        (
            r#"{"version":1,"tools":[{}]}"#,
            "a tool in the file of what a server showed: its `name` must be a text",
        ),
        (
            r#"{"version":1,"tools":[{"name":"a"},{"name":"a"}]}"#,
            "the tool \"a\" stands twice in one listing",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(Surface::from_json(text).expect_err(text).to_string(), wanted);
    }
    for text in [
        r#"{"version":1,"x":1}"#,
        r#"{"version":1,"told":{"x":1}}"#,
        r#"{"version":1,"identity":{"x":1}}"#,
        r#"{"version":1,"complete":["x"]}"#,
        r#"{"version":1,"version":1}"#,
        r#"{"version":1} x"#,
    ] {
        assert!(Surface::from_json(text).is_err(), "{text}");
    }
    assert!(Surface::from_json(r#"{"version":1}"#).is_ok());
    assert!(Surface::from_json(&" ".repeat(MAX_SURFACE_FILE + 1)).is_err());
}
