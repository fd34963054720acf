//! From text to plan: what the sections become, how files merge, how classes are numbered.

use std::time::Duration;

use policy::plan::{
    Ask, ClassMask, Consequence, OnViolation, Repeated, SecretSource, SyscallProfile, ValueSource,
    ViolationKind,
};
use policy::{Layer, Plan, Request, load};

use crate::host::{Texts, context, environment, path, plan, read, source};

/// The example of the language's description, with the base it extends.
const GITHUB: &str = include_str!("github.yaml");

fn github() -> Plan {
    let runtime =
        "version: 1\nname: node\nfilesystem: { read: [/usr/lib] }\nexecution: { seccomp: strict }\n";
    let policy =
        load(source("policies/github.yaml", GITHUB), &Texts::default().with("runtime/node", runtime));
    let policy = policy.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(policy.warnings().is_empty(), "{}", policy.warnings());
    let environment = environment();
    policy.compile(&context(&environment)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_example_of_the_description_compiles() {
    let plan = github();
    assert_eq!(plan.name, "github");
    assert_eq!(plan.revision.len(), 64);
    let variables: Vec<&str> = plan.environment.iter().map(|variable| &variable.name[..]).collect();
    assert_eq!(variables, ["GITHUB_PERSONAL_ACCESS_TOKEN", "HOME", "LANG", "NODE_ENV", "PATH"]);
    let token = ValueSource::Secret(SecretSource::Environment("GITHUB_TOKEN".to_owned()));
    assert_eq!(plan.environment[0].source, token);
    assert_eq!(plan.environment[3].source, ValueSource::Literal("production".to_owned()));
    assert_eq!(plan.network.ports, [443]);
    assert_eq!(plan.limits.memory_bytes, Some(512 << 20));
    assert_eq!(plan.limits.cpu_millis, Some(500));
    assert_eq!(plan.syscalls, SyscallProfile::Strict, "inherited from the runtime");
    assert_eq!(plan.on_violation.exec, OnViolation::Kill);
    assert_eq!(plan.require, [Layer::Landlock, Layer::Seccomp, Layer::Ebpf]);
    assert_eq!(plan.responses.max_bytes, Some(10 << 20));
    assert_eq!(plan.classes, [Vec::<String>::new(), vec!["download_release".to_owned()]]);
}

#[test]
fn tools_are_found_by_name_then_by_the_longest_glob() {
    let plan = github();
    let key = |name| &plan.tools.rule_for(name).key[..];
    assert_eq!(key("get_file_contents"), "get_file_contents");
    assert_eq!(key("get_issue"), "get_*");
    assert_eq!(key("fork_repository"), "defaults");
    let delete = plan.tools.rule_for("delete_repo");
    assert!(!delete.enabled);
    let rule = plan.rule(delete.from).expect("rule");
    assert_eq!((&rule.text[..], rule.origin.line), ("tools.delete_*.enabled: false", 35));
    assert_eq!(plan.tools.rule_for("search_code").timeout, Some(Duration::from_secs(30)), "from defaults");
}

#[test]
fn a_call_opens_what_its_tool_grants() {
    let plan = github();
    let object = Request::Connect("objects.githubusercontent.com".to_owned(), 443);
    assert!(plan.allows(&object, plan.active(&[])), "the wildcard of the network section holds always");
    let elsewhere = Request::Connect("downloads.example.org".to_owned(), 443);
    assert!(!plan.allows(&elsewhere, plan.active(&[])));
    assert!(!plan.allows(&elsewhere, plan.active(&["get_issue"])));
    assert!(plan.allows(&elsewhere, plan.active(&["get_issue", "download_release"])));
}

#[test]
fn every_key_that_asks_for_something_is_a_rule() {
    let plan = github();
    let asks: Vec<(&str, &Ask)> = plan.rules.iter().map(|rule| (&rule.text[..], &rule.ask)).collect();
    let expected = [
        ("environment.pass: HOME", Ask::Environment),
        ("environment.secrets.GITHUB_PERSONAL_ACCESS_TOKEN", Ask::Environment),
        ("environment.set.NODE_ENV: production", Ask::Environment),
        ("filesystem.deny: **/.env", Ask::NameDeny),
        ("filesystem.deny: ${home}/.ssh", Ask::PathDenyOutsideGrants),
        ("filesystem.write: ${workspace}", Ask::PathGrant),
        ("filesystem.read: ${config_home}/gh", Ask::PathGrant),
        ("network.allowed_domains: *.githubusercontent.com", Ask::Domain),
        ("network.allowed_ports: 443", Ask::Ports),
        ("network.max_connections_per_minute: 60", Ask::ConnectRate),
        ("execution.allowed_programs: git", Ask::Programs),
        ("execution.memory_limit: 536870912 bytes", Ask::Memory),
        ("execution.cpus: 500 thousandths", Ask::Cpus),
        ("execution.max_processes: 64", Ask::Processes),
        ("execution.max_execs_per_minute: 30", Ask::ExecRate),
        ("execution.seccomp: strict", Ask::SyscallProfile),
        ("tools.defaults.max_requests_per_minute: 60", Ask::Doorman),
        ("tools.defaults.timeout_seconds: 30", Ask::Doorman),
        ("tools.search_*.require_scope: read", Ask::Scope),
        ("tools.get_file_contents.arguments.path: path, within /", Ask::Arguments),
        ("tools.create_*.require_approval: true", Ask::Approval),
        ("tools.create_*.require_audit_log: true", Ask::Audit),
        ("tools.delete_*.enabled: false", Ask::Doorman),
        // What class 0 grants already needs no layer that follows calls.
        ("tools.download_release.allowed_paths: ${workspace}/downloads", Ask::PathGrant),
        ("tools.download_release.allowed_domains: objects.githubusercontent.com", Ask::Domain),
        ("tools.download_release.allowed_domains: downloads.example.org", Ask::ToolDomains),
        ("responses.max_bytes: 10485760", Ask::Doorman),
        ("responses.validate_output_schema: true", Ask::OutputSchema),
        ("responses.redact: secrets", Ask::Content),
        ("on_violation.exec: kill", Ask::Violation(ViolationKind::Exec, OnViolation::Kill)),
        ("require: ebpf", Ask::Layer(Layer::Ebpf)),
        ("audit.on_failure: stop", Ask::Audit),
    ];
    for (text, ask) in &expected {
        assert!(asks.contains(&(text, ask)), "{text} {ask:?} is missing in\n{asks:#?}");
    }
}

#[test]
fn a_policy_that_says_nothing_grants_nothing() {
    let plan = plan("version: 1\n").expect("valid");
    let rules: Vec<(&str, &Ask, u32)> =
        plan.rules.iter().map(|rule| (&rule.text[..], &rule.ask, rule.origin.line)).collect();
    let expected = [
        ("environment: empty", &Ask::Environment, 0),
        ("filesystem: nothing is granted", &Ask::PathDenyOutsideGrants, 0),
        ("execution.allowed_programs: none", &Ask::Programs, 0),
        ("execution.seccomp: default", &Ask::SyscallProfile, 0),
        ("tools: no section, every tool passes the doorman", &Ask::Doorman, 0),
        ("network: closed", &Ask::NoNetwork, 0),
        ("audit.on_failure: stop", &Ask::Audit, 0),
    ];
    assert_eq!(rules, expected);
    assert!(plan.files.rules.is_empty() && plan.environment.is_empty() && !plan.network.wants_ip());
    assert!(!plan.session.sampling && !plan.session.elicitation && !plan.session.roots);
    assert_eq!((plan.session.max_message_bytes, plan.session.max_concurrent_calls), (32 << 20, 1024));
}

#[test]
fn the_longest_path_decides_and_deny_wins_at_equal_length() {
    let text = "\
version: 1
filesystem:
  read: [/srv, /srv/open/secret/public]
  write: [/srv/open]
  deny: [/srv/open/secret, /elsewhere]
";
    let plan = plan(text).expect("valid");
    let masks: Vec<(String, u64, u64)> = plan
        .files
        .rules
        .iter()
        .map(|rule| (rule.path.as_path().display().to_string(), rule.read.bits(), rule.write.bits()))
        .collect();
    let expected = [
        ("/elsewhere", 0, 0),
        ("/srv", 1, 0),
        ("/srv/open", 1, 1),
        ("/srv/open/secret", 0, 0),
        ("/srv/open/secret/public", 1, 0),
    ];
    assert_eq!(masks, expected.map(|(path, read, write)| (path.to_owned(), read, write)));
    assert!(plan.files.decisive(&path("/srv_evil")).is_none());
    let ask = |text: &str| plan.rules.iter().find(|rule| rule.text == text).map(|rule| rule.ask.clone());
    assert_eq!(ask("filesystem.deny: /srv/open/secret"), Some(Ask::PathDenyInsideGrant));
    assert_eq!(ask("filesystem.deny: /elsewhere"), Some(Ask::PathDenyOutsideGrants));
}

#[test]
fn a_deny_inside_a_directory_of_sockets_is_one_inside_a_grant() {
    let text = "version: 1\nfilesystem: { deny: [/run/docker.sock] }\nnetwork: { unix_sockets: [/run] }\n";
    let plan = plan(text).expect("valid");
    let rule = plan.rules.iter().find(|rule| rule.text == "filesystem.deny: /run/docker.sock").expect("rule");
    assert_eq!(rule.ask, Ask::PathDenyInsideGrant);
}

#[test]
fn equal_grants_share_a_class_and_inherited_rights_are_in_the_mask() {
    let text = "\
version: 1
filesystem: { read: [/data] }
tools:
  one: { allowed_paths: [/data/in, /x] }
  two: { allowed_paths: [/x, /data/in] }
  three: { allowed_paths: [/data/in], read_only: true }
  four: { allowed_programs: [git] }
";
    let plan = plan(text).expect("valid");
    assert_eq!(plan.classes, [vec![], vec!["one".to_owned(), "two".to_owned()], vec!["four".to_owned()]]);
    let class = |name| plan.tools.rule_for(name).class.number();
    assert_eq!((class("one"), class("two"), class("three"), class("four"), class("x")), (1, 1, 0, 2, 0));
    let inside = plan.files.decisive(&path("/data/in/file")).expect("rule");
    assert_eq!((inside.read.bits(), inside.write.bits()), (0b11, 0b10));
    let git = plan.files.decisive(&path("/usr/bin/git")).expect("rule");
    assert_eq!((git.execute.bits(), git.read.bits(), git.write.bits()), (0b100, 0b100, 0));
    let companion =
        plan.files.decisive(&path("/usr/lib/interpreter")).expect("the kernel executes it with git");
    assert_eq!(companion.execute.bits(), 0b100);
}

#[test]
fn there_are_63_classes_for_tools() {
    let tools = |count| -> String {
        let lines: String = (0..count).map(|n| format!("  t{n}: {{ allowed_paths: [/p{n}] }}\n")).collect();
        format!("version: 1\ntools:\n{lines}")
    };
    let full = plan(&tools(63)).expect("63");
    assert_eq!(full.classes.len(), 64);
    assert_eq!(full.active(&["t62"]).bits(), 1 << 63 | 1);
    let found = plan(&tools(64)).expect_err("64").to_string();
    assert_eq!(found, "p.yaml:66:3: error: this is the 64th different set of tool grants; there can be 63");
}

#[test]
fn server_and_variables_expand() {
    let text = "\
version: 1
filesystem:
  read: [\"${server}\", \"${server}/lib\", \"${runtime_dir}/x\", \"/data/${env:REGION}\", \"/data/${env:NONE:-dflt}\"]
execution: { allowed_programs: [\"${server}\"] }
environment: { set: { A: \"${home}:${env:REGION} $${x} $5\" } }
";
    let plan = plan(text).expect("valid");
    let paths: Vec<String> =
        plan.files.rules.iter().map(|rule| rule.path.as_path().display().to_string()).collect();
    let expected = [
        "/data/dflt",
        "/data/eu-1",
        "/opt/server/node_modules",
        "/opt/server/node_modules/lib",
        "/opt/venv",
        "/opt/venv/lib",
        "/run/user/1000/x",
    ];
    assert_eq!(paths, expected);
    assert_eq!(plan.environment[0].source, ValueSource::Literal("/home/u:eu-1 ${x} $5".to_owned()));
    assert!(plan.allows(&Request::Execute(path("/opt/venv/bin/python")), ClassMask::ALWAYS));
}

#[test]
fn later_files_add_to_lists_and_override_scalars() {
    let base = "\
version: 1
name: base
environment: { pass: [A, B], set: { C: base } }
filesystem: { read: [/a], deny: [/secret] }
network: { allowed_domains: [a.example], allowed_ports: [80] }
execution: { memory_limit: 1GiB, cpus: 1 }
tools:
  defaults: { timeout_seconds: 10, max_requests_per_minute: 5 }
  x: { enabled: false }
on_violation: { file: kill }
";
    let side = "version: 1\nname: side\nfilesystem: { read: [/side] }\nexecution: { cpus: 2 }\n";
    let own = "\
version: 1
extends: [base, side]
environment: { pass: [C], set: { A: own } }
filesystem: { read: [/b], deny: [/a] }
network: { allowed_domains: [b.example], allowed_ports: [443] }
execution: { memory_limit: 2GiB }
tools:
  defaults: { timeout_seconds: 20 }
  x: { enabled: true, max_request_bytes: 1KiB }
on_violation: { file: deny }
";
    let library = Texts::default().with("base", base).with("side", side);
    let policy = load(source("dir/own.yaml", own), &library).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(policy.name(), "own", "a name is not inherited");
    let environment = environment();
    let plan = policy.compile(&context(&environment)).unwrap_or_else(|problems| panic!("{problems}"));
    let sources: Vec<(&str, &ValueSource)> =
        plan.environment.iter().map(|v| (&v.name[..], &v.source)).collect();
    let own_a = ValueSource::Literal("own".to_owned());
    let expected = [("A", &own_a), ("B", &ValueSource::Inherited), ("C", &ValueSource::Inherited)];
    assert_eq!(sources, expected);
    let readable = |text| plan.allows(&Request::Read(path(text)), ClassMask::ALWAYS);
    assert!(readable("/b") && readable("/side") && !readable("/a") && !readable("/secret"));
    let names: Vec<&str> = plan.network.domains.iter().map(|rule| &rule.name[..]).collect();
    assert_eq!((names, &plan.network.ports[..]), (vec!["a.example", "b.example"], &[80, 443][..]));
    assert_eq!((plan.limits.memory_bytes, plan.limits.cpu_millis), (Some(2 << 30), Some(2000)));
    let x = plan.tools.rule_for("x");
    assert_eq!((x.enabled, x.max_request_bytes), (true, Some(1024)));
    assert_eq!((x.timeout, x.max_requests_per_minute), (Some(Duration::from_secs(20)), Some(5)));
    assert_eq!(plan.on_violation.file, OnViolation::Deny);
}

#[test]
fn what_is_extended_cannot_lose_its_deny() {
    let library = Texts::default().with("base", "version: 1\nfilesystem: { deny: [\"${home}/.ssh\"] }\n");
    let own = "version: 1\nextends: [base]\nfilesystem: { write: [\"${home}/.ssh\"] }\n";
    let found = load(source("own.yaml", own), &library).expect_err("a grant that is closed").to_string();
    assert!(
        found.starts_with("own.yaml:3:23: error: `${home}/.ssh` is granted here and denied in base:2:22"),
        "{found}"
    );
    // The home above it may be granted; the deny stays.
    let own = "version: 1\nextends: [base]\nfilesystem: { write: [\"${home}\"] }\n";
    let environment = environment();
    let policy = load(source("own.yaml", own), &library).expect("valid");
    let plan = policy.compile(&context(&environment)).expect("valid");
    assert!(!plan.allows(&Request::Read(path("/home/u/.ssh/id")), ClassMask::ALL));
    assert!(plan.allows(&Request::Write(path("/home/u/.sshx")), ClassMask::ALWAYS));
}

#[test]
fn an_allow_list_of_tools_enables_what_it_names() {
    let text = "version: 1\ntools:\n  defaults: { enabled: false, reason: closed }\n  read: {}\n  \"get_*\": { exclusive: true }\n";
    let plan = plan(text).expect("valid");
    let enabled = |name| plan.tools.rule_for(name).enabled;
    assert!(enabled("read") && enabled("get_x") && !enabled("write"));
    assert_eq!(plan.tools.rule_for("write").reason.as_deref(), Some("closed"));
    assert_eq!(plan.tools.rule_for("read").reason, None);
}

#[test]
fn reasons_stay_with_their_rules() {
    let text = "version: 1\nfilesystem: { read: [{ path: /etc/ssl, reason: certificates }] }\n";
    let plan = plan(text).expect("valid");
    let rule = plan.rules.iter().find(|rule| rule.text == "filesystem.read: /etc/ssl").expect("rule");
    assert_eq!(rule.reason.as_deref(), Some("certificates"));
    assert_eq!((rule.origin.line, rule.origin.column), (2, 30));
}

#[test]
fn revisions_tell_texts_apart() {
    let revision = |text| read(text).expect("valid").revision().to_owned();
    assert_ne!(revision("version: 1\n"), revision("version: 1\n\n"));
    // Printed by: printf '\x0b\0\0\0\0\0\0\0version: 1\n' | sha256sum
    assert_eq!(revision("version: 1\n"), "c6753a245afb4b34b31055e3fb211083bd00c58b0a8a5393133fe25d7bd7e1a5");
}

#[test]
fn rates_and_repetitions_are_in_the_plan() {
    let text = "\
version: 1
filesystem: { read: [/r], max_opens_per_minute: 600 }
network: { listen: [0], max_sent_bytes_per_minute: 10MiB }
on_violation: { repeated: { count: 20, within_seconds: 60, then: freeze } }
";
    let plan = plan(text).expect("valid");
    assert_eq!(plan.limits.max_opens_per_minute, Some(600));
    assert_eq!(plan.network.max_sent_bytes_per_minute, Some(10 << 20));
    let repeated = Repeated { count: 20, within: Duration::from_secs(60), then: Consequence::Freeze };
    assert_eq!(plan.on_violation.repeated, Some(repeated));
    let rules: Vec<(&str, &Ask)> = plan.rules.iter().map(|rule| (&rule.text[..], &rule.ask)).collect();
    for expected in [
        ("filesystem.max_opens_per_minute: 600", &Ask::OpenRate),
        ("network.max_sent_bytes_per_minute: 10485760 bytes", &Ask::SentBytesRate),
        ("on_violation.repeated: 20 within 60 s, then freeze", &Ask::Repeated(Consequence::Freeze)),
    ] {
        assert!(rules.contains(&expected), "{expected:?} is missing in\n{rules:#?}");
    }
}

#[test]
fn a_later_file_overrides_rates_and_repetitions() {
    let base = "\
version: 1
filesystem: { read: [/r], max_opens_per_minute: 600 }
network: { listen: [0], max_sent_bytes_per_minute: 10MiB }
on_violation: { repeated: { count: 20, within_seconds: 60, then: freeze } }
";
    let own = "\
version: 1
extends: [base]
filesystem: { max_opens_per_minute: 60 }
network: { max_sent_bytes_per_minute: 1MiB }
on_violation: { repeated: { count: 5, within_seconds: 10, then: kill } }
";
    let policy = load(source("own.yaml", own), &Texts::default().with("base", base)).expect("valid");
    let environment = environment();
    let plan = policy.compile(&context(&environment)).expect("valid");
    assert_eq!(plan.limits.max_opens_per_minute, Some(60));
    assert_eq!(plan.network.max_sent_bytes_per_minute, Some(1 << 20));
    let repeated = Repeated { count: 5, within: Duration::from_secs(10), then: Consequence::Kill };
    assert_eq!(plan.on_violation.repeated, Some(repeated));
    assert_eq!(plan.rules.iter().filter(|rule| matches!(rule.ask, Ask::Repeated(_))).count(), 1);
}

#[test]
fn code_may_be_mapped_where_the_nearest_grant_is_one_to_read() {
    let base = "version: 1\nfilesystem: { read: [/w/venv, /r] }\n";
    let own = "\
version: 1
extends: [base]
filesystem: { write: [/w, /w/venv/cache], deny: [/w/venv/no] }
execution: { allowed_programs: [/w/venv/bin] }
";
    let policy = load(source("own.yaml", own), &Texts::default().with("base", base)).expect("valid");
    let environment = environment();
    let plan = policy.compile(&context(&environment)).expect("valid");
    let code: Vec<String> = plan
        .files
        .rules
        .iter()
        .filter(|rule| rule.code)
        .map(|rule| rule.path.as_path().display().to_string())
        .collect();
    assert_eq!(code, ["/r", "/w/venv", "/w/venv/bin"]);
    let bin = plan.files.decisive(&path("/w/venv/bin/python")).expect("rule");
    let first = plan.rule(bin.from[0]).expect("rule");
    assert_eq!(first.text, "execution.allowed_programs: /w/venv/bin", "the path's own rule comes first");
}
