//! Properties of host rules over random policies and random hosts.

use proptest::prelude::*;

use policy::host::Caller;
use policy::plan::{ClassMask, DomainRule};
use policy::{HostRules, Narrowed, Plan, Policy, Problems, Request};

use crate::narrowing::{caller, compile, host_rules};
use crate::random::{Random, compiled, in_flight, parts, quoted, random, request};

/// A list of the maximum: often absent or everything, so that random policies are often within it.
fn most(
    everything: &'static str,
    item: impl Strategy<Value = String> + 'static,
) -> impl Strategy<Value = Option<Vec<String>>> {
    prop_oneof![
        3 => Just(None),
        9 => Just(Some(vec![everything.to_owned()])),
        2 => prop::collection::btree_set(item, 0..5).prop_map(|items| Some(items.into_iter().collect())),
    ]
}

fn root() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "/usr",
        "/opt",
        "/home/u",
        "${home}",
        "${workspace}",
        "/usr/bin",
        "/a",
        "/b",
    ]);
    prop_oneof![2 => known.prop_map(str::to_owned), 1 => parts(3)]
}

fn denied() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["**/.env", "**/*.pem", "**/id_*"]);
    prop_oneof![2 => parts(4).prop_filter("not everything", |path| path != "/"), 1 => names.prop_map(str::to_owned)]
}

/// The text of one host file.
fn host_file() -> impl Strategy<Value = String> {
    let files = (most("/", root()), most("/", root()), prop::collection::btree_set(denied(), 0..2));
    let domain = prop::sample::select(vec![
        "example.com",
        "\"*.example.com\"",
        "\"*.a.example.com\"",
        "{ domain: other.org, verify: address-only, records: [srv] }",
    ]);
    let domains = prop::option::of(prop::collection::btree_set(domain, 0..4));
    let range = prop::sample::select(vec!["0.0.0.0/0", "\"::/0\"", "10.0.0.0/8", "public", "\"fd00::/8\""]);
    let ranges = prop::collection::btree_set(range, 0..4);
    let ports =
        prop::option::of(prop::collection::btree_set(prop::sample::select(vec![80u16, 443, 8080]), 0..4));
    (files, most("/", root()), domains, ranges, ports).prop_map(|((read, write, deny), programs, domains, ranges, ports)| {
        let list = |key: &str, items: &Option<Vec<String>>| {
            items.as_ref().map(|items| format!("{key}: [{}], ", quoted(items))).unwrap_or_default()
        };
        let deny: Vec<String> = deny.into_iter().collect();
        let ports = ports.map(|ports| format!("allowed_ports: {:?}, ", ports.into_iter().collect::<Vec<_>>()));
        let reach = domains.map(|domains| {
            let join = |items: Vec<&str>| items.join(", ");
            format!(
                "allowed_domains: [{}], allowed_cidrs: [{}]",
                join(domains.into_iter().collect()),
                join(ranges.into_iter().collect())
            )
        });
        format!(
            "version: 1\nmaximum:\n  filesystem: {{ workspaces: [/], {}{}deny: [{}] }}\n  network: {{ {}{} }}\n  execution: {{ {} }}\n",
            list("read", &read),
            list("write", &write),
            quoted(&deny),
            ports.unwrap_or_default(),
            reach.unwrap_or_default(),
            list("allowed_programs", &programs),
        )
    })
}

fn hosts() -> impl Strategy<Value = HostRules> {
    prop::collection::vec(host_file(), 1..3).prop_map(|texts| {
        let names: Vec<String> = (0..texts.len()).map(|n| format!("{n}.yaml")).collect();
        let files: Vec<(&str, &str)> =
            names.iter().zip(&texts).map(|(name, text)| (&name[..], &text[..])).collect();
        host_rules(&files).unwrap_or_else(|problems| panic!("{problems}\n{texts:#?}"))
    })
}

/// Nobody's command: it is asked for by no policy.
fn someone() -> Caller<'static> {
    Caller { command: Vec::new(), ..caller() }
}

fn narrowed(rules: &HostRules, (policy, plan): &(Policy, Plan)) -> Result<Narrowed, Problems> {
    rules.narrow(policy, plan.clone(), &someone())
}

/// A maximum of exactly what a policy grants.
fn exactly(random: &Random) -> String {
    let tools = || random.tools.iter().filter(|tool| tool.enabled || tool.key == "defaults");
    let server = ["/opt/server/node_modules", "/opt/venv"];
    let paths = |items: Vec<&String>| -> Vec<String> {
        let one = |item: &String| match item.strip_prefix("${server}") {
            Some(rest) => server.iter().map(|root| format!("{root}{rest}")).collect(),
            None => vec![item.clone()],
        };
        let all: std::collections::BTreeSet<String> = items.into_iter().flat_map(one).collect();
        all.into_iter().collect()
    };
    let read =
        paths(random.read.iter().chain(tools().filter(|it| it.read_only).flat_map(|it| &it.paths)).collect());
    let write = paths(random.write.iter().chain(tools().flat_map(|it| &it.paths)).collect());
    let program = |name: &String| match &name[..] {
        "node" | "git" => format!("/usr/bin/{name}"),
        other => other.to_owned(),
    };
    let programs: Vec<String> =
        random.programs.iter().chain(tools().flat_map(|it| &it.programs)).map(program).collect();
    let mut programs = paths(programs.iter().collect());
    programs.push("/usr/lib/interpreter".to_owned());
    format!(
        "version: 1\nmaximum:\n  filesystem: {{ workspaces: [/home], read: [{}], write: [{}] }}\n  execution: {{ allowed_programs: [{}] }}\n",
        quoted(&read),
        quoted(&write),
        quoted(&programs)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_granted_is_never_more_than_the_policy_and_never_more_than_the_host(
        random in random(),
        rules in hosts(),
        requests in prop::collection::vec((request(), in_flight()), 1..60),
    ) {
        let made = compiled(&random);
        let Ok(narrow) = narrowed(&rules, &made) else { return Ok(()) };
        for (request, in_flight) in requests {
            if narrow.plan.allows(&request, narrow.plan.active(&in_flight)) {
                prop_assert!(made.1.allows(&request, made.1.active(&in_flight)), "wider than the policy: {request:?}");
                prop_assert!(rules.permit(&request, &someone()), "wider than the host: {request:?}\n{rules:#?}");
            }
        }
        let ways = |plan: &Plan| plan.network.domains.iter().map(|it| DomainRule { ..it.clone() }).collect::<Vec<_>>();
        prop_assert_eq!(ways(&narrow.plan), ways(&made.1), "a grant is refused, not cut");
    }

    /// Each path that a policy names and the host does not permit is a reason to refuse, and there is no other reason.
    #[test]
    fn a_policy_of_files_is_refused_exactly_if_some_grant_is_not_permitted(random in random(), rules in hosts()) {
        let random = Random { domains: Vec::new(), cidrs: Vec::new(), ports: Vec::new(), ..random };
        let without = |tool: &crate::random::Tool| crate::random::Tool { domains: Vec::new(), ..tool.clone() };
        let random = Random { tools: random.tools.iter().map(without).collect(), ..random };
        let made = compiled(&random);
        let excess = made.1.files.rules.iter().any(|rule| {
            let asked = [Request::Read(rule.path.clone()), Request::Write(rule.path.clone()), Request::Execute(rule.path.clone())];
            let masks = [rule.read, rule.write, rule.execute];
            asked.iter().zip(masks).any(|(request, mask)| !mask.is_empty() && !rules.permit(request, &someone()))
        });
        let outcome = narrowed(&rules, &made);
        prop_assert_eq!(outcome.is_err(), excess, "{:?}\n{:#?}", outcome.err().map(|it| it.to_string()), rules);
    }

    #[test]
    fn a_plan_within_the_maximum_is_unchanged(random in random()) {
        let made = compiled(&random);
        let rules = host_rules(&[("host.yaml", &exactly(&random))]).expect("sound");
        let narrow = narrowed(&rules, &made).unwrap_or_else(|problems| panic!("{problems}\n{random:#?}"));
        prop_assert!(narrow.narrowed.is_empty());
        prop_assert_eq!(narrow.plan, made.1);
    }

    #[test]
    fn the_smaller_number_holds(own in prop::option::of(1u64..9), host in prop::option::of(1u64..9)) {
        let text = |key: &str, number: Option<u64>| number.map(|n| format!("{key}: {n}")).unwrap_or_default();
        let made = compile(&format!("version: 1\nexecution: {{ {} }}\n", text("max_processes", own)));
        let rules = format!("version: 1\nmaximum: {{ execution: {{ {} }} }}\n", text("max_processes", host));
        let narrow = narrowed(&host_rules(&[("host.yaml", &rules)]).expect("sound"), &made).expect("within");
        let smaller = own.into_iter().chain(host).min();
        prop_assert_eq!(narrow.plan.limits.max_processes.map(u64::from), smaller);
    }

    #[test]
    fn narrowing_is_deterministic_and_says_the_same_twice(random in random(), rules in hosts()) {
        let made = compiled(&random);
        match (narrowed(&rules, &made), narrowed(&rules, &made)) {
            (Ok(one), Ok(two)) => prop_assert_eq!((one.plan, one.narrowed), (two.plan, two.narrowed)),
            (Err(one), Err(two)) => prop_assert_eq!(one, two),
            _ => prop_assert!(false, "once within and once not"),
        }
    }

    #[test]
    fn arbitrary_host_rules_never_panic(text in "\\PC{0,200}|[-a-z:{}\\[\\]\"'#&*!|> \n\t0-9$/.]{0,300}") {
        let _ = host_rules(&[("host.yaml", &text)]);
    }

    #[test]
    fn a_class_is_bounded_like_what_always_holds(random in random(), rules in hosts(), request in request()) {
        let made = compiled(&random);
        let Ok(narrow) = narrowed(&rules, &made) else { return Ok(()) };
        prop_assert!(!narrow.plan.allows(&request, ClassMask::ALL) || rules.permit(&request, &someone()), "{request:?}");
    }

    /// The host's refusals come before every rule of the policy, and no other tool is touched.
    #[test]
    fn exactly_the_denied_tools_are_denied_in_addition(
        random in random(),
        denied in prop::collection::btree_set(prop::sample::select(vec!["read", "read_*", "*_file", "wr?te1", "delete_*"]), 1..4),
    ) {
        let made = compiled(&random);
        let denied: Vec<String> = denied.into_iter().map(str::to_owned).collect();
        let rules = format!("version: 1\npolicies: {{ deny_tools: [{}] }}\n", quoted(&denied));
        let narrow = narrowed(&host_rules(&[("host.yaml", &rules)]).expect("sound"), &made).expect("within");
        for (name, patterns) in [
            ("read", &["read"][..]),
            ("read_file", &["read_*", "*_file"]),
            ("read_dir", &["read_*"]),
            ("write1", &["wr?te1"]),
            ("write12", &[]),
            ("delete_x", &["delete_*"]),
            ("delete_file", &["delete_*", "*_file"]),
            ("other", &[]),
        ] {
            let by_host = patterns.iter().any(|pattern| denied.iter().any(|it| it == pattern));
            let before = made.1.tools.rule_for(name);
            let after = narrow.plan.tools.rule_for(name);
            match by_host {
                true => prop_assert!(!after.enabled, "{name}"),
                false => prop_assert_eq!(after, before, "{}", name),
            }
        }
    }
}
