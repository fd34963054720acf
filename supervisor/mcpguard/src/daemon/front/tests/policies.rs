//! What is compiled, what is refused, and that the host's rules hold whatever a client says.

use std::os::unix::fs::PermissionsExt;

use control::message::{Code, Companions, Link, Open, Program, RealPath, Refusal, Source, Sources, Variable};
use control::{Answer, Request};
use policy::{CgroupSupport, Ebpf};

use super::client::{open, open_with, path};
use super::world::{World, offer};
use crate::daemon::wire::{Offer, Standing};
use crate::policies::shipped;

/// A world under these host rules.
fn under(rules: &str, offer: Offer) -> World {
    let directory = tempfile::tempdir().unwrap();
    for name in ["state", "etc"] {
        std::fs::create_dir(directory.path().join(name)).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory.path().join(name), mode).unwrap();
    }
    let file = directory.path().join("etc/host.yaml");
    std::fs::write(&file, rules).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    World::in_directory(directory, |_| {}, Standing { offer, ..Standing::default() })
}

fn ask(world: &World, open: Open) -> Result<(), Refusal> {
    match world.client().ask(Request::Open(Box::new(open))) {
        Answer::Opened(_) => Ok(()),
        Answer::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn with_texts(texts: &[(&str, &str)], links: &[(&str, &str, &str)]) -> Open {
    let texts = texts.iter().map(|(name, text)| Source { name: (*name).into(), text: (*text).into() });
    let links = links.iter().map(|(from, reference, to)| Link {
        from: (*from).into(),
        reference: (*reference).into(),
        to: (*to).into(),
    });
    Open { policy: Sources::new(texts.collect(), links.collect()).unwrap(), ..open_with("p.yaml", "") }
}

#[test]
fn every_problem_is_told_with_its_place() {
    let world = World::new();
    let refused = ask(&world, open_with("p.yaml", "version: 1\nfilesistem: {}\nnetwork: 3\n")).unwrap_err();
    assert_eq!(refused.code, Code::Policy);
    assert!(
        refused.details.iter().any(|it| it.starts_with("p.yaml:2:1: error: `filesistem`")),
        "{refused:?}"
    );
    assert!(refused.details.iter().any(|it| it.starts_with("p.yaml:3:10: error:")), "{refused:?}");
    assert!(world.log.has("Refused"));
}

#[test]
fn what_a_client_says_of_its_host_is_used() {
    let world = World::new();
    let text = "version: 1\nextends: [runtime/native]\nfilesystem: { write: [\"${env:DATA}/x\"] }\nexecution: { allowed_programs: [tool] }\n";
    let native = shipped("runtime/native").unwrap();
    let mut open = with_texts(
        &[("p.yaml", text), ("runtime/native", native)],
        &[("p.yaml", "runtime/native", "runtime/native")],
    );
    let refused = ask(&world, open.clone()).unwrap_err();
    assert!(refused.details.iter().any(|it| it.contains("`tool` is not in PATH")), "{refused:?}");
    open.environment = vec![Variable { name: "DATA".into(), value: "/srv/data".into() }];
    open.programs = vec![Program { name: "tool".into(), path: path("/opt/tool") }];
    open.companions = vec![Companions { program: path("/opt/tool"), are: vec![path("/opt/interpreter")] }];
    open.real = vec![RealPath { path: path("/srv/data/x"), real: path("/mnt/x") }];
    ask(&world, open).unwrap();
    let paths: Vec<String> =
        world.order().tables.objects.iter().map(|it| it.path.as_path().display().to_string()).collect();
    for there in ["/mnt/x", "/opt/tool", "/opt/interpreter"] {
        assert!(paths.iter().any(|path| path == there), "{there}: {paths:?}");
    }
    assert!(!paths.iter().any(|path| path == "/srv/data/x"), "{paths:?}");
}

#[test]
fn what_is_said_twice_or_holds_dots_is_refused() {
    let world = World::new();
    let variable = || Variable { name: "A".into(), value: "/".into() };
    let program = || Program { name: "a".into(), path: path("/a") };
    let real = || RealPath { path: path("/a"), real: path("/b") };
    let base = || open_with("p.yaml", "version: 1\n");
    for open in [
        Open { environment: vec![variable(), variable()], ..base() },
        Open { programs: vec![program(), program()], ..base() },
        Open { real: vec![real(), real()], ..base() },
        Open { real: vec![RealPath { path: path("/a"), real: path("/a/../etc") }], ..base() },
        Open { programs: vec![Program { name: "a".into(), path: path("/a/..") }], ..base() },
    ] {
        assert_eq!(ask(&world, open.clone()).unwrap_err().code, Code::Policy, "{open:?}");
    }
    let mut open = base();
    open.place.workspace = path("/srv/../etc");
    assert_eq!(ask(&world, open).unwrap_err().code, Code::Policy);
}

#[test]
fn a_preset_must_be_the_shipped_one_and_admitted() {
    let world = under("version: 1\npresets: { allow: [\"runtime/*\"] }\n", offer());
    let node = shipped("runtime/node").unwrap();
    let entry = "version: 1\nextends: [runtime/node]\n";
    let of = |text: &str| {
        let mut texts = vec![("p.yaml", entry), ("runtime/node", text)];
        let mut links = vec![("p.yaml", "runtime/node", "runtime/node")];
        // What the preset extends itself.
        let native = shipped("runtime/native").unwrap();
        if text.contains("runtime/native") {
            texts.push(("runtime/native", native));
            links.push(("runtime/node", "runtime/native", "runtime/native"));
        }
        with_texts(&texts, &links)
    };
    let mut real = of(node);
    real.programs =
        ["node", "npm", "npx", "sh"].map(|it| Program { name: it.into(), path: path("/usr/bin/x") }).into();
    ask(&world, real).unwrap();
    let forged = ask(&world, of("version: 1\nfilesystem: { write: [/] }\n")).unwrap_err();
    assert!(forged.details[0].contains("is not the preset"), "{forged:?}");
    let github = ask(&world, with_texts(&[("github", shipped("github").unwrap())], &[])).unwrap_err();
    assert!(github.sentence.contains("may not be used on this host"), "{github:?}");
}

#[test]
fn the_hosts_rules_hold_whatever_a_client_says() {
    let rules = "version: 1\nmaximum:\n  filesystem: { read: [/usr, /srv], write: [/srv], deny: [/srv/w/keys] }\n  execution: { allowed_programs: [/usr/bin] }\n";
    let world = under(rules, offer());
    ask(&world, open_with("p.yaml", "version: 1\nfilesystem: { read: [/srv/data] }\n")).unwrap();
    let base = |text: &str| open_with("p.yaml", &format!("version: 1\n{text}\n"));
    let mut elsewhere = base("filesystem: { read: [/srv/data] }");
    elsewhere.real = vec![RealPath { path: path("/srv/data"), real: path("/etc") }];
    // Even if the host's own root is said to be there.
    elsewhere.real.push(RealPath { path: path("/srv"), real: path("/etc") });
    let mut program = base("");
    program.implied.programs = vec![path("/tmp/evil")];
    let mut loader = base("");
    loader.implied.loaders = vec![path("/srv/w/keys/id")];
    let mut command = base("");
    command.command.program = path("/tmp/evil");
    for (open, word) in [
        (base("filesystem: { read: [/etc] }"), "`/etc`"),
        (elsewhere, "/srv/data → /etc"),
        (program, "/tmp/evil"),
        (loader, "/srv/w/keys/id"),
        (command, "/tmp/evil"),
    ] {
        let refused = ask(&world, open).unwrap_err();
        assert_eq!(refused.code, Code::HostRules, "{refused:?}");
        assert!(refused.details.iter().any(|it| it.contains(word)), "{word}: {refused:?}");
    }
    // What the host closes is closed where the host says, not where a client says that it is.
    for text in ["filesystem: { read: [/srv] }", "filesystem: { read: [/srv], deny: [/srv/w/keys] }"] {
        let mut moved = base(text);
        moved.real = vec![RealPath { path: path("/srv/w/keys"), real: path("/srv/nothing") }];
        let order = ask(&world, moved).map(|()| world.order()).unwrap();
        let closed = |path: &str| {
            order.tables.objects.iter().any(|it| it.path.as_path().ends_with(path) && it.entry.read == 0)
        };
        assert!(closed("srv/w/keys") && !closed("srv/nothing"), "{:?}", order.tables.objects);
    }
}

#[test]
fn what_the_host_wants_enforced_must_be_enforceable_here() {
    let nothing = Offer::new(
        &Ebpf { hooks_missing: Some("no".into()), network_missing: Some("no".into()), ..Ebpf::default() },
        &CgroupSupport { missing: Some("no".into()), ..CgroupSupport::default() },
    );
    let deny = "version: 1\nfilesystem: { read: [/srv], deny: [/srv/x] }\n";
    for (rules, text, refused) in [
        ("version: 1\nallow_degraded: false\n", deny, true),
        ("version: 1\nallow_degraded: false\n", "version: 1\nfilesystem: { read: [/srv] }\n", false),
        (
            "version: 1\nmaximum: { filesystem: { deny: [/srv/x] } }\n",
            "version: 1\nfilesystem: { read: [/srv] }\n",
            true,
        ),
        ("version: 1\nrequire: [ebpf]\n", "version: 1\n", true),
        ("version: 1\nrequire: [landlock]\n", deny, false),
    ] {
        let there = ask(&under(rules, nothing.clone()), open_with("p.yaml", text));
        let code = there.as_ref().err().map(|it| it.code);
        assert_eq!(code, refused.then_some(Code::NotEnforceable), "{rules}{text}: {there:?}");
        assert_eq!(ask(&under(rules, offer()), open_with("p.yaml", text)), Ok(()), "{rules}{text}");
    }
}

#[test]
fn rules_that_are_not_in_order_refuse_every_session() {
    let world = under("version: 1\nmaximun: {}\n", offer());
    let refused = world.client().refused(open());
    assert_eq!(refused.code, Code::HostRules);
    assert!(refused.details[0].contains("did you mean `maximum`"), "{refused:?}");
}

#[test]
fn limits_are_those_that_the_host_can_hold() {
    let cgroup = CgroupSupport { identity: true, memory: true, ..CgroupSupport::default() };
    let world = under("version: 1\n", Offer::new(&offer().ebpf(), &cgroup));
    let text = "version: 1\nexecution: { memory_limit: 1MiB, max_processes: 9 }\n";
    ask(&world, open_with("p.yaml", text)).unwrap();
    let limits = world.order().limits;
    assert_eq!((limits.memory_bytes, limits.max_processes), (Some(1 << 20), None));
}

#[test]
fn a_workspace_is_where_it_is_written_for_the_hosts_rules() {
    let rules = "version: 1\nmaximum: { filesystem: { workspaces: [/srv], read: [\"${workspace}\"] }, execution: { allowed_programs: [/usr/bin] } }\n";
    let world = under(rules, offer());
    let text = "version: 1\nfilesystem: { read: [\"${workspace}\"] }\n";
    ask(&world, open_with("p.yaml", text)).unwrap();
    let mut lying = open_with("p.yaml", text);
    lying.real = vec![RealPath { path: path("/srv/w"), real: path("/etc") }];
    let refused = ask(&world, lying).unwrap_err();
    assert!(refused.details.iter().any(|it| it.contains("/srv/w → /etc")), "{refused:?}");
    let mut elsewhere = open_with("p.yaml", text);
    elsewhere.place.workspace = path("/etc");
    elsewhere.real = vec![RealPath { path: path("/etc"), real: path("/srv/w") }];
    assert_eq!(ask(&world, elsewhere).unwrap_err().code, Code::HostRules);
}
