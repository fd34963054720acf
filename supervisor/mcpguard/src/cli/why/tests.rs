//! Each suggestion is put to the policy compiler: it must be accepted, allow what was refused, and nothing beside it.

mod network;

use std::sync::Arc;

use audit::{
    Action, Body, Cause, CoverageEntry, CoverageState, Denial, Kernel, Layer, Log, LogConfig, Outcome,
    PolicyChanged, Record, Redactor, RuleRef, SessionId, SessionStart, ToolCall, ToolResult, Verdict,
};
use policy::plan::{AbsolutePath, Plan, SyscallProfile, ToolRule};

use super::{Advice, Args, Evidence, Wanted};

const POLICY: &str = r#"version: 1
name: own
execution: { seccomp: strict }
network: { listen: [8080] }
session: { max_requests_per_minute: 50, max_concurrent_calls: 4, max_message_bytes: 1MiB }
responses: { max_bytes: 2MiB }
tools:
  defaults: { timeout_seconds: 30, max_requests_per_minute: 3 }
  "delete_*": { enabled: false, reason: nothing is deleted by a model }
  exactly: { enabled: false }
  "get_*": { max_response_bytes: 1MiB, max_request_bytes: 2KiB, max_requests_per_minute: 5 }
"#;

/// Whatever is extended is this text.
struct Texts<'a>(&'a str);

impl policy::Library for Texts<'_> {
    fn read(&self, reference: &str, _: &str) -> Result<policy::Source, String> {
        Ok(policy::Source { name: reference.to_owned(), text: self.0.to_owned() })
    }
}

struct NoPrograms;

impl policy::Programs for NoPrograms {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        Err(format!("{name} is not here"))
    }
}

fn plan(text: &str) -> Plan {
    plan_over(POLICY, text)
}

/// The plan of a text that may extend another one.
fn plan_over(base: &str, text: &str) -> Plan {
    let path = |path| AbsolutePath::new(path).unwrap();
    let context = policy::Context {
        workspace: path("/w"),
        home: path("/h"),
        config_home: path("/h/.config"),
        cache_home: path("/h/.cache"),
        runtime_dir: None,
        server: vec![],
        environment: &std::collections::BTreeMap::new(),
        programs: &NoPrograms,
    };
    let source = policy::Source { name: "own.yaml".to_owned(), text: text.to_owned() };
    policy::load(source, &Texts(base))
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
        .compile(&context)
        .unwrap()
}

fn rule(rule: &policy::plan::Rule) -> RuleRef {
    RuleRef {
        text: rule.text.clone(),
        source: rule.origin.source.clone(),
        line: rule.origin.line,
        column: rule.origin.column,
        reason: rule.reason.clone(),
    }
}

fn coverage(policy: &str) -> Vec<CoverageEntry> {
    let entry = |it| CoverageEntry { rule: rule(it), state: CoverageState::Enforced, by: vec![], note: None };
    plan_over(policy, policy).rules.iter().map(entry).collect()
}

fn named(source: &str) -> audit::Policy {
    let sources = vec![source.to_owned()];
    audit::Policy { name: "own".to_owned(), revision: "0".to_owned(), sources }
}

fn start(source: &str, policy: &str) -> Body {
    Body::SessionStart(Box::new(SessionStart {
        mcpguard: "0".to_owned(),
        policy: named(source),
        command: vec![],
        workspace: "/w".to_owned(),
        uid: 0,
        pid: 1,
        client: None,
        scopes: Vec::new(),
        kernel: Kernel::default(),
        coverage: coverage(policy),
        degraded: vec![],
        unredacted: vec![],
    }))
}

/// The tool's rule, as the doorman finds it.
fn tool<'p>(plan: &'p Plan, name: &str) -> &'p ToolRule {
    let glob = plan.tools.globs.iter().find(|(glob, _)| name.starts_with(glob.trim_end_matches('*')));
    plan.tools.exact.get(name).or(glob.map(|(_, rule)| rule)).unwrap_or(&plan.tools.default)
}

fn call(name: &str, cause: Option<Cause>, limit: Option<u64>) -> Body {
    let plan = plan(POLICY);
    Body::ToolCall(ToolCall {
        call: 1,
        request_id: "1".to_owned(),
        tool: name.to_owned(),
        arguments: None,
        argument_bytes: 9000,
        caller: None,
        verdict: if cause.is_some() { Verdict::Refused } else { Verdict::Allowed },
        cause,
        rule: plan.rule(tool(&plan, name).from).map(rule),
        reason: None,
        limit,
        waited_ms: 0,
        classes: vec![],
    })
}

fn result(name: &str, cause: Cause, limit: Option<u64>, response_bytes: u64, reason: &str) -> Body {
    let plan = plan(POLICY);
    Body::ToolResult(ToolResult {
        call: 1,
        tool: name.to_owned(),
        outcome: Outcome::Refused,
        duration_us: 1,
        request_bytes: 1,
        response_bytes,
        error_code: None,
        cause: Some(cause),
        rule: plan.rule(tool(&plan, name).from).map(rule),
        reason: Some(reason.to_owned()),
        limit,
    })
}

fn denial(cause: Cause, what: &str, detail: &str, reason: Option<&str>) -> Body {
    Body::Denial(Denial {
        layer: Layer::Seccomp,
        cause,
        what: what.to_owned(),
        detail: Some(detail.to_owned()),
        action: Action::Denied,
        rule: None,
        reason: reason.map(str::to_owned),
        process: None,
        calls: vec![],
        count: 1,
        limit: None,
    })
}

struct Answer {
    where_to: String,
    yaml: String,
    notes: String,
}

fn log(room: &tempfile::TempDir) -> Log {
    let (session, redactor) = (SessionId::new("s1").unwrap(), Arc::new(Redactor::none()));
    let (path, max_bytes, revision) = (room.path().join("log.jsonl"), 1 << 30, None);
    Log::open(LogConfig { path, max_bytes, keep: 1, session, revision, redactor }).unwrap()
}

fn records(log: &Log) -> Vec<Record> {
    audit::read(log.path(), audit::Filter::default()).unwrap().map(Result::unwrap).collect()
}

/// What `why` says of the last of these records.
fn why(source: &str, bodies: Vec<Body>) -> Answer {
    why_under(POLICY, source, bodies)
}

/// The same, for a session under another policy.
fn why_under(policy: &str, source: &str, bodies: Vec<Body>) -> Answer {
    let room = tempfile::tempdir().unwrap();
    let mut log = log(&room);
    log.write(start(source, policy)).unwrap();
    bodies.into_iter().for_each(|body| log.write(body).unwrap());
    let mut told = Vec::new();
    let args = Args { record: Wanted::Last, log: Some(log.path().to_owned()), session: None, json: false };
    assert_eq!(super::run(args, &mut told).unwrap(), 0);
    let records = records(&log);
    let advice = Advice::of(&Evidence::new(&records, records.len() - 1)).unwrap();
    let told = String::from_utf8(told).unwrap();
    let (where_to, yaml) = advice.change.map(|change| (change.where_to, change.yaml)).unwrap_or_default();
    assert_eq!(yaml.is_empty(), told.contains("no line of a policy allows it"), "{told}");
    assert!(yaml.lines().all(|line| told.contains(line)), "{told}");
    Answer { where_to, yaml, notes: advice.notes.join("\n") }
}

fn own(bodies: Vec<Body>) -> Answer {
    why("own.yaml", bodies)
}

/// The policy with the suggestion on top of it.
fn with(answer: &Answer) -> Plan {
    plan(&format!("version: 1\nname: more\nextends: [./own.yaml]\n{}", answer.yaml))
}

#[test]
fn a_disabled_tool_is_enabled_alone() {
    let answer = own(vec![call("delete_repo", Some(Cause::ToolDisabled), None)]);
    assert_eq!(answer.yaml, "tools:\n  delete_repo: { enabled: true }\n");
    assert_eq!(answer.where_to, "add to own.yaml");
    let plan = with(&answer);
    assert!(tool(&plan, "delete_repo").enabled && !tool(&plan, "delete_all").enabled);

    let answer = own(vec![call("exactly", Some(Cause::ToolDisabled), None)]);
    assert_eq!(answer.where_to, "change own.yaml:10:23 to");
    assert!(tool(&with(&answer), "exactly").enabled);
}

/// What was refused is explained by the policy that held then: before a change, and after it.
#[test]
fn a_changed_policy_is_the_one_that_counts() {
    let (room, refused) = (tempfile::tempdir().unwrap(), || denial(Cause::File, "/data/a", "read", None));
    let mut log = log(&room);
    let (policy, before) = (named("new.yaml"), "0".to_owned());
    let changed =
        PolicyChanged { policy, before, coverage: coverage("version: 1\nname: new\n"), later: vec![] };
    for body in [start("own.yaml", POLICY), refused(), Body::PolicyChanged(changed), refused()] {
        log.write(body).unwrap();
    }
    let records = records(&log);
    let answer = |at| {
        let evidence = Evidence::new(&records, at);
        (Advice::of(&evidence).unwrap().change.unwrap().where_to, evidence.has_globs())
    };
    assert_eq!(answer(1), ("add to own.yaml".to_owned(), true));
    assert_eq!(answer(3), ("add to new.yaml".to_owned(), false));
}

#[test]
fn a_tool_that_no_policy_can_name_gets_no_line() {
    for name in ["delete_*", "delete_a b", "delete_[x]", ""] {
        assert_eq!(own(vec![call(name, Some(Cause::ToolDisabled), None)]).yaml, "");
    }
    let answer = own(vec![call("delete_\"x\": {}, evil", Some(Cause::ToolDisabled), None)]);
    assert_eq!(answer.yaml, "");
}

#[test]
fn a_rate_is_raised_to_what_was_tried_and_only_where_it_holds() {
    let mut calls = vec![call("other", None, None); 6];
    calls.push(call("other", Some(Cause::ToolRate), Some(3)));
    let answer = own(calls);
    assert_eq!(answer.yaml, "tools:\n  other: { max_requests_per_minute: 7 }\n");
    let plan = with(&answer);
    assert_eq!(tool(&plan, "other").max_requests_per_minute, Some(7));
    assert_eq!(tool(&plan, "another").max_requests_per_minute, Some(3));
    assert_eq!(tool(&plan, "other").timeout, tool(&plan, "another").timeout);

    let answer = own(vec![call("get_x", Some(Cause::ToolRate), Some(5))]);
    assert_eq!(answer.yaml, "tools:\n  \"get_*\": { max_requests_per_minute: 6 }\n");
    assert!(answer.where_to.starts_with("change own.yaml:11:") && answer.notes.contains("every tool"));
    let plan = with(&answer);
    assert_eq!(tool(&plan, "get_x").max_response_bytes, Some(1 << 20), "the entry's other limits still hold");

    let answer = own(vec![call("get_x", Some(Cause::SessionRate), Some(50))]);
    assert_eq!(with(&answer).session.max_requests_per_minute, Some(51));
}

#[test]
fn sizes_and_counts_become_large_enough() {
    let answer = own(vec![call("get_x", Some(Cause::RequestSize), Some(2048))]);
    assert!(tool(&with(&answer), "get_x").max_request_bytes > Some(9000));
    let answer = own(vec![call("get_x", Some(Cause::Concurrency), Some(4))]);
    assert_eq!(with(&answer).session.max_concurrent_calls, 5);
    let answer = own(vec![call("get_x", Some(Cause::Concurrency), None)]);
    assert_eq!(answer.yaml, "");

    let answer = own(vec![result("get_x", Cause::ResponseSize, Some(1 << 20), 1_500_000, "")]);
    assert_eq!(answer.yaml, "tools:\n  \"get_*\": { max_response_bytes: 1465KiB }\n");
    let answer = own(vec![result("other", Cause::ResponseSize, Some(2 << 20), 3 << 20, "")]);
    assert_eq!(with(&answer).responses.max_bytes, Some(3 << 20));
    let answer = own(vec![result("other", Cause::Timeout, None, 0, "")]);
    assert_eq!(tool(&with(&answer), "other").timeout, Some(std::time::Duration::from_secs(60)));
    assert_eq!(tool(&with(&answer), "another").timeout, Some(std::time::Duration::from_secs(30)));
    let answer = own(vec![denial(Cause::MessageSize, "message", "from the server, 2000000 bytes: x", None)]);
    assert!(with(&answer).session.max_message_bytes > 1 << 20);
}

#[test]
fn methods_and_requests_of_the_server() {
    let answer = own(vec![denial(Cause::UnknownMethod, "vendor/do_it", "from the client", None)]);
    assert_eq!(with(&answer).session.extra_methods, ["vendor/do_it"]);
    assert_eq!(own(vec![denial(Cause::UnknownMethod, "a b\n", "", None)]).yaml, "");

    let answer = own(vec![denial(Cause::ServerRequest, "sampling/createMessage", "request 1", None)]);
    assert_eq!(answer.yaml, "server_requests:\n  sampling: allow\n");
    let session = with(&answer).session;
    assert!(session.sampling && !session.elicitation && !session.roots);
    let answer = own(vec![result("x", Cause::ServerRequest, None, 5, "it asks for roots/list")]);
    assert!(with(&answer).session.roots);
}

#[test]
fn system_calls() {
    let fork = denial(
        Cause::Syscall,
        "clone",
        "(0x1200011, 0x0, 0x0, 0x0, 0x0, 0x0) = errno 1",
        Some("no new namespace"),
    );
    assert_eq!(with(&own(vec![fork])).syscalls, SyscallProfile::Default);
    let vfork = denial(
        Cause::Syscall,
        "vfork",
        "()",
        Some("the profile `strict` is for servers that start no other program"),
    );
    assert_eq!(own(vec![vfork]).yaml, "execution:\n  seccomp: default\n");
    let unshare = denial(Cause::Syscall, "clone", "(0x10000000, 0x0) = errno 1", Some("no new namespace"));
    assert_eq!(own(vec![unshare]).yaml, "");
    for (call, detail) in [
        ("ptrace", "(0x10)"),
        ("io_uring_setup", "()"),
        ("socket", "(0x11, 0x3, 0x300)"),
        ("socket", "(0x2, 0x3, 0x1)"),
        ("socket", "(0x2, 0x1, 0x106)"),
    ] {
        let answer = own(vec![denial(Cause::Syscall, call, detail, Some("reads another process"))]);
        assert!(answer.yaml.is_empty() && !answer.notes.is_empty(), "{call}");
    }
    let udp =
        own(vec![denial(Cause::Syscall, "socket", "(0x2, 0x80802, 0x0, 0x0, 0x0, 0x0) = errno 1", None)]);
    assert_eq!(udp.yaml, "network:\n  allowed_domains: [HOST]\n");
    assert_eq!(with(&udp).network.domains.len(), 1);
}

#[test]
fn what_the_kernel_layers_refuse() {
    let answer = own(vec![denial(Cause::File, "/data/a b.txt", "read", None)]);
    assert_eq!(answer.yaml, "filesystem:\n  read: [\"/data/a b.txt\"]\n");
    assert_eq!(with(&answer).files.rules.iter().filter(|rule| !rule.read.is_empty()).count(), 1);
    let answer = own(vec![denial(Cause::Network, "[2001:db8::1]:8443", "", None)]);
    assert_eq!(answer.yaml, "network:\n  allowed_cidrs: [\"2001:db8::1\"]\n  allowed_ports: [8443]\n");
    assert_eq!(with(&answer).network.cidrs[0].prefix, 128);
    let answer = own(vec![denial(Cause::Network, "api.example.org:443", "", None)]);
    assert_eq!(answer.yaml, "network:\n  allowed_domains: [api.example.org]\n");
}

#[test]
fn what_a_deny_closes_is_not_granted_beside_it() {
    let mut body = denial(Cause::File, "/data/.env", "read", None);
    let Body::Denial(denied) = &mut body else { panic!("a denial") };
    denied.rule = Some(RuleRef { text: "filesystem.deny: **/.env".to_owned(), ..RuleRef::default() });
    assert_eq!(own(vec![body]).yaml, "");
}

#[test]
fn a_rate_can_be_raised() {
    let mut body = denial(Cause::Rate, "/usr/bin/git", "", None);
    let Body::Denial(denied) = &mut body else { panic!("a denial") };
    denied.rule =
        Some(RuleRef { text: "execution.max_execs_per_minute: 30".to_owned(), ..RuleRef::default() });
    denied.limit = Some(30);
    assert_eq!(own(vec![body]).yaml, "execution:\n  max_execs_per_minute: 60\n");
}

#[test]
fn a_preset_is_extended_and_the_built_in_policy_replaced() {
    let answer = why("github", vec![call("delete_repo", Some(Cause::ToolDisabled), None)]);
    assert_eq!(answer.yaml, "version: 1\nextends: [github]\ntools:\n  delete_repo: { enabled: true }\n");
    assert!(answer.where_to.contains("--policy"));
    let answer = why("built-in", vec![denial(Cause::File, "/data", "write", None)]);
    assert_eq!(
        answer.yaml,
        "version: 1\nextends: [runtime/native]\nfilesystem:\n  write: [/data]\n  read: [\"${workspace}\"]\n"
    );
    assert!(plan(&answer.yaml).files.rules.len() >= 2);
}

#[test]
fn the_fault_of_a_peer_is_no_policys() {
    for cause in [Cause::Malformed, Cause::Protocol, Cause::Internal, Cause::OutputSchema] {
        let answer = own(vec![denial(cause, "message", "", None)]);
        assert!(answer.yaml.is_empty() && !answer.notes.is_empty());
    }
}

#[test]
fn an_allowed_call_is_no_denial() {
    let room = tempfile::tempdir().unwrap();
    let mut log = log(&room);
    let path = log.path().to_owned();
    log.write(call("x", None, None)).unwrap();
    let ask = |record| {
        super::run(Args { record, log: Some(path.clone()), session: None, json: true }, &mut Vec::new())
    };
    assert_eq!(ask(Wanted::Number(1)).unwrap(), 1);
    assert!(ask(Wanted::Number(2)).is_err() && ask(Wanted::Last).is_err());
}
