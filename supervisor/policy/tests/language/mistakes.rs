//! Every mistake is reported at once, with its place and the nearest valid spelling.

use crate::host::{Texts, problems, read, source};
use policy::{Severity, Source, load};

#[test]
fn ten_mistakes_are_ten_problems() {
    let text = "\
version: 2
name: github
netwrok: {}
environment:
  pass: [PATH, \"GITHUB TOKEN\"]
filesystem:
  read: [\"${config_hom}/gh\"]
  write: [docs]
network:
  allow_domains: [api.github.com]
  allowed_domains: [https://api.github.com/v3, 10.0.0.1]
  allowed_ports: [https]
execution:
  memory_limit: 512MB
";
    let expected = [
        "p.yaml:1:10: error: this mcpguard reads version 1 of the policy language, not `2`; did you mean `1`?",
        "p.yaml:3:1: error: `netwrok` is not a key that may stand here; did you mean `network`?",
        "p.yaml:5:16: error: `GITHUB TOKEN` is not a variable's name (letters, digits and `_`, no pattern)",
        "p.yaml:7:10: error: `${config_hom}` is not a variable; there are ${workspace}, ${home}, ${config_home}, \
         ${cache_home}, ${runtime_dir}, ${server} and ${env:NAME}; did you mean `${config_home}`?",
        "p.yaml:8:11: error: a path is absolute or starts with a variable; did you mean `${workspace}/docs`?",
        "p.yaml:10:3: error: `allow_domains` is not a key that may stand here; did you mean `allowed_domains`?",
        "p.yaml:11:21: error: a domain is wanted here, not a URL; did you mean `api.github.com`?",
        "p.yaml:11:48: error: `10.0.0.1` is an address; addresses stand in `allowed_cidrs`",
        "p.yaml:12:19: error: a port is a number from 1 to 65535, not `https`",
        "p.yaml:14:17: error: a size is a whole number and one of B, KiB, MiB, GiB, TiB; this is `512MB`; \
         did you mean `512MiB`?",
    ];
    assert_eq!(problems(text), expected);
}

/// A text, and the beginnings of its problems' messages after `p.yaml:`.
const CASES: &[(&str, &[&str])] = &[
    // YAML that is not part of the language.
    ("", &["1:1: error: the policy is empty"]),
    ("# only a comment\n", &["1:1: error: the policy is empty"]),
    ("version: 1\nname: &a x\ndescription: *a\n", &["2:10: error: anchors", "3:14: error: aliases"]),
    ("version: 1\nname: !!str x\n", &["2:13: error: tags"]),
    ("version: 1\n---\nversion: 1\n", &["2:1: error: a second document"]),
    ("%YAML 1.2\n---\nversion: 1\n", &["1:1: error: this is not YAML"]),
    ("version: 1\nname: a\nname: b\n", &["3:1: error: `name` stands here twice; the first is in line 2"]),
    ("version: 1\n? [a]\n: b\n", &["2:3: error: a key is one word"]),
    ("version: 1\nname: [\n", &["2:7: error: this is not YAML: unclosed bracket"]),
    ("version: 1\nfilesystem: {read: [*x]}\n", &["2:21: error: aliases"]),
    ("version: 1\n<<: {name: x}\n", &["2:1: error: `<<` is not a key"]),
    (
        "version: 1\nname: \"a\\0b\"\n",
        &["2:7: error: a policy's name", "2:7: error: the value holds the invisible character U+0000"],
    ),
    ("version: 1 # \u{202e}evil\n", &["1:14: error: the file holds the invisible character U+202E"]),
    ("\u{feff}version: 1\n", &["1:1: error: the file holds a byte order mark"]),
    ("- version: 1\n", &["1:1: error: a mapping (`key: value`) is wanted here, not a list"]),
    // Types.
    ("version: \"1\"\n", &["1:10: error: the version is written without quotes; did you mean `1`"]),
    ("name: x\n", &["1:1: error: `version` is missing here"]),
    (
        "version: 1\nname: 443\n",
        &["2:7: error: a policy's name is written as text, not as the number `443`; did you mean `\"443\"`"],
    ),
    ("version: 1\ntools:\n", &["2:1: error: `tools` has no value"]),
    ("version: 1\nfilesystem: []\n", &["2:13: error: a mapping (`key: value`) is wanted here, not a list"]),
    (
        "version: 1\nfilesystem: {read: /srv}\n",
        &["2:20: error: a list is wanted here, not the text `/srv`; did you mean `[/srv]`"],
    ),
    (
        "version: 1\nfilesystem: {read: [{path: /srv, why: x}]}\n",
        &["2:34: error: `why` is not a key that may stand here; did you mean `path`"],
    ),
    ("version: 1\nfilesystem: {read: [{reason: x}]}\n", &["2:21: error: `path` is missing here"]),
    ("version: 1\nfilesystem: {read: [{path: /srv, reason: \"\"}]}\n", &["2:42: error: this text is empty"]),
    (
        "version: 1\ntools: {x: {enabled: yes}}\n",
        &["2:22: error: `true` or `false` is wanted here, not the text `yes`; did you mean `true`"],
    ),
    (
        "version: 1\ntools: {x: {enabled: False}}\n",
        &["2:22: error: `true` or `false` is wanted here, not the truth value `False`; did you mean `false`"],
    ),
    (
        "version: 1\nexecution: {seccomp: strikt}\n",
        &["2:22: error: `strikt` is none of default, strict; did you mean `strict`"],
    ),
    (
        "version: 1\nexecution: {memory_limit: 512}\n",
        &[
            "2:27: error: a size is a whole number and one of B, KiB, MiB, GiB, TiB; this is `512`; did you mean `512MiB`",
        ],
    ),
    ("version: 1\nexecution: {max_processes: 0}\n", &["2:28: error: a whole number from 1"]),
    ("version: 1\nrequire: [lndlock]\n", &["2:11: error: `lndlock` is none of"]),
    // Empty lists that could be read in two ways.
    ("version: 1\nnetwork: {allowed_domains: []}\n", &["2:28: error: an empty list could be read"]),
    ("version: 1\ntools: {}\n", &["2:8: error: an empty mapping could be read"]),
    // Paths.
    (
        "version: 1\nfilesystem: {read: [\"~/x\"]}\n",
        &["2:21: error: a path is absolute or starts with a variable; did you mean `${home}/x`"],
    ),
    ("version: 1\nfilesystem: {read: [\"**/.env\"]}\n", &["2:21: error: name rules such as"]),
    ("version: 1\nfilesystem: {read: [/srv/*]}\n", &["2:21: error: patterns are not possible"]),
    ("version: 1\nfilesystem: {read: [/a, /b, /a]}\n", &["2:29: error: `/a` stands here twice"]),
    (
        "version: 1\nfilesystem: {read: [/a], deny: [/a/]}\n",
        &["2:21: error: `/a` is granted here and denied in p.yaml:2:33; at equal length deny wins"],
    ),
    (
        "version: 1\nfilesystem: {read: [/a/.env], deny: [\"**/.env\"]}\n",
        &["2:21: error: `/a/.env` is granted here and denied in p.yaml:2:38; a denied name wins everywhere"],
    ),
    (
        "version: 1\nfilesystem: {read: [/a/b], write: [/a]}\n",
        &["2:21: error: `/a/b` is writable already by `/a` in p.yaml:2:36"],
    ),
    (
        "version: 1\nfilesystem: {read: [\"/x/${env:NOWHERE}\"]}\n",
        &[
            "2:21: error: the variable `NOWHERE` is not set in mcpguard's environment; did you mean `${env:NOWHERE:-default}`",
        ],
    ),
    (
        "version: 1\nfilesystem: {read: [\"/x/${env:EMPTY}/y\"]}\n",
        &["2:21: error: the variable `EMPTY` is not set"],
    ),
    (
        "version: 1\nfilesystem: {read: [\"/x/${env:UP}\"]}\n",
        &["2:21: error: `/x/${env:UP}` is `/x/../up` here, which is not an absolute path"],
    ),
    (
        "version: 1\nfilesystem: {read: [\"${workspace}\"], deny: [/home/u/site]}\n",
        &["2:21: error: `/home/u/site` is granted here and denied in p.yaml:2:45"],
    ),
    (
        "version: 1\naudit: {path: \"${server}/log\"}\n",
        &["2:15: error: one path is wanted here; `${server}/log` is 2"],
    ),
    // Environment.
    ("version: 1\nenvironment: {pass: [A], set: {A: b}}\n", &["2:32: error: `A` stands here twice"]),
    ("version: 1\nenvironment: {secrets: {A: {}}}\n", &["2:28: error: a secret needs a source"]),
    (
        "version: 1\nenvironment: {secrets: {A: {from_env: B, from_file: /c}}}\n",
        &["2:28: error: a secret has one source"],
    ),
    (
        "version: 1\nenvironment: {secrets: {A: {from_keyring: {service: x}}}}\n",
        &["2:43: error: `user` is missing here"],
    ),
    (
        "version: 1\nenvironment: {set: {A: \"${server}\"}}\n",
        &["2:24: error: `${server}` may be several directories"],
    ),
    // Network.
    ("version: 1\nnetwork: {allowed_domains: [\"*\"]}\n", &["2:29: error: `*` would allow every domain"]),
    ("version: 1\nnetwork: {allowed_ports: [443]}\n", &["2:26: error: these ports lead nowhere"]),
    (
        "version: 1\nnetwork: {allowed_cidrs: [10.0.0.0/8], allowed_ports: [0, 65536, 443, 443]}\n",
        &["2:56: error: a port is", "2:59: error: a port is", "2:71: error: `443` stands here twice"],
    ),
    ("version: 1\nnetwork: {max_connections_per_minute: 5}\n", &["2:39: error: this rate limits nothing"]),
    ("version: 1\nexecution: {max_execs_per_minute: 5}\n", &["2:35: error: this rate limits nothing"]),
    (
        "version: 1\nnetwork: {unix_sockets: [/run/x], max_connections_per_minute: 5}\n",
        &["2:63: error: this rate limits nothing: connections to unix sockets are not counted"],
    ),
    (
        "version: 1\nfilesystem: {deny: [/x], max_opens_per_minute: 5}\n",
        &["2:48: error: this rate limits nothing: no file may be opened"],
    ),
    (
        "version: 1\nfilesystem: {read: [/x], max_open_per_minute: 5}\n",
        &[
            "2:26: error: `max_open_per_minute` is not a key that may stand here; did you mean `max_opens_per_minute`",
        ],
    ),
    (
        "version: 1\nnetwork: {max_sent_bytes_per_minute: 1MiB}\n",
        &["2:38: error: this rate limits nothing: the network is closed"],
    ),
    (
        "version: 1\nnetwork: {listen: [0], max_sent_bytes_per_minute: 1000000}\n",
        &[
            "2:51: error: a size is a whole number and one of B, KiB, MiB, GiB, TiB; this is `1000000`; did you mean",
        ],
    ),
    (
        "version: 1\nnetwork: {listen: [0], max_sent_bytes_per_minute: 5GiB}\n",
        &["2:51: error: more than 4GiB a minute cannot be counted to the byte; did you mean `4GiB`"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [{domain: a.example, verfy: name}]}\n",
        &["2:49: error: `verfy` is not a key that may stand here; did you mean `verify`"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [{domain: a.example, verify: address_only}]}\n",
        &["2:57: error: `address_only` is none of name, address-only; did you mean `address-only`"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [{domain: a.example, verify: }]}\n",
        &["2:49: error: `verify` has no value; leave the key out"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [{verify: none, record: [mx], records: [srv, mx, srv]}]}\n",
        &[
            "2:29: error: `domain` is missing here",
            "2:38: error: `none` is none of name, address-only",
            "2:44: error: `record` is not a key that may stand here; did you mean `records`",
            "2:73: error: `mx` is none of srv, txt",
        ],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [{domain: a.example, records: [srv, txt, srv]}]}\n",
        &["2:69: error: `srv` stands here twice; the first is in line 2"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [{domain: a.example, records: []}]}\n",
        &["2:58: error: an empty list could be read"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [a.example, {domain: A.example., verify: address-only}]}\n",
        &[
            "2:29: warning: `a.example` is never checked by name: `a.example` in p.yaml:2:49 lets it through",
            "2:49: error: `a.example` stands here twice; the first is in line 2",
        ],
    ),
    (
        "version: 1\nnetwork: {allowed_cidrs: [{cidr: 10.0.0.0/8, verify: name}]}\n",
        &["2:46: error: `verify` is not a key that may stand here"],
    ),
    (
        "version: 1\ntools: {x: {allowed_domains: [{domain: a.example, verify: Name}]}}\n",
        &["2:59: error: `Name` is none of name, address-only; did you mean `name`"],
    ),
    (
        "version: 1\ntools: {x: {arguments: {u: {type: url, allowed_domains: [{domain: a.example, verify: name}]}}}}\n",
        &["2:78: error: `verify` is not a key that may stand here"],
    ),
    (
        "version: 1\nnetwork: {allowed_cidrs: [10.0.0.0/8], max_lookup_per_minute: 5, max_lookups_per_minute: 5}\n",
        &[
            "2:40: error: `max_lookup_per_minute` is not a key that may stand here; did you mean `max_lookups_per_minute`",
            "2:90: error: this rate limits nothing: no name may be looked up",
        ],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [a.example], max_names_per_minute: 5}\n",
        &["2:63: error: this rate limits nothing: it counts names that no rule spells out"],
    ),
    (
        "version: 1\nnetwork: {listen: [80], max_destinations_per_minute: 5}\n",
        &["2:54: error: this rate limits nothing: the server only listens"],
    ),
    (
        "version: 1\nnetwork: {allowed_domains: [\"*.a.example\"], max_names_per_minute: 0}\n",
        &["2:67: error: a whole number from 1"],
    ),
    (
        "version: 1\ntools: {x: {max_connections_per_call: 5, max_sent_bytes_per_call: 1000}}\n",
        &[
            "2:39: error: this limits nothing: no host may be connected to",
            "2:67: error: a size is a whole number and one of",
        ],
    ),
    (
        "version: 1\ntools: {x: {enabled: false, max_connections_per_call: 5}, y: {allowed_domains: [a.example]}}\n",
        &["2:55: error: `max_connections_per_call` is never reached: the tool is disabled"],
    ),
    // Violations.
    (
        "version: 1\non_violation: {repeated: {count: 5, within_seconds: 9, then: frieze}}\n",
        &["2:62: error: `frieze` is none of freeze, kill; did you mean `freeze`"],
    ),
    (
        "version: 1\non_violation: {repeated: {count: 0, within: 9, then: kill}}\n",
        &[
            "2:26: error: `within_seconds` is missing here",
            "2:34: error: a whole number from 1",
            "2:37: error: `within` is not a key that may stand here; the keys are count, within_seconds, then",
        ],
    ),
    (
        "version: 1\non_violation: {repeted: {count: 1, within_second: 9, then: kill}}\n",
        &["2:16: error: `repeted` is not a key that may stand here; did you mean `repeated`"],
    ),
    (
        "version: 1\non_violation: {repeated: {count: 1, within_second: 9, then: kill}}\n",
        &[
            "2:26: error: `within_seconds` is missing here",
            "2:37: error: `within_second` is not a key that may stand here; did you mean `within_seconds`",
        ],
    ),
    (
        "version: 1\non_violation: {file: kill, network: kill, exec: kill, repeated: {count: 5, within_seconds: 9, then: kill}}\n",
        &["2:65: error: this is never reached: the first denied file"],
    ),
    // Programs.
    (
        "version: 1\nexecution: {allowed_programs: [no-such]}\n",
        &["2:32: error: the program `no-such` is not here: no directory of PATH holds it"],
    ),
    (
        "version: 1\nexecution: {allowed_programs: [git status]}\n",
        &["2:32: error: this is a command line; only the program is named; did you mean `git`"],
    ),
    // Tools.
    (
        "version: 1\ntools: {\"a?_x\": {}, \"?b_x\": {}}\n",
        &["2:21: error: `?b_x` and `a?_x` (p.yaml:2:9) have the same length"],
    ),
    (
        "version: 1\ntools: {\"*a*\": {}, \"a*\": {}}\n",
        &["2:20: error: `a*` is never asked: the longer `*a*` matches"],
    ),
    (
        "version: 1\ntools: {\"*\": {enabled: false}}\n",
        &["2:9: error: what holds for every tool stands under `defaults`"],
    ),
    (
        "version: 1\ntools: {\"a**\": {}}\n",
        &["2:9: error: `a**` says the same as a plainer glob; did you mean `a*`"],
    ),
    ("version: 1\ntools: {\"a b\": {}}\n", &["2:9: error: `a b` is not a tool's name or glob"]),
    (
        "version: 1\ntools: {x: {enabled: false, timeout_seconds: 3}}\n",
        &["2:46: error: `timeout_seconds` is never reached: the tool is disabled"],
    ),
    (
        "version: 1\ntools: {x: {on_rate_limit: throttle}}\n",
        &["2:28: error: `on_rate_limit` has no effect without `max_requests_per_minute`"],
    ),
    (
        "version: 1\nsession: {on_rate_limit: throttle}\n",
        &["2:26: error: `on_rate_limit` has no effect without `max_requests_per_minute`"],
    ),
    (
        "version: 1\ntools: {x: {max_requests_per_minute: 3, on_rate_limit: wait}}\n",
        &["2:56: error: `wait` is none of deny, throttle"],
    ),
    (
        "version: 1\nresponses: {allowed_media_types: [png, Text/plain, \"*/*\", image/*]}\n",
        &[
            "2:35: error: `png` is not a media type in lower case, such as `image/png`",
            "2:40: error: `Text/plain` is not a media type",
            "2:52: error: `*/*` is not a media type",
        ],
    ),
    (
        "version: 1\nresponses: {max_depth: 65}\n",
        &["2:24: error: a whole number from 1 to 64 is wanted here, not `65`"],
    ),
    (
        "version: 1\ntools: {x: {read_only: true}}\n",
        &["2:24: error: `read_only` says how `allowed_paths` are granted"],
    ),
    (
        "version: 1\ntools: {x: {arguments: {p: {type: path}}}}\n",
        &["2:28: error: the type `path` needs `within`"],
    ),
    (
        "version: 1\ntools: {x: {arguments: {p: {type: text, max_length: 9, min: 1}}}}\n",
        &["2:56: error: `min` does not belong to the type `text`"],
    ),
    (
        "version: 1\ntools: {x: {arguments: {p: {type: number, min: 3, max: 1}}}}\n",
        &["2:56: error: `max` is less than `min`"],
    ),
    (
        "version: 1\ntools: {x: {arguments: {p: {type: pattern, pattern: \"a(\"}}}}\n",
        &["2:53: error: this is not a regular expression"],
    ),
    // Across sections: a problem in one does not hide one in another.
    (
        "version: 1\nsession: {max_message_bytes: 0B}\nresponses: {redact: [secret]}\naudit: {keep: 0}\n",
        &[
            "2:30: error: a size",
            "3:22: error: `secret` is none of secrets, personal_data, hidden_instructions, exfiltration, invisible_characters; did",
            "4:15: error: a whole number",
        ],
    ),
    (
        "version: 1\nextends: [nowhere]\nname: \"-x\"\n",
        &[
            "2:11: error: `nowhere` cannot be extended: there is no such preset or file",
            "3:7: error: a policy's name",
        ],
    ),
];

#[test]
fn each_mistake_has_its_place_and_its_sentence() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let found = problems(text);
        let matches = found.len() == expected.len()
            && found
                .iter()
                .zip(*expected)
                .all(|(found, start)| found.starts_with(&format!("p.yaml:{start}")));
        if !matches {
            wrong.push(format!("{text}\nexpected {expected:#?}\nfound {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn deep_nesting_and_long_texts_are_refused() {
    let deep = format!("version: 1\nname: {}\n", "[".repeat(100_000));
    assert!(problems(&deep)[0].contains("nested more than 32 deep"), "{:?}", problems(&deep));
    let block: String = (0..40).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(problems(&block)[0].contains("nested more than 32 deep"), "{:?}", problems(&block));
    let long = format!("version: 1\n#{}\n", "x".repeat(256 * 1024));
    assert!(problems(&long)[0].contains("at most 262144 are read"));
    let many: String = (0..2000).map(|n| format!("/p{n},")).collect();
    let found = problems(&format!("version: 1\nfilesystem: {{read: [{many}]}}\n"));
    assert!(found[0].contains("more than 1024 paths"), "{found:?}");
}

#[test]
fn bytes_that_are_not_utf8_have_a_place() {
    let problems =
        Source::from_bytes("p.yaml", b"version: 1\nname: \xc3\xa4\xff\n".to_vec()).expect_err("bytes");
    assert_eq!(problems.to_string(), "p.yaml:2:8: error: the file is not UTF-8 here");
}

#[test]
fn the_problems_of_extended_files_come_too() {
    let library =
        Texts::default().with("base", "version: 1\nnme: x\n").with("loop", "version: 1\nextends: [loop]\n");
    let text = "version: 1\nextends: [base, loop, base]\nnmae: y\n";
    let found = load(source("p.yaml", text), &library).expect_err("mistakes").to_string();
    let expected = "\
base:2:1: error: `nme` is not a key that may stand here; did you mean `name`?
loop:2:11: error: `extends` goes in a circle: p.yaml → loop → loop
p.yaml:2:23: error: `base` stands here twice; the first is in line 2
p.yaml:3:1: error: `nmae` is not a key that may stand here; did you mean `name`?";
    assert_eq!(found, expected);
}

#[test]
fn extends_ends() {
    let chain = (0..12).fold(Texts::default(), |texts, n| {
        texts.with(&format!("p{n}"), &format!("version: 1\nextends: [p{}]\n", n + 1))
    });
    let found = load(source("p.yaml", "version: 1\nextends: [p0]\n"), &chain).expect_err("deep").to_string();
    assert!(found.contains("nested more than 8 deep"), "{found}");
    // Each level names the next one twice: 2^7 texts without a limit.
    let bomb = (0..8).fold(Texts::default(), |texts, n| {
        let (a, b) = (format!("a{}", n + 1), format!("b{}", n + 1));
        let text = format!("version: 1\nextends: [{a}, {b}]\n");
        texts.with(&format!("a{n}"), &text).with(&format!("b{n}"), &text)
    });
    let found = load(source("p.yaml", "version: 1\nextends: [a0]\n"), &bomb).expect_err("wide").to_string();
    assert!(found.contains("more than 64 texts"), "{found}");
}

#[test]
fn warnings_do_not_stop_a_policy() {
    let text = "\
version: 1
environment:
  pass: [NODE_OPTIONS, LD_PRELOAD]
  set: { API_TOKEN: abc, OTHER_TOKEN: \"${env:REGION}\" }
";
    let policy = read(text).expect("valid");
    let lines: Vec<(u32, Severity)> = policy.warnings().iter().map(|p| (p.origin.line, p.severity)).collect();
    assert_eq!(lines, [(3, Severity::Warning), (3, Severity::Warning), (4, Severity::Warning)]);
}

#[test]
fn problems_are_json_too() {
    let problems = read("version: 1\nnme: x\n").expect_err("mistake");
    let json = serde_json::to_value(&problems).expect("json");
    let expected = serde_json::json!([{
        "source": "p.yaml", "line": 2, "column": 1, "severity": "error",
        "message": "`nme` is not a key that may stand here", "suggestion": "name",
    }]);
    assert_eq!(json, expected);
}
