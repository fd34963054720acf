//! Every mistake in host rules is reported at once, with its place and what would make it right.

use crate::narrowing::host_rules;

fn problems(text: &str) -> Vec<String> {
    let found = host_rules(&[("host.yaml", text)]).err();
    found.map(|problems| problems.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// A text, and its problems after `host.yaml:`.
const CASES: &[(&str, &[&str])] = &[
    ("", &["1:1: error: the policy is empty; did you mean `version: 1`?"]),
    ("maximum: {}\n", &["1:1: error: `version` is missing here"]),
    (
        "version: 2\n",
        &["1:10: error: this mcpguard reads version 1 of the host rules, not `2`; did you mean `1`?"],
    ),
    (
        "version: 1\nmaximun: {}\n",
        &["2:1: error: `maximun` is not a key that may stand here; did you mean `maximum`?"],
    ),
    (
        "version: 1\nmaximum: { files: {} }\n",
        &[
            "2:12: error: `files` is not a key that may stand here; the keys are environment, filesystem, network, execution",
        ],
    ),
    (
        "version: 1\nmaximum: { filesystem: { read: [usr, \"${config_home}\", \"${env:DIR}/x\", \"${server}\", \"/a/../b\", \"/x*\"] } }\n",
        &[
            "2:33: error: a path is absolute or starts with a variable",
            "2:38: error: what `${config_home}` is would be decided by the user's environment; host rules know `${home}` and `${workspace}`",
            "2:56: error: what `${env:DIR}/x` is would be decided by the user's environment; host rules know `${home}` and `${workspace}`",
            "2:72: error: what `${server}` is would be decided by the user's environment; host rules know `${home}` and `${workspace}`",
            "2:85: error: `..` is not allowed in a path; write the directory that is meant",
            "2:96: error: patterns are not possible in a path, which names itself and everything beneath; did you mean `/`?",
        ],
    ),
    (
        "version: 1\nmaximum: { filesystem: { write: [\"${workspace}\"] } }\n",
        &[
            "2:34: error: a workspace is whatever the user names, `/` too; say in `maximum.filesystem.workspaces` where it may lie",
        ],
    ),
    (
        "version: 1\nmaximum: { filesystem: { workspaces: [\"${workspace}/a\", /srv, /srv] } }\n",
        &[
            "2:39: error: this says where a workspace may lie; `${workspace}` itself cannot say it",
            "2:63: error: `/srv` stands here twice; the first is in line 2",
        ],
    ),
    (
        "version: 1\nmaximum: { filesystem: { deny: [.env, \"**/a/b\", \"${cache_home}\"] } }\n",
        &[
            "2:33: error: a path is absolute or starts with a variable; a name rule starts with `**/`; did you mean `**/.env`?",
            "2:39: error: a name rule is `**/name`, `**/*.suffix` or `**/prefix*`",
            "2:49: error: what `${cache_home}` is would be decided by the user's environment; host rules know `${home}` and `${workspace}`",
        ],
    ),
    (
        "version: 1\nmaximum: { execution: { allowed_programs: [node], memory_limit: 512MB, seccomp: default } }\n",
        &[
            "2:44: error: a path is absolute or starts with a variable",
            "2:65: error: a size is a whole number and one of B, KiB, MiB, GiB, TiB; this is `512MB`; did you mean `512MiB`?",
            "2:81: error: `seccomp: default` limits nothing; leave the key out",
        ],
    ),
    (
        "version: 1\nmaximum: { network: { allowed_domains: [api.example.com] } }\n",
        &[
            "2:40: error: `allowed_domains` bounds nothing while `allowed_cidrs` is absent, by which a policy reaches the same hosts; say what it may grant (`allowed_cidrs: []`: nothing)",
        ],
    ),
    (
        "version: 1\nmaximum: { network: { allowed_cidrs: [10.0.0.1/8, public] } }\n",
        &[
            "2:38: error: `allowed_cidrs` bounds nothing while `allowed_domains` is absent, by which a policy reaches the same hosts; say what it may grant (`allowed_domains: []`: nothing)",
            "2:39: error: `10.0.0.1/8` has bits beyond its prefix; did you mean `10.0.0.0/8`?",
        ],
    ),
    (
        "version: 1\nmaximum: { network: { allowed_domains: [], allowed_cidrs: [], max_sent_bytes_per_minute: 5GiB, allowed_ports: [0] } }\n",
        &[
            "2:90: error: more than 4GiB a minute cannot be counted to the byte; did you mean `4GiB`?",
            "2:112: error: a port is a number from 1 to 65535, not `0`",
        ],
    ),
    (
        "version: 1\nmaximum: { environment: [\"A-B\", \"LC_*\", \"LC_*\"] }\n",
        &[
            "2:26: error: `A-B` is not a variable's name or glob; `*` (any run) and `?` (one character) are the only patterns",
            "2:41: error: `LC_*` stands here twice; the first is in line 2",
        ],
    ),
    (
        "version: 1\nrequire: [landlok, seccomp, seccomp]\nallow_degraded: true\n",
        &[
            "2:11: error: `landlok` is none of landlock, seccomp, rlimit, spawn, doorman, audit, ebpf, cgroup, resolver; did you mean `landlock`?",
            "2:29: error: `seccomp` stands here twice; the first is in line 2",
            "3:17: error: `allow_degraded: true` limits nothing; leave the key out",
        ],
    ),
    (
        "version: 1\nallow_degraded: no\n",
        &["2:17: error: `true` or `false` is wanted here, not the text `no`; did you mean `false`?"],
    ),
    (
        "version: 1\naudit: { arguments: none, on_failure: continue, directory: \"${workspace}/log\" }\n",
        &[
            "2:21: error: `arguments: none` limits nothing; leave the key out",
            "2:39: error: `on_failure: continue` limits nothing; leave the key out",
            "2:60: error: a workspace is where servers write; name a directory of the host for logs",
        ],
    ),
    (
        "version: 1\npresets: {}\npolicies: { deny_tools: [] }\n",
        &[
            "2:10: error: `allow` is missing here",
            "3:25: error: `deny_tools: []` limits nothing; leave the key out",
        ],
    ),
    (
        "version: 1\npresets: { allow: [\"a b\", github.yaml] }\npolicies: { deny_tools: [\"del ete\"] }\n",
        &[
            "2:20: error: `a b` is not a preset's name or glob; `*` (any run) and `?` (one character) are the only patterns",
            "2:27: error: `github.yaml` is not a preset's name or glob; `*` (any run) and `?` (one character) are the only patterns",
            "3:25: error: `deny_tools: []` limits nothing; leave the key out",
            "3:26: error: `del ete` is not a tool's name or glob; `*` (any run) and `?` (one character) are the only patterns",
        ],
    ),
    (
        "version: 1\nmaximum:\n",
        &["2:1: error: `maximum` has no value; leave the key out if nothing is meant"],
    ),
];

#[test]
fn mistakes_and_their_messages() {
    for (text, expected) in CASES {
        let expected: Vec<String> = expected.iter().map(|it| format!("host.yaml:{it}")).collect();
        assert_eq!(problems(text), expected, "{text}");
    }
}

#[test]
fn all_files_are_read_before_anything_is_said() {
    let files = [
        ("a.yaml", "version: 1\naudit: { directory: /var/log/a }\n"),
        ("b.yaml", "version: 1\naudit: { directory: /var/log/b }\n"),
        ("c.yaml", "version: 1\nmaximum: { network: { allowed_domains: [] } }\nx: 1\n"),
        ("d.yaml", "version: 1\nmaximum: { network: { allowed_cidrs: [] } }\n"),
    ];
    let expected = "\
b.yaml:2:21: error: `audit.directory` stands in an earlier file already; a log can lie in one place only
c.yaml:3:1: error: `x` is not a key that may stand here; the keys are version, maximum, require, allow_degraded, audit, \
presets, policies";
    assert_eq!(host_rules(&files).err().map(|problems| problems.to_string()).as_deref(), Some(expected));
}

#[test]
fn too_many_files_are_refused() {
    let names: Vec<String> = (0..65).map(|n| format!("{n}.yaml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], "version: 1\n")).collect();
    let found = host_rules(&files).err().map(|problems| problems.to_string());
    let expected = "64.yaml:1:1: error: these are more than 64 files of host rules; put them together";
    assert_eq!(found.as_deref(), Some(expected));
    assert!(host_rules(&files[..64]).is_ok());
}
