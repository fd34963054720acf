//! Any bytes are host rules or a list of problems, each with a place; what loads meets a policy without a panic, and what it
//! lets through is never more than its slow meaning permits.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use policy::host::{Caller, load as load_host};
use policy::plan::{AbsolutePath, ClassMask};
use policy::{Context, Library, Programs, Request, Source, load};

/// There is nothing but the policy itself.
struct Nothing;

impl Library for Nothing {
    fn read(&self, _: &str, _: &str) -> Result<Source, String> {
        Err("nothing is extended".to_owned())
    }
}

impl Programs for Nothing {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        AbsolutePath::new(format!("/usr/bin/{name}")).ok_or_else(|| "no such name".to_owned())
    }
}

const POLICY: &str = "version: 1
environment: { pass: [PATH], secrets: { TOKEN: { from_env: TOKEN } } }
filesystem: { read: [/usr/share], write: [\"${workspace}\"], deny: [\"**/.env\"] }
network: { allowed_domains: [a.example, \"*.b.example\"], allowed_cidrs: [10.0.0.0/8], listen: [80] }
execution: { allowed_programs: [node], memory_limit: 1GiB }
tools: { fetch: { allowed_domains: [c.example], allowed_paths: [/srv] }, \"delete_*\": { enabled: false } }
audit: { arguments: names }
";

fn path(text: &str) -> AbsolutePath {
    AbsolutePath::new(text).expect("absolute")
}

fuzz_target!(|data: &[u8]| {
    let Ok(source) = Source::from_bytes("host.yaml", data.to_vec()) else { return };
    let rules = match load_host(&[source]) {
        Ok(rules) => rules,
        Err(problems) => {
            assert!(problems.has_error() && problems.iter().all(|problem| problem.origin.line > 0));
            return;
        }
    };
    let environment = BTreeMap::new();
    let context = Context {
        workspace: path("/home/u/site"),
        home: path("/home/u"),
        config_home: path("/home/u/.config"),
        cache_home: path("/home/u/.cache"),
        runtime_dir: None,
        server: Vec::new(),
        environment: &environment,
        programs: &Nothing,
    };
    let source = Source { name: "p.yaml".to_owned(), text: POLICY.to_owned() };
    let policy = load(source, &Nothing).expect("sound");
    let plan = policy.compile(&context).expect("sound");
    let caller = Caller {
        home: Some(path("/home/u")),
        workspace: path("/home/u/site"),
        command: vec![path("/usr/bin/node")],
        real: &Clone::clone,
        host_real: &Clone::clone,
        workspace_real: &Clone::clone,
    };
    let Ok(narrowed) = rules.narrow(&policy, plan.clone(), &caller) else { return };
    for request in [
        Request::Read(path("/usr/share/x")),
        Request::Write(path("/home/u/site/x")),
        Request::Write(path("/srv/x")),
        Request::Execute(path("/usr/bin/node")),
        Request::Connect("a.example".to_owned(), 443),
        Request::Connect("x.b.example".to_owned(), 443),
        Request::Connect("c.example".to_owned(), 443),
        Request::ConnectAddress("10.1.2.3".parse().expect("an address"), 443),
    ] {
        if narrowed.plan.allows(&request, ClassMask::ALL) {
            assert!(plan.allows(&request, ClassMask::ALL), "wider than the policy: {request:?}");
            assert!(rules.permit(&request, &caller), "wider than the host: {request:?}");
        }
    }
});
