//! The worst texts that fit into the limits are read in a time that a person does not notice.
//! The bound is loose, for slow machines and unoptimised builds: it catches quadratic work, not slow work.

use std::time::{Duration, Instant};

use policy::Source;

use crate::host::{Texts, plan};

const BOUND: Duration = Duration::from_secs(10);

/// Repeats a piece of text, numbered, until the text is nearly as long as is read.
fn fill(start: &str, piece: impl Fn(usize) -> String, end: &str) -> String {
    let mut text = start.to_owned();
    let mut number = 0;
    while text.len() < 255 * 1024 {
        text.push_str(&piece(number));
        number += 1;
    }
    text + end
}

fn few(count: usize, start: &str, piece: impl Fn(usize) -> String, end: &str) -> String {
    (0..count).fold(start.to_owned(), |text, number| text + &piece(number)) + end
}

#[test]
fn hostile_texts_are_read_quickly() {
    let deep = "x/".repeat(100);
    let texts = [
        ("keys", fill("version: 1\n", |n| format!("k{n}: 1\n"), "")),
        ("equal keys", fill("version: 1\n", |_| "k: 1\n".to_owned(), "")),
        ("nearly keys", fill("version: 1\nnetwork:\n", |n| format!("  allowed_domain{n}: 1\n"), "")),
        ("one long key", fill("version: 1\n? ", |_| "k".to_owned(), "\n: 1\n")),
        ("items", fill("version: 1\nfilesystem: { read: [", |_| "/a,".to_owned(), "]}\n")),
        ("bad items", fill("version: 1\nfilesystem: { read: [", |_| "a,".to_owned(), "]}\n")),
        ("one long path", fill("version: 1\nfilesystem: { read: [\"", |_| "/a".to_owned(), "\"]}\n")),
        ("dollars", fill("version: 1\nfilesystem: { read: [\"/", |_| "$$${".to_owned(), "\"]}\n")),
        ("variables", fill("version: 1\nfilesystem: { read: [\"/", |_| "${env:REGION}".to_owned(), "\"]}\n")),
        (
            "one long domain",
            fill("version: 1\nnetwork: { allowed_domains: [\"", |_| "ü.".to_owned(), "\"]}\n"),
        ),
        (
            "variables of the environment",
            fill("version: 1\nenvironment: { set: {", |n| format!("A{n}: b,"), "}}\n"),
        ),
        ("tools", fill("version: 1\ntools: {", |n| format!("t{n}: {{}},"), "}\n")),
        ("globs", few(64, "version: 1\ntools: {", |n| format!("\"{n}{}*\": {{}},", "*a".repeat(59)), "}\n")),
        ("anchors", fill("version: 1\nname: [", |n| format!("&a{n} x,"), "]\n")),
        ("aliases", fill("version: 1\nname: [&a x,", |_| "*a,".to_owned(), "]\n")),
        ("brackets", fill("version: 1\nname: ", |_| "[".to_owned(), "\n")),
        ("braces", fill("version: 1\nname: ", |_| "{".to_owned(), "\n")),
        ("questions", fill("version: 1\nname:\n", |_| "? ".to_owned(), "\n")),
        ("dashes", fill("version: 1\nname:\n", |_| "- ".to_owned(), "\n")),
        ("comments", fill("version: 1\n", |_| "#\n".to_owned(), "")),
        ("spaces", fill("version: 1\nname: x", |_| " ".to_owned(), "\n")),
        ("invisible", fill("version: 1\n", |_| "\u{200b}\n".to_owned(), "")),
        (
            "a pattern",
            fill(
                "version: 1\ntools: {a: {arguments: {b: {type: pattern, pattern: \"",
                |_| "(a|".to_owned(),
                "\"}}}}\n",
            ),
        ),
        (
            "a thousand deep paths under ten tools",
            few(
                1000,
                "version: 1\ntools: {a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {}, i: {}, defaults: {allowed_paths: [",
                |n| format!("/{deep}{n},"),
                "]}}\n",
            ),
        ),
    ];
    for (name, text) in texts {
        let start = Instant::now();
        let _ = plan(&text);
        let time = start.elapsed();
        println!("{name}: {time:?}");
        assert!(time < BOUND, "{name} took {time:?}");
    }
}

#[test]
fn many_texts_are_read_quickly() {
    let large = |n: usize| fill("version: 1\nfilesystem: { deny: [", |k| format!("/p{n}/{k},"), "]}\n");
    let library = (0..60).fold(Texts::default(), |texts, n| texts.with(&format!("p{n}"), &large(n)));
    let all: Vec<String> = (0..60).map(|n| format!("p{n}")).collect();
    let text = format!("version: 1\nextends: [{}]\n", all.join(", "));
    let start = Instant::now();
    let problems = policy::load(Source { name: "p.yaml".to_owned(), text }, &library).expect_err("too much");
    assert!(problems.to_string().contains("more than 1048576 bytes"));
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
}
