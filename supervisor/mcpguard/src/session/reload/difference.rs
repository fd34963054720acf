//! What of another policy a running server can be held to, and what not: Landlock, the filter of system calls, environment
//! and log are what they were at the start.
//!
//! Where the new policy allows less, somebody must be there who denies it from now on; else nothing is changed at all. Where
//! it allows more than a layer that cannot be opened any more, that part is told of and holds with the next start.

use enforce::{Beyond, Fixed};
use policy::plan::{LimitsPlan, NetworkPlan, OnViolation, RuleId, SyscallProfile, Variable};
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
    all.extend(calls.then(|| again("execution.syscalls: the filter cannot be made stricter")));
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
    let judged = support.ebpf.network || nameless(&old.plan.network) == nameless(&new.plan.network);
    all.extend((!judged).then(|| {
        "network: whoever judges addresses here keeps the rules of the start (it takes eBPF programs)"
            .to_owned()
    }));
    all
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
    all.extend(looser.then(|| "execution.syscalls: the filter stays as strict as it is".to_owned()));
    all
}
