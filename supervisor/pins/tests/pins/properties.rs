//! What holds for anything that a server may show.

use pins::{Identity, Item, List, Lock, Paint, Surface, Told, Tool, compare, compare_server};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::{raw, suspicion};

/// Texts with quotes, controls and invisible characters in them.
fn text() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        4 => "[a-c ]".prop_map(|text| text),
        2 => any::<char>().prop_map(String::from),
        1 => prop::sample::select(vec!["\"", "\"\"\"", "'", "'''", "\\", "\n", "\r\n", "\t", "\u{7f}", "\u{202e}", "\u{e0041}",
            "\u{1b}[2J", "ignore previous", "any", "/etc/x"]).prop_map(String::from),
    ];
    vec(sign, 0..12).prop_map(|signs| signs.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let name = prop_oneof![
        3 => prop::sample::select(vec!["type", "properties", "required", "enum", "description", "items", "anyOf", "$defs",
            "default", "readOnlyHint", "title"]).prop_map(String::from),
        1 => text(),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name.clone(), inner, 0..4).prop_map(|members| Value::from(Map::from_iter(members))),
        ]
    })
}

fn members() -> impl Strategy<Value = Map<String, Value>> {
    let schemas = [value().boxed(), value().boxed(), value().boxed(), value().boxed()];
    (option::of(text()), option::of(text()), schemas, text()).prop_map(
        |(title, description, values, other)| {
            let mut members = Map::new();
            members.extend(title.map(|title| ("title".to_owned(), Value::from(title))));
            members.extend(description.map(|text| ("description".to_owned(), Value::from(text))));
            let names = [
                "inputSchema".to_owned(),
                "outputSchema".to_owned(),
                "annotations".to_owned(),
                format!("x{other}"),
            ];
            members.extend(names.into_iter().zip(values));
            members
        },
    )
}

fn json(key: &str, name: &str, members: &Map<String, Value>) -> String {
    let mut members = members.clone();
    members.insert(key.to_owned(), Value::from(name));
    Value::from(members).to_string()
}

fn tool() -> impl Strategy<Value = Tool> {
    (text(), members())
        .prop_map(|(name, members)| Tool::read(&raw(&json("name", &name, &members))).expect("a tool"))
}

fn surface() -> impl Strategy<Value = Surface> {
    let identity = option::of((option::of(vec(text(), 0..3)), option::of(text()), option::of(text())));
    let told = option::of((option::of(text()), option::of(text())));
    let lists =
        prop::sample::subsequence(vec![List::Tools, List::Prompts, List::Resources, List::Templates], 0..=4);
    (identity, told, vec(tool(), 0..4), vec((text(), members()), 0..3), lists).prop_map(
        |(identity, told, tools, items, lists)| {
            let mut surface = Surface::default();
            if let Some((command, package, integrity)) = identity {
                surface.set_identity(Identity { command, package, integrity, ..Identity::default() });
            }
            if let Some((name, instructions)) = told {
                surface.set_told(Told { name, version: None, instructions }).expect("room");
            }
            tools.into_iter().for_each(|tool| drop(surface.add_tool(tool)));
            let kinds = [(List::Prompts, "name"), (List::Resources, "uri"), (List::Templates, "uriTemplate")];
            for ((list, key), (name, members)) in kinds.into_iter().zip(items) {
                surface
                    .add(Item::read(list, &raw(&json(key, &name, &members))).expect("an item"))
                    .expect("room");
            }
            lists.into_iter().for_each(|list| surface.complete(list));
            surface
        },
    )
}

/// The same JSON with the members of each object the other way round, and white space between them.
fn turned(value: &Value) -> String {
    let quoted = |text: &String| Value::from(text.as_str()).to_string();
    match value {
        Value::Array(items) => format!("[ {} ]", items.iter().map(turned).collect::<Vec<_>>().join(" , ")),
        Value::Object(members) => {
            let members =
                members.iter().rev().map(|(name, value)| format!("{} :\n{}", quoted(name), turned(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(",\t"))
        }
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n'
            || !(c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{e0000}'..='\u{e0fff}'))
    })
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,200}", toml in "(version = 1\n)?(\\[servers[.a\"']{0,6}\\]\n|[a-z_]{1,8} = [\"'{\\[0-9a:,}\\] ]{0,8}\n){0,6}") {
        let _ = (Lock::parse(&text), Lock::parse(&toml), Surface::from_json(&text));
        let _ = serde_json::from_str(&text).map(Tool::read);
    }

    #[test]
    fn a_broken_lock_never_panics(surface in surface(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut lock = Lock::default();
        lock.accept("a", &surface).expect("room");
        let mut signs: Vec<char> = lock.to_text().chars().collect();
        let at = at.index(signs.len());
        signs[at] = with;
        let broken: String = signs.into_iter().collect();
        if let Err(error) = Lock::parse(&broken) {
            prop_assert!(is_plain(&error.to_string()) && !error.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_lock_is_read_as_it_was_written(name in text(), surface in surface(), other in surface()) {
        let mut lock = Lock::default();
        lock.accept(&name, &surface).expect("room");
        lock.accept("other", &other).expect("room");
        let text = lock.to_text();
        prop_assert!(is_plain(&text), "{}", text);
        prop_assert_eq!(Lock::parse(&text), Ok(lock));
    }

    #[test]
    fn a_surface_is_read_as_it_was_written(surface in surface()) {
        prop_assert_eq!(Surface::from_json(&surface.to_json()), Ok(surface));
    }

    #[test]
    fn what_was_accepted_is_no_change(before in surface(), surface in surface()) {
        let mut lock = Lock::default();
        lock.accept("a", &before).expect("room");
        lock.accept("a", &surface).expect("room");
        let lock = Lock::parse(&lock.to_text()).expect("a lock");
        let report = compare_server(lock.server("a").expect("accepted"), &surface, &suspicion);
        prop_assert!(report.is_empty(), "{:?}", report);
    }

    #[test]
    fn another_digest_is_never_without_a_change(old in tool(), new in tool()) {
        prop_assert!(compare(old.pinned(), &old, &suspicion).is_empty());
        prop_assert_eq!(compare(old.pinned(), &new, &suspicion).is_empty(), old.digest() == new.digest());
    }

    #[test]
    fn the_order_of_members_is_no_change(name in text(), members in members()) {
        let plain = json("name", &name, &members);
        let turned = turned(&serde_json::from_str(&plain).expect("JSON"));
        let (plain, turned) = (Tool::read(&raw(&plain)), Tool::read(&raw(&turned)));
        prop_assert_eq!(plain, turned);
    }

    #[test]
    fn nothing_hides_in_what_is_shown(old in surface(), new in surface(), width in 0_usize..200) {
        let mut lock = Lock::default();
        lock.accept("a", &old).expect("room");
        let report = compare_server(lock.server("a").expect("accepted"), &new, &|text| Some(text.to_owned()));
        let shown = report.render(width, Paint::Plain);
        prop_assert!(is_plain(&shown), "{}", shown);
    }
}
