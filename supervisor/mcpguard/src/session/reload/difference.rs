//! What of another policy a running server can be held to, and what not: Landlock, the filter of system calls, environment
//! and log are what they were at the start.
//!
//! Where the new policy allows less, somebody must be there who denies it from now on; else nothing is changed at all. Where
//! it allows more than a layer that cannot be opened any more, that part is told of and holds with the next start.

use enforce::{Beyond, Fixed};
use policy::plan::{
    CallBudget, ClassId, LimitsPlan, NetworkPlan, OnViolation, RuleId, SyscallProfile, Variable,
};
use policy::{Plan, Support};

/// A policy with what a start under it would fix.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) plan: &'a Plan,
    pub(super) fixed: &'a Fixed,
}

/// What holds only with the next start, a sentence each.
///
/// # Errors
/// Why the session must be started again for this policy, a sentence each.
pub(super) fn compare(
    old: Side<'_>,
    new: Side<'_>,
    support: &Support,
    own: bool,
) -> Result<Vec<String>, Vec<String>> {
    let mut closed = sections(old.plan, new.plan);
    closed.extend(narrower(old, new, support));
    closed.extend(kills_senders(old.plan, new.plan, own));
    match closed.is_empty() {
        true => Ok(wider(old, new)),
        false => Err(closed),
    }
}

/// Sections whose every change takes another start.
fn sections(old: &Plan, new: &Plan) -> Vec<String> {
    let again = |what: &str| format!("{what}: it is what it was when the server was started");
    let mut all = environment(&old.environment, &new.environment);
    all.extend((old.audit != new.audit).then(|| again("audit")));
    all.extend((old.pins != new.pins).then(|| again("pins")));
    // Rates of executions and openings are the programs'.
    let held = |plan: &Plan| LimitsPlan {
        max_execs_per_minute: None,
        max_opens_per_minute: None,
        ..plan.limits.clone()
    };
    let limits = held(old) != held(new);
    all.extend(limits.then(|| {
        "execution: limits of a running session are changed by `mcpguard limits`, not by its policy"
            .to_owned()
    }));
    let message = old.session.max_message_bytes != new.session.max_message_bytes;
    all.extend(message.then(|| again("session.max_message_bytes")));
    let calls = (old.syscalls, new.syscalls) == (SyscallProfile::Default, SyscallProfile::Strict);
    all.extend(calls.then(|| again("execution.seccomp: the filter cannot be made stricter")));
    all
}

/// Variables by name: their values may be secrets.
fn environment(old: &[Variable], new: &[Variable]) -> Vec<String> {
    let differs = |one: &[Variable], other: &[Variable]| -> Vec<String> {
        let same =
            |it: &Variable| other.iter().any(|other| (&other.name, &other.source) == (&it.name, &it.source));
        one.iter().filter(|it| !same(it)).map(|it| it.name.clone()).collect()
    };
    let mut names = [differs(old, new), differs(new, old)].concat();
    names.sort();
    names.dedup();
    names
        .iter()
        .map(|name| format!("environment: `{name}` is what it was when the server was started"))
        .collect()
}

/// What nobody would deny that the new policy denies.
fn narrower(old: Side<'_>, new: Side<'_>, support: &Support) -> Vec<String> {
    let mut all = Vec::new();
    if support.ebpf.hooks.is_none() {
        let granted = new.fixed.lacks(old.fixed).into_iter();
        all.extend(granted.filter(|beyond| matches!(beyond, Beyond::Path(_))).map(|beyond| {
            format!("{beyond}: Landlock has granted it to the server, and nothing here takes it back (it takes eBPF programs)")
        }));
    }
    let same = || {
        nameless(&old.plan.network) == nameless(&new.plan.network) && budgets(old.plan) == budgets(new.plan)
    };
    let judged = support.ebpf.network || same();
    all.extend((!judged).then(|| {
        "network: whoever judges addresses and budgets of calls here keeps the rules of the start (it takes eBPF programs)"
            .to_owned()
    }));
    all
}

/// What calls may spend, by their class.
fn budgets(plan: &Plan) -> Vec<(ClassId, Option<u32>, Option<u64>)> {
    let each = |(class, budget): (&ClassId, &CallBudget)| {
        (*class, budget.connections.map(|(count, _)| count), budget.sent_bytes.map(|(bytes, _)| bytes))
    };
    plan.budgets.iter().map(each).collect()
}

/// Without the numbers of its rules, which any other line of the policy changes.
fn nameless(network: &NetworkPlan) -> NetworkPlan {
    const NONE: RuleId = RuleId(0);
    let mut network = network.clone();
    network.domains.iter_mut().for_each(|rule| rule.from = NONE);
    network.cidrs.iter_mut().for_each(|rule| rule.from = NONE);
    network.unix_sockets.iter_mut().for_each(|rule| rule.from = NONE);
    network.any_name = network.any_name.map(|_| NONE);
    network
}

/// The layer of this process itself has no program there where no policy has asked for it.
fn kills_senders(old: &Plan, new: &Plan, own: bool) -> Option<String> {
    let kills = |plan: &Plan| plan.on_violation.network == OnViolation::Kill;
    let lacks = own && kills(new) && !kills(old);
    lacks.then(|| "on_violation.network: kill: the program for it was not loaded at the start".to_owned())
}

/// What stays closed although the new policy opens it.
fn wider(old: Side<'_>, new: Side<'_>) -> Vec<String> {
    let closed = |what: &dyn std::fmt::Display| {
        format!("{what}: opened by the policy; Landlock keeps it closed to the server as long as it runs")
    };
    let mut all: Vec<String> = old.fixed.lacks(new.fixed).iter().map(|beyond| closed(beyond)).collect();
    let (before, now) = (&old.plan.network, &new.plan.network);
    let doors = now.resolves() && !before.resolves();
    all.extend(doors.then(|| {
        "network.allowed_domains: the session was started without a resolver and a proxy, and has none"
            .to_owned()
    }));
    let sockets = !old.fixed.has_the_calls_of(new.fixed) && {
        let wants =
            |plan: &NetworkPlan| [plan.wants_ip(), !plan.unix_sockets.is_empty(), !plan.listen.is_empty()];
        wants(now).into_iter().zip(wants(before)).any(|(now, before)| now && !before)
    };
    all.extend(sockets.then(|| {
        "network: sockets of a new kind; the filter of system calls refuses them to the server as long as it runs".to_owned()
    }));
    let looser = (old.plan.syscalls, new.plan.syscalls) == (SyscallProfile::Strict, SyscallProfile::Default);
    all.extend(looser.then(|| "execution.seccomp: the filter stays as strict as it is".to_owned()));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use enforce::Encloser;
    use policy::plan::AbsolutePath;
    use policy::{Ebpf, HookWay, Library, Programs, Source};

    use super::*;

    struct Nothing;

    impl Library for Nothing {
        fn read(&self, reference: &str, _: &str) -> Result<Source, String> {
            Err(format!("{reference} is not here"))
        }
    }

    impl Programs for Nothing {
        fn find(&self, name: &str) -> Result<AbsolutePath, String> {
            Err(format!("{name} is not here"))
        }
    }

    fn plan(text: &str) -> Plan {
        let source = Source { name: "p.yaml".to_owned(), text: format!("version: 1\nname: p\n{text}") };
        let policy = policy::load(source, &Nothing).expect(text);
        let path = |path: &str| AbsolutePath::new(path).expect("absolute");
        let environment = BTreeMap::new();
        let context = policy::Context {
            workspace: path("/srv/w"),
            home: path("/home/u"),
            config_home: path("/home/u/.config"),
            cache_home: path("/home/u/.cache"),
            runtime_dir: None,
            server: vec![],
            environment: &environment,
            programs: &Nothing,
        };
        policy.compile(&context).expect(text)
    }

    fn support(programs: bool) -> Support {
        let ebpf = Ebpf { hooks: programs.then_some(HookWay::Lsm), network: programs, ..Ebpf::default() };
        Support {
            kernel: String::new(),
            landlock_abi: 6,
            seccomp_filter: true,
            seccomp_notify: true,
            seccomp_gate: true,
            server_is_root: false,
            ebpf,
            cgroup: policy::CgroupSupport::default(),
        }
    }

    fn fixed(plan: &Plan, support: &Support) -> Fixed {
        let command = enforce::Command {
            program: "/bin/true".into(),
            argv: vec!["true".into()],
            environment: vec![],
            directory: "/".into(),
            doors: None,
        };
        enforce::prepare(plan, support, &command, Encloser::Daemon).expect("orders").fixed()
    }

    /// What becomes of a change, with the eBPF programs or without.
    fn between(old: &str, new: &str, programs: bool) -> Result<Vec<String>, Vec<String>> {
        let (support, old, new) = (support(programs), plan(old), plan(new));
        let (fixed_old, fixed_new) = (fixed(&old, &support), fixed(&new, &support));
        compare(
            Side { plan: &old, fixed: &fixed_old },
            Side { plan: &new, fixed: &fixed_new },
            &support,
            true,
        )
    }

    #[test]
    fn less_needs_somebody_who_denies_it() {
        let (wide, narrow) =
            ("filesystem: { read: [/srv, /opt/x] }\n", "filesystem: { read: [/srv/data] }\n");
        assert_eq!(between(wide, narrow, true), Ok(vec![]));
        let refused = between(wide, narrow, false).expect_err("nobody denies it");
        assert!(refused.len() == 2 && refused[0].starts_with("/opt/x: ") && refused[1].starts_with("/srv: "));
        let (ranges, other) = (
            "network: { allowed_cidrs: [10.0.0.0/8, 10.0.0.1/32], allowed_ports: [9] }\n",
            "network: { allowed_cidrs: [10.0.0.1/32], allowed_ports: [9] }\n",
        );
        assert_eq!(between(ranges, other, true), Ok(vec![]));
        assert!(between(ranges, other, false).expect_err("as before")[0].starts_with("network: "));
        let budget = format!("{other}tools: {{ a: {{ max_connections_per_call: 1 }} }}\n");
        assert_eq!(between(other, &budget, true), Ok(vec![]));
        assert!(between(other, &budget, false).expect_err("nobody counts")[0].contains("budgets"));
    }

    #[test]
    fn more_is_told_where_it_was_closed_for_good() {
        let later =
            between("filesystem: { read: [/srv] }\n", "filesystem: { read: [/srv], write: [/opt] }\n", true);
        let later = later.expect("the rest holds");
        assert!(later.len() == 1 && later[0].starts_with("/opt: opened by the policy"), "{later:?}");
        let net = "network: { allowed_domains: [example.org] }\n";
        let later = between("", net, true).expect("the rest holds");
        assert!(later.iter().any(|it| it.contains("without a resolver")), "{later:?}");
        assert!(later.iter().any(|it| it.contains("sockets of a new kind")), "{later:?}");
        assert_eq!(between(net, net, false), Ok(vec![]));
    }

    #[test]
    fn another_line_of_the_policy_is_no_change_of_what_it_does_not_touch() {
        // The numbers of all rules behind it are others.
        let net = "network: { allowed_cidrs: [10.0.0.1/32], allowed_ports: [9] }\n";
        let more = format!("filesystem: {{ read: [/srv] }}\n{net}");
        let old = format!("filesystem: {{ read: [/srv, /srv/a] }}\n{net}");
        assert_eq!(between(&more, &old, false), Ok(vec![]));
        assert_eq!(between("", "tools: { a: { enabled: false } }\n", false), Ok(vec![]));
    }

    #[test]
    fn what_is_fixed_with_the_start_refuses_the_change() {
        for (old, new, what) in [
            ("", "environment: { set: { A: x } }\n", "environment: `A`"),
            ("environment: { set: { A: y } }\n", "environment: { set: { A: x } }\n", "environment: `A`"),
            ("", "audit: { arguments: none }\n", "audit: "),
            ("", "execution: { seccomp: strict }\n", "execution.seccomp"),
            ("", "execution: { memory_limit: 1GiB }\n", "mcpguard limits"),
            ("", "session: { max_message_bytes: 1MiB }\n", "session.max_message_bytes"),
            ("", "on_violation: { network: kill }\n", "on_violation.network"),
        ] {
            let refused = between(old, new, true).expect_err(new);
            assert!(refused.iter().any(|it| it.contains(what)), "{new}: {refused:?}");
        }
        let looser = between("execution: { seccomp: strict }\n", "", true).expect("the rest holds");
        assert!(looser.iter().any(|it| it.contains("stays as strict")), "{looser:?}");
    }
}
