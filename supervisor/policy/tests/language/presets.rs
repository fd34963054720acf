//! Every shipped preset loads without a warning, compiles, and asks for nothing that an unprivileged host cannot
//! keep, apart from what is named here.

use std::path::PathBuf;

use policy::coverage::State;
use policy::plan::{Ask, ClassMask, Records, Verify};
use policy::{Ebpf, Library, Plan, Request, Source, Support, coverage, load};

use crate::host::{context, environment, path};

/// Reads presets where they are kept.
struct Shelf;

fn shelf() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

impl Library for Shelf {
    fn read(&self, reference: &str, _from: &str) -> Result<Source, String> {
        let text =
            std::fs::read(shelf().join(format!("{reference}.yaml"))).map_err(|error| error.to_string())?;
        Source::from_bytes(reference, text).map_err(|problems| problems.to_string())
    }
}

fn names() -> Vec<String> {
    let mut names = Vec::new();
    for directory in ["", "runtime", "install"] {
        let Ok(entries) = std::fs::read_dir(shelf().join(directory)) else { continue };
        for entry in entries {
            let file = entry.expect("entry").file_name().into_string().expect("UTF-8");
            names.extend(file.strip_suffix(".yaml").map(|stem| format!("{directory}/{stem}")));
        }
    }
    names.iter_mut().for_each(|name| *name = name.trim_start_matches('/').to_owned());
    names.sort();
    names
}

fn preset(name: &str) -> Plan {
    let policy =
        load(Shelf.read(name, "").expect(name), &Shelf).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(policy.warnings().is_empty(), "{}", policy.warnings());
    let environment = environment();
    policy.compile(&context(&environment)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_preset_compiles() {
    let names = names();
    for wanted in [
        "everything",
        "fetch",
        "filesystem",
        "git",
        "github",
        "memory",
        "runtime/native",
        "runtime/node",
        "runtime/python",
        "sequential-thinking",
        "time",
    ] {
        assert!(names.iter().any(|name| name == wanted), "{wanted} is missing in {names:?}");
    }
    for name in names {
        let plan = preset(&name);
        assert_eq!(plan.name, name.replace('/', "-"), "the name in the file is the preset's");
        assert!(plan.description.is_some(), "{name} says what it is for");
        let bare = plan.rules.iter().filter(|rule| {
            matches!(rule.ask, Ask::PathGrant | Ask::Domain | Ask::Programs) && rule.origin.line > 0
        });
        for rule in bare {
            assert!(rule.reason.is_some(), "{}: `{}` has no reason", rule.origin, rule.text);
        }
    }
}

fn unrooted() -> Support {
    Support {
        landlock_abi: 7,
        seccomp_filter: true,
        seccomp_notify: true,
        seccomp_gate: false,
        server_is_root: true,
        ..Support::default()
    }
}

#[test]
fn every_preset_is_held_where_somebody_decides_about_addresses() {
    let packets = Ebpf { network: true, ..Ebpf::default() };
    let hosts = [Support { ebpf: packets, ..unrooted() }, Support { seccomp_gate: true, ..unrooted() }];
    for (name, host) in names().iter().flat_map(|name| hosts.iter().map(move |host| (name, host))) {
        let plan = preset(name);
        for entry in coverage(&plan, host).entries {
            let rule = plan.rule(entry.rule).expect("rule");
            assert!(matches!(entry.state, State::Enforced { .. }), "{name}: {} {entry:?}", rule.text);
        }
    }
}

/// What each preset may look up and reach, in full: whoever widens one must say so here.
#[test]
fn presets_reach_what_they_are_known_for() {
    for name in names() {
        let network = preset(&name).network;
        let domains: Vec<String> = network.domains.iter().map(|rule| format!("{rule:?}")).collect();
        match &name[..] {
            "github" => {
                let [rule] = &network.domains[..] else { panic!("{domains:?}") };
                let expected = ("api.github.com", false, Verify::Name, Records::default());
                assert_eq!((&rule.name[..], rule.subdomains_only, rule.verify, rule.records), expected);
                assert_eq!(
                    (&network.ports[..], network.any_name, network.cidrs.len()),
                    (&[443][..], None, 0)
                );
            }
            "fetch" => {
                assert!(domains.is_empty() && network.any_name.is_some() && network.leaves_names_open());
                assert_eq!((&network.ports[..], network.max_names_per_minute), (&[80, 443][..], 120));
            }
            _ => assert!(!network.wants_ip() && !network.resolves(), "{name} {network:?}"),
        }
        assert!(network.listen.is_empty() && network.unix_sockets.is_empty(), "{name}");
    }
}

#[test]
fn without_root_only_hosts_are_uncovered() {
    let host = unrooted();
    for name in names() {
        let plan = preset(&name);
        for entry in coverage(&plan, &host).entries {
            let rule = plan.rule(entry.rule).expect("rule");
            let of_hosts = matches!(rule.ask, Ask::Domain | Ask::Cidr | Ask::Ports | Ask::NameRate);
            assert!(
                of_hosts || matches!(entry.state, State::Enforced { .. }),
                "{name}: {} {:?}",
                rule.text,
                entry
            );
        }
    }
}

#[test]
fn no_preset_opens_what_is_the_user_s() {
    for name in names() {
        let plan = preset(&name);
        for closed in [
            "/home/u/.ssh/id_ed25519",
            "/home/u/.bashrc",
            "/etc/shadow",
            "/etc/ssl/private/server.key",
            "/etc/passwd",
            "/proc/1/environ",
            "/root/x",
        ] {
            assert!(!plan.allows(&Request::Read(path(closed)), ClassMask::ALL), "{name} {closed}");
        }
        for read_only in
            ["/opt/server/node_modules/x.js", "/opt/venv/lib/x.py", "/usr/lib/libc.so.6", "/usr/bin/node"]
        {
            assert!(!plan.allows(&Request::Write(path(read_only)), ClassMask::ALL), "{name} {read_only}");
        }
    }
}

#[test]
fn fetch_reaches_public_addresses_only() {
    let plan = preset("fetch");
    let reaches = |address: &str| {
        plan.allows(&Request::ConnectAddress(address.parse().expect(address), 443), ClassMask::ALWAYS)
    };
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.0.1",
        "192.167.1.1",
        "223.255.255.1",
        "2606:4700::1111",
    ] {
        assert!(reaches(public), "{public}");
    }
    for private in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "ff02::1",
    ] {
        assert!(!reaches(private), "{private}");
    }
}

/// The example of docs/host-rules.md is sound, and what it allows by name is within it.
#[test]
fn the_documented_host_rules_fit_the_presets_that_they_name() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/host-rules.md");
    let document = std::fs::read_to_string(file).expect("the document");
    let example =
        document.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let rules = crate::narrowing::host_rules(&[("host.yaml", example)])
        .unwrap_or_else(|problems| panic!("{problems}"));
    let environment = environment();
    let host =
        policy::Context { server: vec![path("/home/u/servers/node_modules")], ..context(&environment) };
    for name in
        names().iter().filter(|name| ["github", "runtime/node", "runtime/python"].contains(&&name[..]))
    {
        assert_eq!(rules.admit_preset(name), Ok(()), "{name}");
        let policy =
            load(Shelf.read(name, "").expect(name), &Shelf).unwrap_or_else(|problems| panic!("{problems}"));
        let plan = policy.compile(&host).unwrap_or_else(|problems| panic!("{problems}"));
        let narrowed = rules.narrow(&policy, plan, &crate::narrowing::caller());
        let plan = narrowed.unwrap_or_else(|problems| panic!("{name}\n{problems}")).plan;
        assert!(
            !plan.tools.rule_for("delete_file").enabled && plan.limits.max_processes == Some(256),
            "{name}"
        );
    }
    assert!(rules.admit_preset("fetch").is_err());
}
