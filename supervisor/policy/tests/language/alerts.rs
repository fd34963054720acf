//! Of what somebody is to be told.

use std::time::Duration;

use policy::Layer;
use policy::coverage::{State, coverage};
use policy::plan::{
    AlertEvent, AlertField, AlertGroup, AlertPack, AlertSeverity, AlertWhen, AlertsPlan, Ask, Webhook,
};

use crate::host::{Texts, context, environment, path, plan, problems, read, source};

const ALL: &str = "version: 1
alerts:
  packs: [baseline]
  rules:
    shell-call: { events: [tool_call], tools: [\"*shell*\"], when: any, severity: critical, quiet_seconds: 5, reason: no shells }
    many-calls: { events: [tool_call], more_than: 60, within_seconds: 30, by: tool }
    new-domain: { first_seen: host }
    keys: { paths: [\"${home}/.ssh\"], about: [file], outcomes: [denied], when: any }
  to:
    stderr: true
    command: [/usr/local/bin/tell, \"${home}\"]
    webhook: \"http://127.0.0.1:9093/hook?key=k3y\"
    syslog: true
";

#[test]
fn every_key_is_in_the_plan() {
    let plan = plan(ALL).unwrap();
    let AlertsPlan { packs, rules, to } = &plan.alerts;
    assert_eq!(packs.iter().map(|(pack, _)| *pack).collect::<Vec<_>>(), [AlertPack::Baseline]);
    let [shell, many, domain, keys] = &rules[..] else { panic!("{rules:?}") };
    assert_eq!((shell.events[..].first(), shell.when), (Some(&AlertEvent::ToolCall), AlertWhen::Any));
    assert_eq!((shell.severity, shell.quiet), (AlertSeverity::Critical, Duration::from_secs(5)));
    assert_eq!((shell.reason.as_deref(), &shell.tools[..]), (Some("no shells"), &["*shell*".to_owned()][..]));
    let when = AlertWhen::MoreThan { count: 60, within: Duration::from_secs(30) };
    assert_eq!((many.when, many.by, many.quiet), (when, AlertGroup::Tool, Duration::from_secs(60)));
    assert_eq!((many.severity, many.reason.as_deref()), (AlertSeverity::Warning, None));
    assert_eq!((domain.when, domain.by), (AlertWhen::FirstSeen(AlertField::Host), AlertGroup::Session));
    assert_eq!((domain.quiet, keys.quiet), (Duration::ZERO, Duration::from_secs(60)));
    assert_eq!(keys.paths, [path("/home/u/.ssh")]);
    assert!(to.stderr && to.syslog);
    assert_eq!(to.command.as_deref().unwrap(), ["/usr/local/bin/tell", "/home/u"]);
    let (authority, host) = ("127.0.0.1:9093".to_owned(), "127.0.0.1".to_owned());
    assert_eq!(to.webhook, Some(Webhook { authority, host, port: 9093, path: "/hook?key=k3y".to_owned() }));
}

#[test]
fn each_is_a_rule_that_the_log_s_layer_covers_and_no_address_is_told_whole() {
    let plan = plan(ALL).unwrap();
    let rules: Vec<_> = plan.rules.iter().filter(|rule| rule.ask == Ask::Alert).collect();
    let texts: Vec<&str> = rules.iter().map(|rule| &rule.text[..]).collect();
    assert_eq!(
        texts,
        [
            "alerts.packs: baseline",
            "alerts.rules.shell-call: any",
            "alerts.rules.many-calls: more than 60 in 30 s",
            "alerts.rules.new-domain: first seen host",
            "alerts.rules.keys: any",
            "alerts.to.stderr: true",
            "alerts.to.syslog: true",
            "alerts.to.webhook: http://127.0.0.1:9093/…",
            "alerts.to.command: /usr/local/bin/tell /home/u",
        ]
    );
    assert_eq!(rules[1].reason.as_deref(), Some("no shells"));
    assert_eq!(plan.rule(plan.alerts.rules[0].from).unwrap().text, "alerts.rules.shell-call: any");
    let covered = coverage(&plan, &policy::Support::default());
    for (entry, rule) in covered.entries.iter().zip(&plan.rules).filter(|(_, rule)| rule.ask == Ask::Alert) {
        let State::Enforced { by, .. } = &entry.state else { panic!("{rule:?} is not covered") };
        assert_eq!(by, &[Layer::Audit]);
    }
}

#[test]
fn a_policy_without_the_section_has_none() {
    assert_eq!(plan("version: 1\n").unwrap().alerts, AlertsPlan::default());
}

#[test]
fn rules_of_what_is_extended_are_kept_and_changed_by_key() {
    let base =
        "version: 1\nalerts: { rules: { r: { when: any, events: [denial] } }, to: { stderr: true } }\n";
    let texts = Texts::default().with("base", base);
    let text =
        "version: 1\nextends: [base]\nalerts: { packs: [baseline], rules: { r: { severity: critical } } }\n";
    let policy = policy::load(source("p.yaml", text), &texts).unwrap();
    let plan = policy.compile(&context(&environment())).unwrap();
    let [rule] = &plan.alerts.rules[..] else { panic!("{:?}", plan.alerts.rules) };
    assert_eq!((rule.severity, rule.when), (AlertSeverity::Critical, AlertWhen::Any));
    assert!(plan.alerts.to.stderr);
}

fn rule(text: &str) -> String {
    format!("alerts: {{ rules: {{ r: {{ {text} }} }}, to: {{ stderr: true }} }}")
}

fn to(text: &str) -> String {
    format!("alerts: {{ packs: [baseline], to: {{ {text} }} }}")
}

#[test]
fn mistakes_are_told_with_their_place() {
    let cases = [
        (rule("severity: info"), "p.yaml:2:20: error: this rule does not say when: write `when: any`"),
        (rule("more_than: 5"), "p.yaml:2:36: error: `more_than` needs `within_seconds`"),
        (rule("within_seconds: 5"), "p.yaml:2:41: error: `within_seconds` needs `more_than`"),
        (rule("when: any, first_seen: host"), "p.yaml:2:48: error: this rule has two conditions"),
        (rule("when: always"), "did you mean `any`?"),
        (rule("when: any, events: [tool_cal]"), "did you mean `tool_call`?"),
        (rule("when: any, events: [authentication]"), "p.yaml:2:45: error: `authentication` is none of"),
        (rule("when: any, tools: [\"\"]"), "p.yaml:2:44: error: a glob may not be empty"),
        (rule("when: any, tools: [\"a?\"]"), "p.yaml:2:44: error: `a?` is no glob"),
        (rule("when: any, hosts: []"), "an empty list"),
        (rule("first_seen: hosts"), "did you mean `host`?"),
        (rule("when: any, by: caller"), "`caller` is none of session, tool"),
        (rule("more_than: 4097, within_seconds: 5"), "a whole number from 1 to 4096 is wanted here"),
        (rule("when: any, quiet_secods: 5"), "did you mean `quiet_seconds`?"),
        (rule("when: any, events: [lost], tools: [x]"), "no event that it is about has a tool"),
        (
            rule("first_seen: host, events: [tool_call]"),
            "p.yaml:2:37: error: this rule never tells anything: no event that it is about has a host",
        ),
        (rule("when: any, events: [denial], outcomes: [allowed]"), "has such an outcome"),
        (rule("when: any, about: [file], hosts: [\"*\"]"), "to do with such a thing"),
        (rule("first_seen: host, about: [file]"), "to do with such a thing"),
        (rule("when: any, hosts: [\"*\"], paths: [/etc]"), "no event that it is about has a path"),
        (rule("when: any, events: [tool_call], about: [file]"), "to do with such a thing"),
        (rule("when: any, events: [lost, lost]"), "`lost` stands here twice"),
        (rule("when: any, tools: [a, \"b*\", a]"), "`a` stands here twice"),
        (to("stderr: false"), "p.yaml:2:34: error: nobody is told of these alerts"),
        ("alerts: { packs: [baseline] }".to_owned(), "p.yaml:2:9: error: nobody is told of these alerts"),
        ("alerts: { to: { stderr: true } }".to_owned(), "p.yaml:2:9: error: there is nothing to tell of"),
        ("alerts: { packs: [basline], to: { stderr: true } }".to_owned(), "did you mean `baseline`?"),
        (to("webhook: \"https://127.0.0.1/\""), "p.yaml:2:45: error: alerts are sent by plain HTTP"),
        (to("webhook: \"http://:80/\""), "this names no host"),
        (to("webhook: \"http://h:0/\""), "this names no host, or no port"),
        (to("webhook: \"http://u:p@h/\""), "this names no host"),
        (to("webhook: \"ftp://h/\""), "no address that begins with `http://`"),
        (to("command: []"), "an empty list"),
        (to("stder: true"), "did you mean `stderr`?"),
    ];
    for (text, wanted) in cases {
        let told = problems(&format!("version: 1\n{text}\n"));
        let told: Vec<&String> = told.iter().filter(|problem| problem.contains("error")).collect();
        assert!(told.iter().any(|problem| problem.contains(wanted)), "{text}: {told:?}");
    }
}

#[test]
fn an_address_of_another_machine_is_warned_of() {
    for (url, host, port, warned) in [
        ("http://localhost/x", "localhost", 80, false),
        ("http://[::1]:81", "::1", 81, false),
        ("http://hooks.example:8080?a=b", "hooks.example", 8080, true),
    ] {
        let text = format!("version: 1\n{}\n", to(&format!("webhook: \"{url}\"")));
        assert_eq!(read(&text).unwrap().warnings().len(), usize::from(warned), "{url}");
        let hook = plan(&text).unwrap().alerts.to.webhook.unwrap();
        assert_eq!((&hook.host[..], hook.port, hook.path.starts_with('/')), (host, port, true), "{url}");
    }
}

#[test]
fn there_is_an_end_to_rules() {
    let rules: Vec<String> = (0..129).map(|at| format!("r{at}: {{ when: any }}")).collect();
    let text =
        format!("version: 1\nalerts:\n  rules: {{ {} }}\n  to: {{ stderr: true }}\n", rules.join(", "));
    let told = problems(&text);
    assert!(told.len() == 1 && told[0].contains("more than 128 rules"), "{told:?}");
}

#[test]
fn the_manual_s_example_is_a_policy() {
    let manual = include_str!("../../../../docs/alerts.md");
    let example = manual.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let plan = plan(&format!("version: 1\n{example}")).unwrap();
    assert_eq!((plan.alerts.rules.len(), plan.alerts.packs.len(), plan.alerts.to.is_empty()), (4, 1, false));
}
