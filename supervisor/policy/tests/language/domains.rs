//! Domains: how each is verified, in which classes, and what is warned of.

use policy::plan::{Ask, CallBudget, DomainRule, NAMES_PER_MINUTE, NetworkPlan, Records, Verify};
use policy::{Plan, Request, load};

use crate::host::{Texts, context, environment, plan, read, source};

fn entries(plan: &Plan) -> Vec<(&str, Verify, u64)> {
    let entry = |rule: &DomainRule| (rule.verify, rule.classes.bits());
    let rules = plan.network.domains.iter();
    rules.map(|rule| (&rule.name[..], entry(rule).0, entry(rule).1)).collect()
}

#[test]
fn how_a_domain_is_verified_is_in_the_plan() {
    let text = "\
version: 1
network:
  allowed_domains:
    - a.example
    - { domain: \"*.b.example\", verify: name, reason: by name }
    - { domain: db.example, verify: address-only, records: [srv, txt], reason: speaks first }
  allowed_ports: [443, 27017]
";
    let plan = plan(text).expect("valid");
    let told: Vec<(&str, Option<&str>)> = plan
        .rules
        .iter()
        .filter(|rule| rule.ask == Ask::Domain)
        .map(|rule| (&rule.text[..], rule.reason.as_deref()))
        .collect();
    let expected = [
        ("network.allowed_domains: a.example", None),
        ("network.allowed_domains: *.b.example", Some("by name")),
        ("network.allowed_domains: db.example (address-only, srv, txt)", Some("speaks first")),
    ];
    assert_eq!(told, expected);
    let none = Records::default();
    let ways: Vec<(Verify, Records)> =
        plan.network.domains.iter().map(|rule| (rule.verify, rule.records)).collect();
    let both = Records { srv: true, txt: true };
    assert_eq!(ways, [(Verify::Name, none), (Verify::Name, none), (Verify::AddressOnly, both)]);
}

/// If a tool's rule and the one that always holds were put together, one of two things would happen in silence: the
/// tool's `address-only` would open the neighbours of `a.example` at all times, or what the tool needs would be checked
/// by a name that its protocol never speaks. Each stays what it is, in its own class.
#[test]
fn a_tools_way_to_a_domain_is_not_what_always_holds() {
    let text = "\
version: 1
network: { allowed_domains: [a.example, { domain: b.example, verify: address-only }] }
tools:
  query: { allowed_domains: [{ domain: a.example, verify: address-only }, b.example] }
  other: { allowed_domains: [a.example] }
";
    let plan = plan(text).expect("valid");
    let expected = [
        ("a.example", Verify::Name, 0b01),
        ("b.example", Verify::AddressOnly, 0b01),
        ("a.example", Verify::AddressOnly, 0b10),
        ("b.example", Verify::Name, 0b10),
    ];
    assert_eq!(entries(&plan), expected);
    assert_eq!(plan.tools.rule_for("other").class.number(), 0, "it says what always holds");
    let asks: Vec<&Ask> = plan
        .rules
        .iter()
        .filter(|rule| rule.text.starts_with("tools.query.a"))
        .map(|rule| &rule.ask)
        .collect();
    assert_eq!(asks, [&Ask::ToolDomains, &Ask::ToolDomains]);
    for (name, in_flight) in [("a.example", &[][..]), ("b.example", &[]), ("a.example", &["query"])] {
        assert!(plan.allows(&Request::Connect(name.to_owned(), 443), plan.active(in_flight)), "{name}");
    }
}

#[test]
fn tools_that_reach_a_domain_in_one_way_share_a_class_and_in_two_ways_do_not() {
    let text = "\
version: 1
tools:
  one: { allowed_domains: [a.example] }
  two: { allowed_domains: [{ domain: a.example, verify: name }] }
  three: { allowed_domains: [{ domain: a.example, records: [txt] }] }
  four: { allowed_domains: [{ domain: a.example, verify: address-only }] }
";
    let plan = plan(text).expect("valid");
    let class = |name| plan.tools.rule_for(name).class.number();
    assert_eq!(["one", "two", "three", "four"].map(class), [1, 1, 2, 3]);
    let records: Vec<(bool, u64)> =
        plan.network.domains.iter().map(|rule| (rule.records.txt, rule.classes.bits())).collect();
    assert_eq!(records, [(false, 0b0010), (true, 0b0100), (false, 0b1000)]);
}

#[test]
fn what_is_never_checked_is_warned_of_and_both_ways_stay() {
    let base =
        "version: 1\nnetwork: { allowed_domains: [{ domain: \"*.a.example\", verify: address-only }] }\n";
    let own = "\
version: 1
extends: [base]
network: { allowed_domains: [x.a.example, a.example, \"*.a.example\"] }
tools:
  t: { allowed_domains: [{ domain: y.a.example, verify: name }, { domain: z.a.example, verify: address-only }] }
";
    let policy = load(source("own.yaml", own), &Texts::default().with("base", base)).expect("valid");
    let warned: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    let expected = [("3:30", "x.a.example"), ("3:54", "*.a.example"), ("5:36", "y.a.example")].map(|(place, name)| {
        format!(
            "own.yaml:{place}: warning: `{name}` is never checked by name: `*.a.example` in base:2:40 lets it through by its address at all times"
        )
    });
    assert_eq!(warned, expected);
    let environment = environment();
    let plan = policy.compile(&context(&environment)).expect("valid");
    let wild: Vec<_> = entries(&plan).into_iter().filter(|(name, ..)| *name == "a.example").collect();
    let (address, name) = (Verify::AddressOnly, Verify::Name);
    assert_eq!(wild, [("a.example", address, 1), ("a.example", name, 1), ("a.example", name, 1)]);
}

#[test]
fn wildcards_beneath_which_anyone_gets_a_name_are_warned_of() {
    let warnings = |text: &str| read(text).expect("valid").warnings().to_string();
    let network = |name| format!("version: 1\nnetwork: {{ allowed_domains: [\"{name}\"] }}\n");
    for (name, provider) in [
        ("*.github.io", "GitHub Pages"),
        ("*.s3.amazonaws.com", "Amazon Web Services"),
        ("*.GitHub.io", "GitHub Pages"),
        ("*.windows.net", "Azure Storage"),
    ] {
        let parent = name[2..].to_ascii_lowercase();
        let expected = format!(
            "p.yaml:2:30: warning: anyone can get a name beneath `{parent}` ({provider}), so that `*.{parent}` allows \
             hosts of strangers; name the ones that are meant"
        );
        assert_eq!(warnings(&network(name)), expected);
    }
    let of_a_tool = "version: 1\ntools: { t: { allowed_domains: [\"*.pages.dev\"] } }\n";
    assert!(warnings(of_a_tool).contains("beneath `pages.dev` (Cloudflare Pages)"));
    for name in ["me.github.io", "*.me.github.io", "*.githubusercontent.com", "*.example.com"] {
        assert_eq!(warnings(&network(name)), "", "{name}");
    }
}

#[test]
fn budgets_of_the_network_are_in_the_plan() {
    let text = "\
version: 1
network:
  allowed_domains: [\"*.a.example\"]
  max_lookups_per_minute: 600
  max_names_per_minute: 30
  max_destinations_per_minute: 20
tools:
  defaults: { max_connections_per_call: 4 }
  t: { max_sent_bytes_per_call: 1MiB }
";
    let plan = plan(text).expect("valid");
    let network = &plan.network;
    assert_eq!(
        (network.max_lookups_per_minute, network.max_names_per_minute, network.max_destinations_per_minute),
        (Some(600), 30, Some(20))
    );
    let class_of = |tool: &str| plan.tools.rule_for(tool).class;
    let of = |tool: &str| {
        let CallBudget { connections, sent_bytes } = plan.budgets[&class_of(tool)];
        (connections.map(|(count, _)| count), sent_bytes.map(|(bytes, _)| bytes))
    };
    assert_eq!((of("t"), of("anything")), ((Some(4), Some(1 << 20)), (Some(4), None)));
    assert_eq!((plan.budgets.len(), class_of("anything")), (2, class_of("something")));
    let rule = plan.budgets[&class_of("t")].connections.map(|(_, rule)| rule).expect("a rule");
    assert_eq!(plan.rule(rule).expect("noted").text, "tools.defaults.max_connections_per_call: 4");
    let rules: Vec<(&str, &Ask)> = plan.rules.iter().map(|rule| (&rule.text[..], &rule.ask)).collect();
    for expected in [
        ("network.max_lookups_per_minute: 600", &Ask::LookupRate),
        ("network.max_names_per_minute: 30", &Ask::NameRate),
        ("network.max_destinations_per_minute: 20", &Ask::DestinationRate),
        ("tools.defaults.max_connections_per_call: 4", &Ask::CallConnections),
        ("tools.t.max_sent_bytes_per_call: 1048576 bytes", &Ask::CallSentBytes),
    ] {
        assert!(rules.contains(&expected), "{expected:?} is missing in\n{rules:#?}");
    }
    assert_eq!(rules.iter().filter(|(_, ask)| **ask == Ask::NameRate).count(), 1);
    assert_eq!(NetworkPlan::default().max_names_per_minute, NAMES_PER_MINUTE);
}

/// A range by its numbers gives no look-ups: whoever answers for a name is told it, wherever the range lies. Every
/// public address does: whoever could be told something by a look-up may be connected to anyway.
#[test]
fn only_public_addresses_may_be_looked_up_by_any_name() {
    for (network, any, resolves) in [
        ("allowed_cidrs: [public]", true, true),
        ("allowed_cidrs: [10.0.0.0/8, public]", true, true),
        ("allowed_cidrs: [0.0.0.0/0, \"::/0\"]", false, false),
        ("allowed_cidrs: [10.0.0.0/8]", false, false),
        ("allowed_domains: [a.example]", false, true),
        ("listen: [80]", false, false),
    ] {
        let plan = plan(&format!("version: 1\nnetwork: {{ {network} }}\n")).expect("valid");
        assert_eq!((plan.network.any_name.is_some(), plan.network.resolves()), (any, resolves), "{network}");
        let rule = plan.network.any_name.and_then(|id| plan.rule(id)).map(|rule| &rule.text[..]);
        assert_eq!(rule, any.then_some("network.allowed_cidrs: public"));
    }
}
