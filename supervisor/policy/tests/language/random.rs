//! Random policies and requests. Other crates' tests use them too: whoever includes this file has a module `host` beside
//! it, which is `host.rs`.

use std::collections::BTreeMap;

use proptest::prelude::*;

use policy::plan::AbsolutePath;
use policy::{Plan, Policy, Request, load};

use crate::host::{Texts, context, environment, path, source};

/// Few names and few levels, so that rules meet. `a_evil` has `a` as its beginning.
fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "a_evil", ".env", "x.pem", "id_1"])
}

pub(crate) fn parts(most: usize) -> impl Strategy<Value = String> {
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
pub(crate) struct Tool {
    pub(crate) key: &'static str,
    pub(crate) enabled: bool,
    pub(crate) read_only: bool,
    pub(crate) paths: Vec<String>,
    pub(crate) domains: Vec<String>,
    pub(crate) programs: Vec<String>,
}

fn domain() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "example.com",
        "*.example.com",
        "a.example.com",
        "*.a.example.com",
        "other.org",
        "example.com address-only",
        "*.example.com address-only",
        "a.example.com txt",
        "other.org address-only srv",
    ])
    .prop_map(str::to_owned)
}

/// Items of `allowed_domains`; a name stands once, in the last way that was drawn.
fn destinations(items: &[String]) -> String {
    let item = |item: &String| {
        let mut words = item.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let (verify, records): (Vec<&str>, Vec<&str>) = words.partition(|word| *word == "address-only");
        let mut keys = vec![format!("domain: {name:?}")];
        keys.extend(verify.iter().map(|way| format!("verify: {way}")));
        keys.extend((!records.is_empty()).then(|| format!("records: [{}]", records.join(", "))));
        (name, format!("{{ {} }}", keys.join(", ")))
    };
    let items: BTreeMap<String, String> = items.iter().map(item).collect();
    items.into_values().collect::<Vec<_>>().join(", ")
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

pub(crate) fn quoted(items: &[String]) -> String {
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
        let lists = [("allowed_domains", destinations(domains)), ("allowed_programs", quoted(programs))];
        for (field, items) in lists.iter().filter(|(_, items)| !items.is_empty()) {
            fields.push(format!("{field}: [{items}]"));
        }
        format!("  {key:?}: {{ {} }}\n", fields.join(", "))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Random {
    pub(crate) read: Vec<String>,
    pub(crate) write: Vec<String>,
    pub(crate) deny: Vec<String>,
    pub(crate) domains: Vec<String>,
    pub(crate) ports: Vec<u16>,
    pub(crate) cidrs: Vec<&'static str>,
    pub(crate) programs: Vec<String>,
    pub(crate) tools: Vec<Tool>,
}

impl Random {
    pub(crate) fn yaml(&self) -> String {
        let Self { read, write, deny, domains, ports, cidrs, programs, tools } = self;
        let files = [("read", read), ("write", write), ("deny", deny)];
        let mut out = "version: 1\nfilesystem:\n".to_owned();
        for (key, items) in files {
            out.push_str(&format!("  {key}: [{}]\n", quoted(items)));
        }
        let reach = [("allowed_domains", destinations(domains)), ("allowed_cidrs", cidrs.join(", "))];
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

pub(crate) fn random() -> impl Strategy<Value = Random> {
    let files = (list(rule_path(), 5), list(rule_path(), 5), list(denied(), 5));
    let ports = prop::collection::btree_set(prop::sample::select(vec![80u16, 443, 8080]), 0..3);
    let cidrs = prop::sample::subsequence(
        vec!["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "\"fd00::/8\"", "\"::/0\"", "public"],
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
pub(crate) fn split(random: &Random) -> (String, Texts) {
    let grants = Random { deny: Vec::new(), ..random.clone() };
    let denies = format!("version: 1\nextends: [base]\nfilesystem: {{ deny: [{}] }}\n", quoted(&random.deny));
    // `read` beneath `write` in one file is refused; in two files it is not.
    let writes = Random { read: Vec::new(), ..grants };
    let reads = format!("version: 1\nfilesystem: {{ read: [{}] }}\n", quoted(&random.read));
    let base = format!("extends: [reads]\n{}", writes.yaml());
    (denies, Texts::default().with("base", &base).with("reads", &reads))
}

pub(crate) fn request_path() -> impl Strategy<Value = AbsolutePath> {
    let start = prop::sample::select(vec![
        "",
        "",
        "/home/u",
        "/home/u/site",
        "/opt/venv",
        "/opt/server/node_modules",
        "/usr/bin",
    ]);
    let more = prop_oneof![parts(6), Just("/node".to_owned()), Just("/git".to_owned())];
    (start, more).prop_map(|(start, rest)| path(&format!("{start}{rest}")))
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let name = prop::sample::select(vec![
        "example.com",
        "a.example.com",
        "b.a.example.com",
        "evilexample.com",
        "other.org",
    ]);
    let port = || prop::sample::select(vec![80u16, 443, 8080, 22, 53]);
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

pub(crate) fn in_flight() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(
        vec!["read", "read_file", "read_dir", "write1", "write12", "delete_x", "unknown"],
        0..4,
    )
}

pub(crate) fn compiled(random: &Random) -> (Policy, Plan) {
    let (entry, texts) = split(random);
    let policy = load(source("p.yaml", &entry), &texts).expect(&entry);
    let environment = environment();
    let plan =
        policy.compile(&context(&environment)).unwrap_or_else(|problems| panic!("{problems}\n{random:#?}"));
    (policy, plan)
}
