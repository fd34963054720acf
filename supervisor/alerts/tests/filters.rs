//! Which events a rule is about.

use alerts::{Event, Filter, Glob, GlobError, Kind, Layer, PathPrefix, PathPrefixError, Verdict};
use audit::{CallRef, Cause, OperationKind};

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| text.parse().expect(text)).collect()
}

fn paths(texts: &[&str]) -> Vec<PathPrefix> {
    texts.iter().map(|text| text.parse().expect(text)).collect()
}

#[test]
fn each_list_that_is_not_empty_must_fit() {
    let scopes = ["read".to_owned(), "write".to_owned()];
    let in_flight =
        [CallRef { call: 1, tool: "fetch".to_owned() }, CallRef { call: 2, tool: "shell".to_owned() }];
    let event = Event {
        verdict: Some(Verdict::Denied),
        layer: Some(Layer::File),
        cause: Some(Cause::File),
        operation: Some(OperationKind::Kill),
        host: Some("Evil.Example"),
        path: Some("/etc/shadow"),
        scopes: &scopes,
        in_flight: &in_flight,
        ..Event::new(Kind::Denial)
    };
    let none = Event::new(Kind::Noise);
    let all = Filter::default();
    for (name, fits, other) in [
        (
            "kinds",
            Filter { kinds: vec![Kind::Lost, Kind::Denial], ..all.clone() },
            Filter { kinds: vec![Kind::Lost], ..all.clone() },
        ),
        (
            "verdicts",
            Filter { verdicts: vec![Verdict::Denied], ..all.clone() },
            Filter { verdicts: vec![Verdict::Failed], ..all.clone() },
        ),
        (
            "layers",
            Filter { layers: vec![Layer::File], ..all.clone() },
            Filter { layers: vec![Layer::Exec], ..all.clone() },
        ),
        (
            "causes",
            Filter { causes: vec![Cause::File], ..all.clone() },
            Filter { causes: vec![Cause::Proof], ..all.clone() },
        ),
        (
            "operations",
            Filter { operations: vec![OperationKind::Kill], ..all.clone() },
            Filter { operations: vec![OperationKind::Thaw], ..all.clone() },
        ),
        (
            "hosts",
            Filter { hosts: globs(&["*.example"]), ..all.clone() },
            Filter { hosts: globs(&["*.org"]), ..all.clone() },
        ),
        (
            "paths",
            Filter { paths: paths(&["/root", "/etc"]), ..all.clone() },
            Filter { paths: paths(&["/et"]), ..all.clone() },
        ),
        (
            "tools",
            Filter { tools: globs(&["sh*l"]), ..all.clone() },
            Filter { tools: globs(&["write*"]), ..all.clone() },
        ),
        (
            "scopes",
            Filter { scopes: vec!["write".to_owned()], ..all.clone() },
            Filter { scopes: vec!["admin".to_owned()], ..all.clone() },
        ),
    ] {
        assert!(fits.admits(&event), "{name}");
        assert!(!other.admits(&event), "{name}");
        assert!(!fits.admits(&none), "{name}: what the event does not have does not fit");
        let both = Filter { layers: vec![Layer::Exec], ..fits };
        assert!(!both.admits(&event), "{name}: all lists must fit");
    }
    assert!(all.admits(&event) && all.admits(&none));
}

#[test]
fn globs_stand_for_whole_names() {
    for (glob, fits, other) in [
        ("shell_*", &["shell_", "shell_run", "SHELL_x"][..], &["shell", "a_shell_x"][..]),
        ("*shell*", &["shell", "PowerShell_7", "a shell b"], &["shel", "s*hell"]),
        ("*", &["", "x"], &[]),
        ("a*a", &["aa", "aba"], &["a", "ab", "ba"]),
        ("a*b*c", &["abc", "axxbxxc", "abbc"], &["acb", "ab", "ac"]),
        ("*aab*", &["aaab", "xaabx"], &["aaa", "ab"]),
        ("*abab*b", &["ababb", "abababb"], &["abab"]),
        ("**x**", &["x", "axb"], &[""]),
        ("read", &["read", "Read"], &["reads", "rea", ""]),
        ("ü*", &["ü", "üb"], &["u"]),
    ] {
        let parsed: Glob = glob.parse().unwrap();
        fits.iter().for_each(|name| assert!(parsed.matches(name), "{glob} {name}"));
        other.iter().for_each(|name| assert!(!parsed.matches(name), "{glob} {name}"));
    }
    assert_eq!("".parse::<Glob>(), Err(GlobError::Empty));
    assert_eq!("x".repeat(257).parse::<Glob>(), Err(GlobError::Long));
}

#[test]
fn paths_are_compared_by_whole_names() {
    for (prefix, fits, other) in [
        ("/work", &["/work", "/work/", "/work/a/b"][..], &["/work-evil", "/wor", "/", "work", ""][..]),
        ("/work/", &["/work", "/work/a"], &["/workx"]),
        ("/", &["/", "/a"], &["", "a"]),
    ] {
        let parsed: PathPrefix = prefix.parse().unwrap();
        fits.iter().for_each(|path| assert!(parsed.holds(path), "{prefix} {path}"));
        other.iter().for_each(|path| assert!(!parsed.holds(path), "{prefix} {path}"));
    }
    for relative in ["", "a", "~/x"] {
        assert_eq!(relative.parse::<PathPrefix>(), Err(PathPrefixError::Relative), "{relative}");
    }
    for unclear in ["//", "/a//b", "/a/../b", "/./a", "/.."] {
        assert_eq!(unclear.parse::<PathPrefix>(), Err(PathPrefixError::Unclear), "{unclear}");
    }
}
