//! Packs: the shipped one does what it shows, and mistakes are told with their place.

use alerts::{ExampleError, Pack, PackError};

const RULE: &str = "version = 1\n[[rule]]\nname = \"a\"\nseverity = \"info\"\nfilter = { kinds = [\"lost\"] }\nwhen = \"any\"\n";
const EXAMPLES: &str = "fires = [[{ kind = \"lost\" }]]\npasses = [[{ kind = \"noise\" }]]\n";

#[test]
fn every_rule_of_the_baseline_does_what_its_examples_show() {
    let pack = Pack::baseline().unwrap();
    pack.prove().unwrap();
    let names: Vec<&str> = pack.rules().iter().map(|rule| rule.rule.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "call-rate",
            "shell-tool",
            "file-denials",
            "new-host",
            "denied-host",
            "denial-burst",
            "authentication-failures",
            "quarantined-tool",
            "quarantine",
            "canary-failed",
            "dropped-records"
        ]
    );
    for rule in pack.rules() {
        assert!(rule.rule.reason.is_some(), "{}", rule.rule.name);
        assert!(!rule.fires.is_empty() && !rule.passes.is_empty(), "{}", rule.rule.name);
    }
}

#[test]
fn mistakes_are_told_with_line_and_column() {
    assert!(Pack::parse(&format!("{RULE}{EXAMPLES}")).is_ok());
    for (more, line, column, says) in [
        ("colour = 1\n", 9, 1, "unknown field `colour`"),
        ("quiet = \"5 minutes\"\n", 9, 9, "a time is a whole number and its unit"),
        ("quiet = \"99999999999999999d\"\n", 9, 9, "too long"),
        ("quiet = 5\n", 9, 9, "expected a string"),
        ("group_by = \"user\"\n", 9, 12, "unknown variant `user`"),
        ("name = \"b\"\n", 9, 1, "duplicate key"),
        ("[[rule]]\n", 9, 1, "missing field `name`"),
        ("= 3\n", 9, 1, ""),
    ] {
        let error = Pack::parse(&format!("{RULE}{EXAMPLES}{more}")).expect_err(more);
        let PackError::Toml { line: at, column: column_at, what } = &error else { panic!("{error}") };
        assert!(what.contains(says), "{more}: {error}");
        assert_eq!((*at, *column_at), (line, column), "{more}: {error}");
    }
}

#[test]
fn values_that_cannot_be_are_told_where_they_stand() {
    for (when, filter, line, says) in [
        ("{ more_than = { count = 4097, window = \"1s\" } }", "{}", 6, "`count` is at most 4096"),
        ("{ more_than = { count = 4, window = \"0s\" } }", "{}", 6, "`window` is at least a millisecond"),
        (
            "{ more_than = { count = 4, window = \"1s\", lock_out = \"0s\" } }",
            "{}",
            6,
            "`lock_out` is at least",
        ),
        ("{ more_than = { count = 4 } }", "{}", 6, "missing field `window`"),
        ("{ more_than = { count = 4, window = \"1s\", windows = 1 } }", "{}", 6, "unknown field `windows`"),
        ("{ first_seen = \"path\" }", "{}", 6, "unknown variant `path`"),
        ("\"always\"", "{}", 6, "unknown variant `always`"),
        ("\"any\"", "{ tool = [\"x\"] }", 5, "unknown field `tool`"),
        ("\"any\"", "{ tools = [\"\"] }", 5, "a glob may not be empty"),
        ("\"any\"", "{ paths = [\"etc\"] }", 5, "a path begins with `/`"),
        ("\"any\"", "{ causes = [\"whim\"] }", 5, "unknown variant `whim`"),
        ("\"any\"", "{ kinds = [\"calls\"] }", 5, "unknown variant `calls`"),
    ] {
        let text = format!(
            "version = 1\n[[rule]]\nname = \"a\"\nseverity = \"info\"\nfilter = {filter}\nwhen = {when}\n{EXAMPLES}"
        );
        let error = Pack::parse(&text).expect_err(when);
        let PackError::Toml { line: at, column, what } = &error else { panic!("{error}") };
        assert!(what.contains(says), "{when} {filter}: {error}");
        assert!(*at == line && *column > 1, "{when} {filter}: {error}");
    }
}

#[test]
fn no_rule_is_without_examples_or_there_twice() {
    let name = "a".to_owned();
    for examples in [
        "",
        "fires = [[{ kind = \"lost\" }]]\n",
        "passes = [[{ kind = \"noise\" }]]\n",
        "fires = []\npasses = []\n",
    ] {
        let error = Pack::parse(&format!("{RULE}{examples}")).expect_err(examples);
        assert_eq!(error, PackError::NoExample { line: 3, column: 8, rule: name.clone() }, "{examples}");
    }
    let rule = RULE.trim_start_matches("version = 1\n");
    let error = Pack::parse(&format!("{RULE}{EXAMPLES}{rule}{EXAMPLES}")).expect_err("two of one name");
    assert_eq!(error, PackError::Twice { line: 10, column: 8, rule: name });
    let error = Pack::parse("version = 2\n").expect_err("another version");
    assert_eq!(error, PackError::Version { line: 1, column: 11, found: 2 });
    assert_eq!(Pack::parse("version = 1\n").unwrap().rules().len(), 0);
}

#[test]
fn examples_that_show_something_else_are_found() {
    let prove = |examples: &str| Pack::parse(&format!("{RULE}{examples}")).unwrap().prove();
    assert_eq!(prove(EXAMPLES), Ok(()));
    let rule = "a".to_owned();
    let silent =
        "fires = [[{ kind = \"lost\" }], [{ kind = \"noise\" }]]\npasses = [[{ kind = \"noise\" }]]\n";
    assert_eq!(prove(silent), Err(ExampleError::Silent { rule: rule.clone(), number: 2 }));
    let alerted = "fires = [[{ kind = \"lost\" }]]\npasses = [[{ kind = \"noise\" }, { kind = \"lost\" }]]\n";
    assert_eq!(prove(alerted), Err(ExampleError::Alerted { rule, number: 1 }));
}
