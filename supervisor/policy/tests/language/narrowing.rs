//! Host rules meet policies: what asks for more is refused or narrowed, with both rules named.

use policy::host::{Caller, load as load_host};
use policy::plan::{AbsolutePath, SyscallProfile};
use policy::{HostRules, Narrowed, Plan, Policy, Problems, load};

use crate::host::{Texts, context, environment, path, source};

/// Symlinks of the fake host: a beginning of a path, and where it leads.
const LINKS: [(&str, &str); 2] = [("/home/u/site/link", "/etc"), ("/srv/alias", "/srv/data")];

fn real(asked: &AbsolutePath) -> AbsolutePath {
    let link = LINKS.iter().find(|(link, _)| path(link).covers(asked));
    let Some((link, target)) = link else { return asked.clone() };
    AbsolutePath::new(path(target).as_path().join(asked.as_path().strip_prefix(link).unwrap())).unwrap()
}

/// Whoever starts `/usr/bin/node` in the workspace of the fake host.
pub(crate) fn caller() -> Caller<'static> {
    Caller {
        home: Some(path("/home/u")),
        workspace: path("/home/u/site"),
        command: vec![path("/usr/bin/node")],
        real: &real,
        host_real: &real,
        workspace_real: &real,
    }
}

pub(crate) fn host_rules(texts: &[(&str, &str)]) -> Result<HostRules, Problems> {
    load_host(&texts.iter().map(|(name, text)| source(name, text)).collect::<Vec<_>>())
}

pub(crate) fn compile(text: &str) -> (Policy, Plan) {
    let environment = environment();
    let policy =
        load(source("p.yaml", text), &Texts::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = policy.compile(&context(&environment)).unwrap_or_else(|problems| panic!("{problems}"));
    (policy, plan)
}

/// A policy under one host file.
fn under(host: &str, text: &str) -> Result<Narrowed, Problems> {
    let rules = host_rules(&[("host.yaml", host)]).unwrap_or_else(|problems| panic!("{problems}"));
    let (policy, plan) = compile(text);
    rules.narrow(&policy, plan, &caller())
}

fn refusals(host: &str, text: &str) -> Vec<String> {
    under(host, text)
        .err()
        .map(|problems| problems.iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

/// What a careful administrator writes.
const HOST: &str = "\
version: 1
maximum:
  environment: [PATH, \"LC_*\", API_TOKEN]
  filesystem:
    workspaces: [\"${home}\"]
    read: [/usr, /srv/data]
    write: [\"${workspace}\"]
    deny: [{ path: \"${workspace}/keys\", reason: keys stay with people }, \"**/.env\"]
  network:
    allowed_domains: [api.example.com, \"*.cdn.example.com\"]
    allowed_cidrs: [10.1.0.0/16]
    allowed_ports: [443]
    listen: []
    unix_sockets: [/run/db]
    max_connections_per_minute: 60
  execution:
    allowed_programs: [/usr/bin]
    memory_limit: 512MiB
    cpus: 0.5
    max_processes: 64
require: [landlock]
audit: { arguments: names, directory: /var/log/mcpguard, on_failure: stop }
policies: { deny_tools: [{ tool: \"delete_*\", reason: nothing is deleted here }] }
";

/// A policy after its first line, and what is wrong with it after `p.yaml:`. Each names both rules with their places.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "filesystem: { read: [/etc] }",
        &[
            "2:22: error: `filesystem.read: /etc`: `/etc`, to be read, is not within what this host allows: `maximum.filesystem.read` (host.yaml:6:11) is `/usr`, `/srv/data`, `${workspace}`, `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "filesystem: { write: [/srv/data/x] }",
        &[
            "2:23: error: `filesystem.write: /srv/data/x`: `/srv/data/x`, to be written, is not within what this host allows: `maximum.filesystem.write` (host.yaml:7:12) is `${workspace}`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "filesystem: { read: [/] }",
        &[
            "2:22: error: `filesystem.read: /`: `/`, to be read, is not within what this host allows: `maximum.filesystem.read` (host.yaml:6:11) is `/usr`, `/srv/data`, `${workspace}`, `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "filesystem: { write: [\"${workspace}/keys/a\"] }",
        &[
            "2:23: error: `filesystem.write: ${workspace}/keys/a`: `/home/u/site/keys/a` is closed by this host's `maximum.filesystem.deny: ${workspace}/keys` (host.yaml:8:20, because: keys stay with people); take it out of the policy, or have the administrator open it",
        ],
    ),
    (
        "filesystem: { read: [\"${workspace}/a/.env/b\"] }",
        &[
            "2:22: error: `filesystem.read: ${workspace}/a/.env/b`: `/home/u/site/a/.env/b` is closed by this host's `maximum.filesystem.deny: **/.env` (host.yaml:8:74); take it out of the policy, or have the administrator open it",
        ],
    ),
    (
        "filesystem: { read: [\"${workspace}/link/ssl\"] }",
        &[
            "2:22: error: `filesystem.read: ${workspace}/link/ssl`: `/home/u/site/link/ssl → /etc/ssl`, to be read, is not within what this host allows: `maximum.filesystem.read` (host.yaml:6:11) is `/usr`, `/srv/data`, `${workspace}`, `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "filesystem: { read: [/usr/share, /usr/local/etc, /var], write: [\"${workspace}\"] }",
        &[
            "2:50: error: `filesystem.read: /var`: `/var`, to be read, is not within what this host allows: `maximum.filesystem.read` (host.yaml:6:11) is `/usr`, `/srv/data`, `${workspace}`, `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "network: { allowed_domains: [evil.example, \"*.example.com\"] }",
        &[
            "2:30: error: `network.allowed_domains: evil.example`: this domain is not within what this host allows: `maximum.network.allowed_domains` (host.yaml:10:22) is `api.example.com`, `*.cdn.example.com`; ask for something within it, or have the administrator add to it",
            "2:44: error: `network.allowed_domains: *.example.com`: this domain is not within what this host allows: `maximum.network.allowed_domains` (host.yaml:10:22) is `api.example.com`, `*.cdn.example.com`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "network: { allowed_domains: [{ domain: api.example.com, verify: address-only }, { domain: a.cdn.example.com, records: [txt] }] }",
        &[
            "2:40: error: `network.allowed_domains: api.example.com (address-only)`: this way to the domain is not within what this host allows: `maximum.network.allowed_domains` (host.yaml:10:22) is `api.example.com`, `*.cdn.example.com`; ask for something within it, or have the administrator add to it",
            "2:91: error: `network.allowed_domains: a.cdn.example.com (txt)`: this way to the domain is not within what this host allows: `maximum.network.allowed_domains` (host.yaml:10:22) is `api.example.com`, `*.cdn.example.com`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "network: { allowed_cidrs: [10.0.0.0/8, public] }",
        &[
            "2:28: error: `network.allowed_cidrs: 10.0.0.0/8`: this range is not within what this host allows: `maximum.network.allowed_cidrs` (host.yaml:11:20) is `10.1.0.0/16`; ask for something within it, or have the administrator add to it",
            "2:40: error: `network.allowed_cidrs: public`: this range is not within what this host allows: `maximum.network.allowed_cidrs` (host.yaml:11:20) is `10.1.0.0/16`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "network: { allowed_cidrs: [10.1.2.0/24], allowed_ports: [443, 22] }",
        &[
            "2:63: error: `network.allowed_ports: 22`: this port is not within what this host allows: `maximum.network.allowed_ports` (host.yaml:12:20) is `443`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "network: { listen: [8080] }",
        &[
            "2:21: error: `network.listen: 8080`: this port is not within what this host allows: `maximum.network.listen` (host.yaml:13:13) is nothing; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "network: { unix_sockets: [/run/docker.sock] }",
        &[
            "2:27: error: `network.unix_sockets: /run/docker.sock`: `/run/docker.sock` is not within what this host allows: `maximum.network.unix_sockets` (host.yaml:14:19) is `/run/db`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "execution: { allowed_programs: [git, /home/u/site/tool] }",
        &[
            "2:33: error: `execution.allowed_programs: git`: `/usr/lib/interpreter`, to be executed, is not within what this host allows: `maximum.execution.allowed_programs` (host.yaml:17:23) is `/usr/bin`; ask for something within it, or have the administrator add to it",
            "2:38: error: `execution.allowed_programs: /home/u/site/tool`: `/home/u/site/tool`, to be executed, is not within what this host allows: `maximum.execution.allowed_programs` (host.yaml:17:23) is `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "environment: { pass: [PATH, AWS_SECRET_ACCESS_KEY], secrets: { API_TOKEN: { from_env: GITHUB_TOKEN } }, set: { LC_ALL: \"${env:REGION}\" } }",
        &[
            "2:29: error: `environment.pass: AWS_SECRET_ACCESS_KEY`: the variable `AWS_SECRET_ACCESS_KEY` is not within what this host allows: `maximum.environment` (host.yaml:3:16) is `PATH`, `LC_*`, `API_TOKEN`; ask for something within it, or have the administrator add to it",
            "2:64: error: `environment.secrets.API_TOKEN`: the variable `GITHUB_TOKEN`, from which it is filled, is not within what this host allows: `maximum.environment` (host.yaml:3:16) is `PATH`, `LC_*`, `API_TOKEN`; ask for something within it, or have the administrator add to it",
            "2:120: error: `environment.set.LC_ALL`: the variable `REGION`, which is read here, is not within what this host allows: `maximum.environment` (host.yaml:3:16) is `PATH`, `LC_*`, `API_TOKEN`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "environment: { secrets: { API_TOKEN: { from_file: /etc/shadow } } }",
        &[
            "2:27: error: `environment.secrets.API_TOKEN`: `/etc/shadow`, to be read, is not within what this host allows: `maximum.filesystem.read` (host.yaml:6:11) is `/usr`, `/srv/data`, `${workspace}`, `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "environment: { secrets: { API_TOKEN: { from_command: [op, read] } } }",
        &[
            "2:27: error: `environment.secrets.API_TOKEN`: `op`, which is not an absolute path, is not within what this host allows: `maximum.execution.allowed_programs` (host.yaml:17:23) is `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "tools: { fetch: { allowed_domains: [pages.example], allowed_paths: [/opt], allowed_programs: [/opt/x] } }",
        &[
            "2:37: error: `tools.fetch.allowed_domains: pages.example`: this domain is not within what this host allows: `maximum.network.allowed_domains` (host.yaml:10:22) is `api.example.com`, `*.cdn.example.com`; ask for something within it, or have the administrator add to it",
            "2:69: error: `tools.fetch.allowed_paths: /opt`: `/opt`, to be read, is not within what this host allows: `maximum.filesystem.read` (host.yaml:6:11) is `/usr`, `/srv/data`, `${workspace}`, `/usr/bin`; ask for something within it, or have the administrator add to it",
            "2:69: error: `tools.fetch.allowed_paths: /opt`: `/opt`, to be written, is not within what this host allows: `maximum.filesystem.write` (host.yaml:7:12) is `${workspace}`; ask for something within it, or have the administrator add to it",
            "2:95: error: `tools.fetch.allowed_programs: /opt/x`: `/opt/x`, to be executed, is not within what this host allows: `maximum.execution.allowed_programs` (host.yaml:17:23) is `/usr/bin`; ask for something within it, or have the administrator add to it",
        ],
    ),
    (
        "audit: { path: \"${home}/log.jsonl\" }",
        &[
            "2:16: error: `audit.path: ${home}/log.jsonl`: every log on this host lies beneath `/var/log/mcpguard` (`audit.directory: /var/log/mcpguard`, host.yaml:22:39); leave the key out or name a file there",
        ],
    ),
];

#[test]
fn what_asks_for_more_is_refused_and_both_rules_are_named() {
    for (text, expected) in REFUSED {
        let expected: Vec<String> = expected.iter().map(|it| format!("p.yaml:{it}")).collect();
        assert_eq!(refusals(HOST, &format!("version: 1\n{text}")), expected, "{text}");
    }
}

/// A policy after its first line, and what the host's rules change of it.
const NARROWED: &[(&str, &[&str])] = &[
    (
        "execution: { memory_limit: 2GiB, cpus: 0.25 }\n",
        &[
            "`maximum.execution.memory_limit: 536870912 bytes` (host.yaml:18:19) holds in place of \
             `execution.memory_limit: 2147483648 bytes` (p.yaml:2:28)",
            "`maximum.execution.max_processes: 64` (host.yaml:20:20) holds on top of the policy",
        ],
    ),
    (
        "network: { allowed_domains: [api.example.com], max_connections_per_minute: 600 }\n",
        &[
            "`maximum.network.max_connections_per_minute: 60` (host.yaml:15:33) holds in place of \
             `network.max_connections_per_minute: 600` (p.yaml:2:76)",
            "`maximum.execution.memory_limit: 536870912 bytes` (host.yaml:18:19) holds on top of the policy",
            "`maximum.execution.cpus: 500 thousandths` (host.yaml:19:11) holds on top of the policy",
            "`maximum.execution.max_processes: 64` (host.yaml:20:20) holds on top of the policy",
        ],
    ),
    (
        "filesystem: { write: [\"${workspace}\"] }\nexecution: { memory_limit: 1MiB, cpus: 0.1, max_processes: 2 }\n",
        &[
            "`maximum.filesystem.deny: ${workspace}/keys` (host.yaml:8:20) holds on top of the policy, \
             because: keys stay with people",
            "`maximum.filesystem.deny: **/.env` (host.yaml:8:74) holds on top of the policy",
        ],
    ),
    (
        "audit: { arguments: none, on_failure: continue }\nexecution: { memory_limit: 1MiB, cpus: 0.1, max_processes: 2 }\n\
         require: [landlock]\n",
        &[
            "`audit.arguments: names` (host.yaml:22:21) holds in place of `audit.arguments: none` (p.yaml:2:21)",
            "`audit.on_failure: stop` (host.yaml:22:70) holds in place of `audit.on_failure: continue` (p.yaml:2:39)",
        ],
    ),
];

/// What the host asks of every policy.
const ALWAYS: [&str; 3] = [
    "`policies.deny_tools: delete_*` (host.yaml:23:34) holds on top of the policy, because: nothing is deleted here",
    "`require: landlock` (host.yaml:21:11) holds on top of the policy",
    "`audit.directory: /var/log/mcpguard` (host.yaml:22:39) holds on top of the policy",
];

#[test]
fn numbers_denies_and_duties_are_narrowed_and_both_rules_are_named() {
    for (text, expected) in NARROWED {
        let narrowed =
            under(HOST, &format!("version: 1\n{text}")).unwrap_or_else(|problems| panic!("{problems}"));
        let told: Vec<String> = narrowed.narrowed.iter().map(ToString::to_string).collect();
        let told: Vec<&str> = told.iter().map(|it| &it[..]).filter(|it| !ALWAYS.contains(it)).collect();
        assert_eq!(told, *expected, "{text}");
        let once = narrowed.plan.require.iter().filter(|layer| **layer == policy::Layer::Landlock).count();
        assert_eq!(once, 1, "{text}");
    }
}

#[test]
fn the_smaller_number_holds() {
    let text = "version: 1\nexecution: { memory_limit: 2GiB, cpus: 0.25 }\nnetwork: { allowed_domains: [api.example.com] }\n";
    let Narrowed { plan, firm, audit_directory, .. } = under(HOST, text).expect("within");
    assert_eq!(plan.limits.memory_bytes, Some(512 << 20));
    assert_eq!(plan.limits.cpu_millis, Some(250), "the policy's own is stricter");
    assert_eq!(plan.limits.max_processes, Some(64), "the policy says nothing");
    assert_eq!(plan.network.max_connections_per_minute, Some(60));
    assert_eq!(plan.network.max_names_per_minute, policy::plan::NAMES_PER_MINUTE, "the host says nothing");
    assert_eq!(audit_directory, Some(path("/var/log/mcpguard")));
    let firm: Vec<&str> = firm.iter().map(|id| &plan.rule(*id).expect("a rule").text[..]).collect();
    for text in [
        "network.allowed_domains: api.example.com",
        "maximum.execution.cpus: 500 thousandths",
        "require: landlock",
    ] {
        assert!(firm.contains(&text), "{text}: {firm:?}");
    }
    assert!(
        !firm.contains(&"execution.cpus: 250 thousandths"),
        "the policy's own limit may be let go: {firm:?}"
    );
}

#[test]
fn each_file_narrows_further_and_none_widens() {
    let wide =
        "version: 1\nmaximum: { filesystem: { read: [/srv, /usr] }, execution: { memory_limit: 1GiB } }\n";
    let narrow = "version: 1\nmaximum: { filesystem: { read: [/srv/data, /opt] }, execution: { memory_limit: 2GiB } }\n";
    let rules = host_rules(&[("a.yaml", wide), ("b.yaml", narrow)]).expect("sound");
    let nobody = Caller { command: Vec::new(), ..caller() };
    let ask = |what: &str| {
        let (policy, plan) = compile(&format!("version: 1\nfilesystem: {{ read: [{what}] }}\n"));
        rules
            .narrow(&policy, plan, &nobody)
            .map(|it| it.plan.limits.memory_bytes)
            .map_err(|it| it.to_string())
    };
    assert_eq!(ask("/srv/data/x"), Ok(Some(1 << 30)));
    assert!(ask("/srv/other").unwrap_err().contains("(b.yaml:2:32) is `/srv/data`, `/opt`"));
    assert!(ask("/opt").unwrap_err().contains("(a.yaml:2:32) is `/srv`, `/usr`"));
}

#[test]
fn an_absent_key_limits_nothing_and_an_empty_list_allows_nothing() {
    let text = "version: 1\nfilesystem: { read: [/etc], write: [/var] }\nexecution: { allowed_programs: [/bin/x] }\n";
    assert_eq!(
        refusals("version: 1\nmaximum: { filesystem: {}, network: {}, execution: {} }\n", text),
        [""; 0]
    );
    let nothing =
        "version: 1\nmaximum: { filesystem: { read: [], write: [] }, execution: { allowed_programs: [] } }\n";
    let found = refusals(nothing, text);
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(
        found[0].starts_with("command line: error: `the server's own program /usr/bin/node`: it, to be"),
        "{found:#?}"
    );
    assert!(found.iter().all(|it| it.contains(" is nothing; ")), "{found:#?}");
}

#[test]
fn a_tool_that_the_host_denies_is_denied_whatever_the_policy_says() {
    let text = "version: 1\nfilesystem: { write: [\"${workspace}\"] }\ntools:\n  delete_file: { enabled: true }\n  \"delete_all_*\": {}\n  read: {}\n";
    let plan = under(HOST, text).expect("within").plan;
    let enabled = |name: &str| plan.tools.rule_for(name).enabled;
    assert!(enabled("read") && enabled("other"));
    for name in ["delete_file", "delete_all_files", "delete_", "delete_x"] {
        let rule = plan.tools.rule_for(name);
        assert!(!rule.enabled, "{name}");
        assert_eq!(rule.reason.as_deref(), Some("nothing is deleted here"));
        assert_eq!(plan.rule(rule.from).expect("a rule").text, "policies.deny_tools: delete_*");
    }
}

#[test]
fn presets_are_admitted_by_name() {
    let rules = host_rules(&[("host.yaml", "version: 1\npresets: { allow: [github, \"runtime/*\"] }\n")])
        .expect("sound");
    assert_eq!(rules.admit_preset("github"), Ok(()));
    assert_eq!(rules.admit_preset("runtime/node"), Ok(()));
    let expected = "the preset `fetch` may not be used on this host: `presets.allow` (host.yaml:2:19) names `github`, \
                    `runtime/*`; use one of these, or have the administrator add it";
    assert_eq!(rules.admit_preset("fetch"), Err(expected.to_owned()));
    assert_eq!(host_rules(&[("h", "version: 1\n")]).expect("sound").admit_preset("fetch"), Ok(()));
}

#[test]
fn a_workspace_counts_only_where_one_may_lie() {
    let text = "version: 1\nfilesystem: { write: [\"${workspace}\"] }\n";
    let host = "version: 1\nmaximum: { filesystem: { workspaces: [/srv], write: [\"${workspace}\"] } }\n";
    let found = refusals(host, text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains(
            "is `${workspace} (not here: this workspace is in none of `maximum.filesystem.workspaces`)`"
        ),
        "{found:#?}"
    );
}

#[test]
fn a_home_that_the_host_does_not_know_refuses() {
    let text = "version: 1\nmaximum: { filesystem: { deny: [\"${home}/.ssh\"] } }\n";
    let rules = host_rules(&[("host.yaml", text)]).expect("sound");
    let expected =
        "host.yaml:2:33: error: `${home}/.ssh`: this user has no home directory that the host knows";
    for home in [None, Some(path("/"))] {
        let (policy, plan) = compile("version: 1\n");
        let found = rules.narrow(&policy, plan, &Caller { home, ..caller() });
        assert_eq!(found.map(|_| ()).map_err(|it| it.to_string()), Err(expected.to_owned()));
    }
}

#[test]
fn a_stricter_profile_is_set_where_the_policy_is_silent_and_refused_where_it_says_otherwise() {
    let host = "version: 1\nmaximum: { execution: { seccomp: strict } }\n";
    let silent = under(host, "version: 1\n").expect("within");
    assert_eq!(silent.plan.syscalls, SyscallProfile::Strict);
    assert_eq!(
        refusals(host, "version: 1\nexecution: { seccomp: default }\n"),
        ["p.yaml:2:23: error: `execution.seccomp: default`: this profile is closed by this host's \
          `maximum.execution.seccomp: strict` (host.yaml:2:34); take it out of the policy, or have the administrator open it"]
    );
}

#[test]
fn a_port_that_nobody_wrote_is_bounded_too() {
    let host = "version: 1\nmaximum: { network: { allowed_ports: [8443] } }\n";
    let found = refusals(host, "version: 1\nnetwork: { allowed_domains: [a.example] }\n");
    assert_eq!(
        found,
        [
            "default deny: error: `network.allowed_ports: 443`: this port, which holds where none is named, is not within what \
          this host allows: `maximum.network.allowed_ports` (host.yaml:2:38) is `8443`; ask for something within it, or have \
          the administrator add to it"
        ]
    );
}

#[test]
fn rules_are_listed_with_their_places() {
    let listed = host_rules(&[("host.yaml", HOST)]).expect("sound").rules();
    let told: Vec<String> = listed.iter().map(|it| format!("{} {}", it.origin, it.text)).collect();
    assert_eq!(told.len(), 25, "{told:#?}");
    for line in [
        "host.yaml:13:13 maximum.network.listen: nothing",
        "host.yaml:18:19 maximum.execution.memory_limit: 536870912 bytes",
    ] {
        assert!(told.iter().any(|it| it == line), "{line}: {told:#?}");
    }
}

#[test]
fn a_log_is_a_file_that_is_written_for_the_policy() {
    let host = "version: 1\nmaximum: { filesystem: { write: [/srv], deny: [/srv/data] } }\n";
    let log = |path: &str| refusals(host, &format!("version: 1\naudit: {{ path: {path} }}\n"));
    assert_eq!(log("/srv/log.jsonl"), [""; 0]);
    assert_eq!(
        log("/etc/cron.d/x"),
        [
            "p.yaml:2:16: error: `audit.path: /etc/cron.d/x`: `/etc/cron.d/x`, to be written, is not within what this host \
          allows: `maximum.filesystem.write` (host.yaml:2:33) is `/srv`; ask for something within it, or have the administrator \
          add to it"
        ]
    );
    assert_eq!(
        log("/srv/alias/x"),
        [
            "p.yaml:2:16: error: `audit.path: /srv/alias/x`: `/srv/alias/x → /srv/data/x`, to be written, is closed by this host's \
          `maximum.filesystem.deny: /srv/data` (host.yaml:2:48); take it out of the policy, or have the administrator open it"
        ]
    );
}

#[test]
fn programs_are_admitted_by_where_they_lie() {
    let rules = host_rules(&[("host.yaml", HOST)]).expect("sound");
    let admit = |program: &str| {
        let who = Caller { command: vec![path(program)], ..caller() };
        rules.admit_programs(&who).map_err(|it| it.to_string())
    };
    assert_eq!(admit("/usr/bin/node"), Ok(()));
    assert_eq!(
        admit("/home/u/site/node").unwrap_err(),
        "command line: error: `the server's own program /home/u/site/node`: it, to be executed, is not within what this host \
         allows: `maximum.execution.allowed_programs` (host.yaml:17:23) is `/usr/bin`; ask for something within it, or have the \
         administrator add to it"
    );
}

#[test]
fn loaders_are_read_and_not_started() {
    let rules = host_rules(&[("host.yaml", HOST)]).expect("sound");
    let admit = |loader: &str| rules.admit_loaders(&caller(), &[path(loader)]).map_err(|it| it.to_string());
    assert_eq!(admit("/usr/lib/ld-linux.so.2"), Ok(()));
    for (loader, why) in
        [("/home/u/.ssh/id", "to be read, is not within"), ("/home/u/site/keys/id", "is closed by")]
    {
        let refused = admit(loader).unwrap_err();
        assert!(refused.contains(&format!("the server's dynamic loader {loader}")), "{refused}");
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn what_a_caller_says_of_a_path_means_nothing_for_the_hosts_rules() {
    // Whoever is asked says that everything the host allows is elsewhere.
    let lie = |_: &AbsolutePath| path("/etc/secret");
    let rules = host_rules(&[("host.yaml", "version: 1\nmaximum: { filesystem: { read: [/srv/data] } }\n")]);
    let (policy, plan) = compile("version: 1\nfilesystem: { read: [/srv/data] }\n");
    let who = Caller { real: &lie, command: Vec::new(), ..caller() };
    let refused = rules.expect("sound").narrow(&policy, plan, &who).unwrap_err().to_string();
    assert!(refused.contains("/srv/data → /etc/secret"), "{refused}");
}
