//! Any bytes are a policy or a list of problems, each with a place; what loads compiles or says why not, and what
//! compiles answers every question as its slow meaning does.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use policy::plan::AbsolutePath;
use policy::{Context, Library, Programs, Request, Source, load, permits};

/// Every reference is the policy of that name; it grants little and extends nothing.
struct Echo;

impl Library for Echo {
    fn read(&self, reference: &str, from: &str) -> Result<Source, String> {
        match from == "fuzz.yaml" {
            true => Ok(Source {
                name: reference.to_owned(),
                text: "version: 1\nfilesystem: { read: [/usr] }\n".to_owned(),
            }),
            false => Err("only one level".to_owned()),
        }
    }
}

impl Programs for Echo {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        AbsolutePath::new(format!("/usr/bin/{name}")).ok_or_else(|| "no such name".to_owned())
    }
}

fn path(text: &str) -> AbsolutePath {
    AbsolutePath::new(text).expect("absolute")
}

fuzz_target!(|data: &[u8]| {
    let Ok(source) = Source::from_bytes("fuzz.yaml", data.to_vec()) else { return };
    let policy = match load(source, &Echo) {
        Ok(policy) => policy,
        Err(problems) => {
            assert!(problems.has_error());
            assert!(problems.iter().all(|problem| problem.origin.line > 0 && problem.origin.column > 0));
            return;
        }
    };
    let environment = BTreeMap::from([("NAME".to_owned(), "value".to_owned())]);
    let context = Context {
        workspace: path("/home/u/site"),
        home: path("/home/u"),
        config_home: path("/home/u/.config"),
        cache_home: path("/home/u/.cache"),
        runtime_dir: None,
        server: vec![path("/opt/a"), path("/opt/b")],
        environment: &environment,
        programs: &Echo,
    };
    let Ok(plan) = policy.compile(&context) else { return };
    let mut questions: Vec<AbsolutePath> = plan.files.rules.iter().map(|rule| rule.path.clone()).collect();
    questions.extend(["/", "/home/u/site/x/.env", "/usr/bin/node"].map(path));
    let tools: Vec<&str> = plan.tools.exact.keys().map(String::as_str).take(3).collect();
    for question in questions.into_iter().take(64) {
        for request in
            [Request::Read(question.clone()), Request::Write(question.clone()), Request::Execute(question)]
        {
            let meant = permits(&policy, &context, &request, &tools).expect("what compiles has a meaning");
            assert_eq!(meant, plan.allows(&request, plan.active(&tools)), "{request:?}");
        }
    }
});
