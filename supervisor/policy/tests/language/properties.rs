//! Properties over random policies: meaning and plan agree, a deny stays, nothing panics, nothing is random.

use proptest::prelude::*;

use policy::plan::{ClassId, ClassMask, DomainRule, Records, Verify};
use policy::{Plan, Request, load, permits};

use crate::host::{Texts, context, environment, path, source};
use crate::random::{Random, compiled, in_flight, parts, quoted, random, request};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn meaning_and_plan_agree(
        random in random(),
        requests in prop::collection::vec((request(), in_flight()), 1..60),
    ) {
        let (policy, plan) = compiled(&random);
        let environment = environment();
        for (request, in_flight) in requests {
            let meant = permits(&policy, &context(&environment), &request, &in_flight).expect("compiles");
            let allowed = plan.allows(&request, plan.active(&in_flight));
            prop_assert_eq!(meant, allowed, "{:?} while {:?}\n{}\n{:#?}", request, in_flight, random.yaml(), plan.files);
        }
    }

    #[test]
    fn every_tool_closes_what_it_opened(random in random(), request in request(), in_flight in in_flight()) {
        let (_, plan) = compiled(&random);
        let always = plan.allows(&request, ClassMask::ALWAYS);
        prop_assert_eq!(always, plan.allows(&request, plan.active(&[])));
        prop_assert!(!always || plan.allows(&request, plan.active(&in_flight)), "a call takes nothing away");
    }

    /// What one call opens by its address only is checked by name again when no such call is in flight.
    #[test]
    fn a_tool_never_changes_how_a_domain_is_verified_always(random in random()) {
        let alone = Random { tools: Vec::new(), ..random.clone() };
        let always = |random: &Random| -> Vec<DomainRule> {
            let rules = compiled(random).1.network.domains.into_iter();
            rules.filter(|rule| rule.classes.contains(ClassId::ALWAYS)).collect()
        };
        let ways = |rules: &[DomainRule]| -> Vec<(String, bool, Verify, Records)> {
            rules.iter().map(|it| (it.name.clone(), it.subdomains_only, it.verify, it.records)).collect()
        };
        prop_assert_eq!(ways(&always(&random)), ways(&always(&alone)));
    }

    #[test]
    fn merging_never_removes_a_deny(base in random(), other in random(), inside in parts(4)) {
        let denies = format!("version: 1\nfilesystem: {{ deny: [{}] }}\n", quoted(&base.deny));
        let texts = Texts::default().with("denies", &denies);
        // What both files do to the deny: grants of any kind, more denies, tools.
        let grants = Random { read: Vec::new(), deny: Vec::new(), ..other };
        let entry = format!("extends: [denies]\n{}", grants.yaml());
        let environment = environment();
        let Ok(policy) = load(source("p.yaml", &entry), &texts) else { return Ok(()) };
        let Ok(plan) = policy.compile(&context(&environment)) else { return Ok(()) };
        let alone = load(source("denies", &denies), &texts).expect("denies");
        let alone = alone.compile(&context(&environment)).expect("denies");
        for denied in &alone.files.rules {
            let rule = plan.files.rules.iter().find(|rule| rule.path == denied.path).expect("the deny is there");
            prop_assert!(rule.read.is_empty() && rule.write.is_empty() && rule.execute.is_empty(), "{:?}", rule);
        }
        let patterns = |plan: &Plan| plan.files.names.iter().map(|rule| rule.pattern.clone()).collect::<Vec<_>>();
        let all = patterns(&plan);
        prop_assert!(patterns(&alone).iter().all(|pattern| all.contains(pattern)));
        let named = path(&format!("{inside}/.env/x").replace("//", "/"));
        if base.deny.iter().any(|deny| deny == "**/.env") {
            prop_assert!(!plan.allows(&Request::Read(named), ClassMask::ALL));
        }
    }

    #[test]
    fn compiling_is_deterministic(random in random()) {
        let ((first, one), (second, two)) = (compiled(&random), compiled(&random));
        prop_assert_eq!(one, two);
        prop_assert_eq!(first.revision(), second.revision());
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}|[-a-z:{}\\[\\]\"'#&*!|> \n\t0-9$/.]{0,300}") {
        let _ = crate::host::plan(&text);
    }

    #[test]
    fn arbitrary_values_never_panic(
        key in prop::sample::select(vec![
            "filesystem: {read: [X]}", "filesystem: {deny: [X]}", "network: {allowed_domains: [X]}",
            "network: {allowed_domains: [{domain: a.example, verify: X}]}",
            "network: {allowed_domains: [{domain: a.example, records: [X]}]}", "network: {allowed_cidrs: [X]}", "network: {allowed_cidrs: [::/0], allowed_ports: [X]}", "execution: {cpus: X}",
            "execution: {memory_limit: X}", "execution: {allowed_programs: [X]}", "tools: {X: {}}",
            "environment: {set: {A: X}}", "tools: {a: {arguments: {b: {type: pattern, pattern: X}}}}",
            "tools: {a: {arguments: {b: {type: number, min: X}}}}", "audit: {path: X}", "name: X", "extends: [X]",
        ]),
        value in "\\PC{0,40}|[-${}a-z:/.*?0-9~\\[\\]]{0,40}|\\$\\{(env:)?[a-zA-Z_:-]{0,12}\\}?.{0,10}",
    ) {
        let text = value.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = crate::host::plan(&format!("version: 1\n{}\n", key.replace('X', &format!("\"{text}\""))));
        let _ = crate::host::plan(&format!("version: 1\n{}\n", key.replace('X', &value)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(source) = policy::Source::from_bytes("p.yaml", bytes) {
            let _ = load(source, &Texts::default());
        }
    }
}
