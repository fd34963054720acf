//! Properties over random policies: meaning and plan agree, a deny stays, nothing panics, nothing is random.

use proptest::prelude::*;

use policy::plan::{AbsolutePath, ClassMask};
use policy::{Plan, Policy, Request, load, permits};

use crate::host::{Texts, context, environment, path, source};

/// Few names and few levels, so that rules meet. `a_evil` has `a` as its beginning.
fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "a_evil", ".env", "x.pem", "id_1"])
}

fn parts(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..most).prop_map(|parts| format!("/{}", parts.join("/")))
}

fn rule_path() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec!["", "", "", "${workspace}", "${home}", "${server}"]);
    (start, parts(4)).prop_map(|(start, rest)| match (start, &rest[..]) {
        ("", rest) => rest.to_owned(),
        (start, "/") => start.to_owned(),
        (start, rest) => format!("{start}{rest}"),
    })
}

fn denied() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["**/.env", "**/*.pem", "**/id_*"]);
    prop_oneof![4 => rule_path(), 1 => names.prop_map(str::to_owned)]
}

fn list(item: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(item, 0..most).prop_map(|items| items.into_iter().collect())
}

#[derive(Clone, Debug)]
struct Tool {
    key: &'static str,
    enabled: bool,
    read_only: bool,
    paths: Vec<String>,
    domains: Vec<String>,
    programs: Vec<String>,
}

fn domain() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "example.com",
        "*.example.com",
        "a.example.com",
        "*.a.example.com",
        "other.org",
    ])
    .prop_map(str::to_owned)
}

fn program() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["node", "git", "/a/b", "/opt/venv", "${server}"]).prop_map(str::to_owned)
}

fn tool() -> impl Strategy<Value = Tool> {
    let key =
        prop::sample::select(vec!["defaults", "read", "read_file", "read_*", "*", "write?", "delete_*"]);
    let flags = (prop::bool::weighted(0.9), any::<bool>());
    (key, flags, list(rule_path(), 3), list(domain(), 3), list(program(), 3)).prop_map(
        |(key, (enabled, read_only), paths, domains, programs)| Tool {
            key,
            enabled,
            read_only,
            paths,
            domains,
            programs,
        },
    )
}

fn quoted(items: &[String]) -> String {
    items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ")
}

impl Tool {
    fn yaml(&self) -> String {
        let Self { key, enabled, read_only, paths, domains, programs } = self;
        if !enabled && *key != "defaults" {
            return format!("  {key:?}: {{ enabled: false }}\n");
        }
        let mut fields = vec![format!("enabled: {enabled}")];
        if !paths.is_empty() {
            fields.push(format!("allowed_paths: [{}], read_only: {read_only}", quoted(paths)));
        }
        for (field, items) in [("allowed_domains", domains), ("allowed_programs", programs)] {
            if !items.is_empty() {
                fields.push(format!("{field}: [{}]", quoted(items)));
            }
        }
        format!("  {key:?}: {{ {} }}\n", fields.join(", "))
    }
}

#[derive(Clone, Debug)]
struct Random {
    read: Vec<String>,
    write: Vec<String>,
    deny: Vec<String>,
    domains: Vec<String>,
    ports: Vec<u16>,
    cidrs: Vec<&'static str>,
    programs: Vec<String>,
    tools: Vec<Tool>,
}

impl Random {
    fn yaml(&self) -> String {
        let Self { read, write, deny, domains, ports, cidrs, programs, tools } = self;
        let files = [("read", read), ("write", write), ("deny", deny)];
        let mut out = "version: 1\nfilesystem:\n".to_owned();
        for (key, items) in files {
            out.push_str(&format!("  {key}: [{}]\n", quoted(items)));
        }
        let reach = [("allowed_domains", quoted(domains)), ("allowed_cidrs", cidrs.join(", "))];
        let filled: Vec<_> = reach.iter().filter(|(_, items)| !items.is_empty()).collect();
        if !filled.is_empty() {
            out.push_str("network:\n");
            for (key, items) in filled {
                out.push_str(&format!("  {key}: [{items}]\n"));
            }
            if !ports.is_empty() {
                out.push_str(&format!("  allowed_ports: {ports:?}\n"));
            }
        }
        if !programs.is_empty() {
            out.push_str(&format!("execution: {{ allowed_programs: [{}] }}\n", quoted(programs)));
        }
        if !tools.is_empty() {
            out.push_str("tools:\n");
            out.extend(tools.iter().map(Tool::yaml));
        }
        out
    }
}

fn random() -> impl Strategy<Value = Random> {
    let files = (list(rule_path(), 5), list(rule_path(), 5), list(denied(), 5));
    let ports = prop::collection::btree_set(prop::sample::select(vec![80u16, 443, 8080]), 0..3);
    let cidrs = prop::sample::subsequence(
        vec!["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "\"fd00::/8\"", "public"],
        0..3,
    );
    let tools = prop::collection::vec(tool(), 0..5).prop_map(|mut tools| {
        tools.sort_by_key(|tool| tool.key);
        tools.dedup_by_key(|tool| tool.key);
        // `*` alone is not a key; it stands for the absence of one here.
        tools.retain(|tool| tool.key != "*");
        tools
    });
    (files, list(domain(), 3), ports, cidrs, list(program(), 3), tools).prop_map(
        |((read, write, deny), domains, ports, cidrs, programs, tools)| Random {
            read,
            write,
            deny,
            domains,
            ports: ports.into_iter().collect(),
            cidrs,
            programs,
            tools,
        },
    )
}

/// The denies stand in a file that extends the grants, so that none of them is a mistake of one file.
fn split(random: &Random) -> (String, Texts) {
    let grants = Random { deny: Vec::new(), ..random.clone() };
    let denies = format!("version: 1\nextends: [base]\nfilesystem: {{ deny: [{}] }}\n", quoted(&random.deny));
    // `read` beneath `write` in one file is refused; in two files it is not.
    let writes = Random { read: Vec::new(), ..grants };
    let reads = format!("version: 1\nfilesystem: {{ read: [{}] }}\n", quoted(&random.read));
    let base = format!("extends: [reads]\n{}", writes.yaml());
    (denies, Texts::default().with("base", &base).with("reads", &reads))
}

fn request_path() -> impl Strategy<Value = AbsolutePath> {
    let start = prop::sample::select(vec![
        "",
        "",
        "/home/u",
        "/home/u/work",
        "/opt/venv",
        "/opt/server/node_modules",
        "/usr/bin",
    ]);
    let more = prop_oneof![parts(6), Just("/node".to_owned()), Just("/git".to_owned())];
    (start, more).prop_map(|(start, rest)| path(&format!("{start}{rest}")))
}

fn request() -> impl Strategy<Value = Request> {
    let name = prop::sample::select(vec![
        "example.com",
        "a.example.com",
        "b.a.example.com",
        "evilexample.com",
        "other.org",
    ]);
    let port = || prop::sample::select(vec![80u16, 443, 8080, 22]);
    let address = prop::sample::select(vec![
        "10.1.2.3",
        "10.2.0.1",
        "192.0.2.1",
        "fd00::1",
        "::ffff:10.1.2.3",
        "2001:db8::1",
    ]);
    prop_oneof![
        request_path().prop_map(Request::Read),
        request_path().prop_map(Request::Write),
        request_path().prop_map(Request::Execute),
        (name, port()).prop_map(|(name, port)| Request::Connect(name.to_owned(), port)),
        (address, port())
            .prop_map(|(address, port)| Request::ConnectAddress(address.parse().expect("address"), port)),
    ]
}

fn in_flight() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(
        vec!["read", "read_file", "read_dir", "write1", "write12", "delete_x", "unknown"],
        0..4,
    )
}

fn compiled(random: &Random) -> Option<(Policy, Plan)> {
    let (entry, texts) = split(random);
    let policy = load(source("p.yaml", &entry), &texts).expect(&entry);
    let environment = environment();
    let plan =
        policy.compile(&context(&environment)).unwrap_or_else(|problems| panic!("{problems}\n{random:#?}"));
    Some((policy, plan))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn meaning_and_plan_agree(
        random in random(),
        requests in prop::collection::vec((request(), in_flight()), 1..60),
    ) {
        let Some((policy, plan)) = compiled(&random) else { return Ok(()) };
        let environment = environment();
        for (request, in_flight) in requests {
            let meant = permits(&policy, &context(&environment), &request, &in_flight).expect("compiles");
            let allowed = plan.allows(&request, plan.active(&in_flight));
            prop_assert_eq!(meant, allowed, "{:?} while {:?}\n{}\n{:#?}", request, in_flight, random.yaml(), plan.files);
        }
    }

    #[test]
    fn every_tool_closes_what_it_opened(random in random(), request in request(), in_flight in in_flight()) {
        let Some((_, plan)) = compiled(&random) else { return Ok(()) };
        let always = plan.allows(&request, ClassMask::ALWAYS);
        prop_assert_eq!(always, plan.allows(&request, plan.active(&[])));
        prop_assert!(!always || plan.allows(&request, plan.active(&in_flight)), "a call takes nothing away");
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
        let (Some((first, one)), Some((second, two))) = (compiled(&random), compiled(&random)) else { return Ok(()) };
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
            "network: {allowed_cidrs: [X]}", "network: {allowed_cidrs: [::/0], allowed_ports: [X]}", "execution: {cpus: X}",
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
