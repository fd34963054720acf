//! What calls must be: scopes, roles, arguments.

use std::collections::BTreeSet;

use policy::Plan;
use policy::plan::{ArgumentKind, ArgumentRule, Ask, Finite, SchemaCheck};

use crate::host::{path, plan};

/// The text of the rule that refuses the tool to a caller with these scopes.
fn refused(plan: &Plan, tool: &str, scopes: &[&str]) -> Option<String> {
    let scopes: BTreeSet<&str> = scopes.iter().copied().collect();
    let rule = plan.tools.refused_to(tool, &|scope| scopes.contains(scope))?;
    Some(plan.rule(rule).unwrap().text.clone())
}

#[test]
fn a_tool_wants_its_scope_and_what_it_inherits() {
    let plan = plan(
        "version: 1\ntools:\n  defaults: { require_scope: user }\n  \"get_*\": { require_scope: read }\n  open: {}\n",
    )
    .unwrap();
    assert_eq!(refused(&plan, "get_x", &["read"]), None);
    let wants = Some("tools.get_*.require_scope: read".to_owned());
    assert_eq!(refused(&plan, "get_x", &["user"]), wants);
    let wants = Some("tools.defaults.require_scope: user".to_owned());
    assert_eq!(refused(&plan, "open", &["read"]), wants);
    assert_eq!(refused(&plan, "other", &[]), wants);
}

#[test]
fn roles_open_tools_and_close_all_others() {
    let text = "version: 1\nroles:\n  reader: [\"search_*\", get_me]\n  writer: [{ tool: \"create_*\", reason: r }, \"search_*\"]\ntools: { create_key: { require_scope: keys } }\n";
    let plan = plan(text).unwrap();
    assert_eq!(refused(&plan, "search_x", &["writer"]), None);
    assert_eq!(refused(&plan, "get_me", &["reader"]), None);
    assert_eq!(refused(&plan, "get_me", &["writer"]).as_deref(), Some("roles.reader: search_* get_me"));
    assert_eq!(
        refused(&plan, "get_me2", &["reader", "writer"]).as_deref(),
        Some("roles: a tool is open only to who holds a role that lists it")
    );
    assert_eq!(
        refused(&plan, "create_key", &["writer"]).as_deref(),
        Some("tools.create_key.require_scope: keys")
    );
    assert_eq!(refused(&plan, "create_key", &["writer", "keys"]), None);
    let asked: Vec<&str> =
        plan.rules.iter().filter(|rule| rule.ask == Ask::Scope).map(|rule| &rule.text[..]).collect();
    assert_eq!(asked.len(), 4, "{asked:?}");
}

#[test]
fn empty_roles_and_words_that_are_no_scopes_are_mistakes() {
    for text in [
        "version: 1\nroles: {}\n",
        "version: 1\nroles: { reader: [] }\n",
        "version: 1\nroles: { \"a b\": [x] }\n",
    ] {
        assert!(plan(text).is_err(), "{text}");
    }
}

#[test]
fn every_type_of_argument_is_in_the_plan() {
    let text = "version: 1\ntools:\n  t:\n    validate_arguments: true\n    unknown_arguments: deny\n    arguments:\n      p: { type: path, within: [\"${workspace}\", /srv/] }\n      u: { type: url, allowed_domains: [\"*.Example.org\"], max_length: 99 }\n      c: { type: command, allowed_programs: [git, /usr/bin/env] }\n      s: { type: sql, statements: [select] }\n      t: { type: text, max_length: 9 }\n      n: { type: number, min: 1, max: 2.5 }\n      e: { type: enum, values: [a, \"1\"] }\n      r: { type: pattern, pattern: \"[a-z]+\" }\n  off: { validate_arguments: false }\n";
    let plan = plan(text).unwrap();
    let rule = plan.tools.rule_for("t");
    let kinds: Vec<(&str, &ArgumentKind)> =
        rule.arguments.iter().map(|ArgumentRule { name, kind, .. }| (&name[..], kind)).collect();
    let strings = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let expected = [
        ("p", ArgumentKind::Path { within: vec![path("/home/u/site"), path("/srv/")] }),
        (
            "u",
            ArgumentKind::Url { schemes: vec![], hosts: strings(&["*.example.org"]), max_length: Some(99) },
        ),
        ("c", ArgumentKind::Command { programs: strings(&["git", "/usr/bin/env"]), max_length: None }),
        ("s", ArgumentKind::Sql { statements: strings(&["select"]), max_length: None }),
        ("t", ArgumentKind::Text { max_length: 9 }),
        ("n", ArgumentKind::Number { min: Finite::new(1.0), max: Finite::new(2.5) }),
        ("e", ArgumentKind::Enum { values: strings(&["a", "1"]) }),
        ("r", ArgumentKind::Pattern { pattern: "[a-z]+".to_owned(), max_length: None }),
    ];
    assert_eq!(kinds, expected.iter().map(|(name, kind)| (*name, kind)).collect::<Vec<_>>());
    for ArgumentRule { name, from, .. } in &rule.arguments {
        let text = &plan.rule(*from).unwrap().text;
        assert!(text.starts_with(&format!("tools.t.arguments.{name}: ")), "{text}");
    }
    let text_of = |rule| plan.rule(rule).map(|rule| rule.text.clone());
    assert_eq!(rule.unknown_arguments.and_then(text_of).as_deref(), Some("tools.t.unknown_arguments: deny"));
    let SchemaCheck::Always(always) = rule.schema else { panic!("{:?}", rule.schema) };
    assert_eq!(text_of(always).as_deref(), Some("tools.t.validate_arguments: true"));
    assert_eq!(plan.tools.rule_for("off").schema, SchemaCheck::Never);
    assert_eq!(plan.tools.rule_for("other").schema, SchemaCheck::Known);
}

#[test]
fn approvals_say_who_and_how_long() {
    let text = "version: 1\ntools:\n  defaults: { require_approval: true }\n  \"delete_*\": { sensitive: true }\n  read: { require_approval: false }\napprovals: { timeout_seconds: 60, command: [ask, \"--now\"], ask_client: true }\n";
    let plan = plan(text).unwrap();
    let approvers = |tool: &str| plan.tools.rule_for(tool).approval.map(|approval| approval.approvers);
    assert_eq!((approvers("x"), approvers("delete_x"), approvers("read")), (Some(1), Some(2), None));
    let from = plan.tools.rule_for("delete_x").approval.unwrap().from;
    assert_eq!(plan.rule(from).unwrap().text, "tools.delete_*.sensitive: true");
    assert_eq!(plan.approvals.timeout.as_secs(), 60);
    assert_eq!(plan.approvals.command.as_deref(), Some(&["ask".to_owned(), "--now".to_owned()][..]));
    assert!(plan.approvals.ask_client);
}

#[test]
fn pins_are_a_section_or_are_not() {
    use policy::plan::{FirstUse, OnChange};
    assert_eq!(plan("version: 1\n").unwrap().pins, None);
    let bare = plan("version: 1\npins: {}\n").unwrap();
    let pins = bare.pins.clone().unwrap();
    assert_eq!((pins.first_use, pins.on_change, pins.lock), (FirstUse::Record, OnChange::Quarantine, None));
    assert_eq!(bare.rule(pins.from).unwrap().text, "pins.on_change: quarantine");
    let text = "version: 1\npins: { lock: \"${workspace}/l\", first_use: refuse, on_change: block }\n";
    let pins = plan(text).unwrap().pins.unwrap();
    assert_eq!((pins.first_use, pins.on_change), (FirstUse::Refuse, OnChange::Block));
    assert!(pins.lock.is_some_and(|lock| lock.as_path().ends_with("l")));
    assert!(plan("version: 1\npins: { on_change: quarantin }\n").is_err());
}

#[test]
fn prompts_and_resources_are_open_by_the_nearest_rule() {
    let text = "version: 1\nprompts: { \"deploy_*\": { require_scope: admin, reason: r }, deploy_help: {} }\nresources:\n  defaults: { enabled: false, require_scope: read }\n  \"file:///srv/*\": {}\n  \"file:///srv/a/*\": { enabled: false }\n  \"file:///srv/?/x\": {}\n";
    let plan = plan(text).unwrap();
    let told = |refused: Option<(policy::plan::RuleId, bool)>| {
        refused.map(|(rule, _)| plan.rule(rule).unwrap().text.clone())
    };
    let holds = |scope: &str| scope == "read";
    let prompt = |name: &str| told(plan.access.prompts.refused_to(name, &holds));
    assert_eq!(prompt("deploy_all").as_deref(), Some("prompts.deploy_*.require_scope: admin"));
    assert_eq!((prompt("deploy_help"), prompt("other")), (None, None));
    let resource = |uri: &str| told(plan.access.resources.refused_to(uri, &holds));
    assert_eq!(resource("file:///srv/b"), None);
    assert_eq!(resource("file:///etc/passwd").as_deref(), Some("resources.defaults.enabled: false"));
    // Two globs of one length: both must let it pass.
    assert_eq!(resource("file:///srv/a/x").as_deref(), Some("resources.file:///srv/a/*.enabled: false"));
    let nobody = told(plan.access.resources.refused_to("file:///srv/b", &|_| false));
    assert_eq!(nobody.as_deref(), Some("resources.file:///srv/*.require_scope: read"));
    for text in [
        "prompts: {}",
        "prompts: { \"**\": {} }",
        "resources: { \"a b\": {} }",
        "prompts: { x: { enable: true } }",
    ] {
        assert!(crate::host::plan(&format!("version: 1\n{text}\n")).is_err(), "{text}");
    }
}
