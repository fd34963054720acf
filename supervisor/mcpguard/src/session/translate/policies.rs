//! What holds in a session: its first record, and what is written down when another policy holds.

use audit::{
    Body, CoverageEntry, CoverageState, Degraded, Hooks, Kernel, Layer, Policy, PolicyChanged, SessionStart,
};
use policy::coverage::{Entry, State};
use policy::plan::Rule;

use super::{process, rule_ref};
use crate::compose::{Composed, Uncovered};

/// The first record.
pub(in crate::session) fn session_start(composed: &Composed, unredacted: &[String]) -> SessionStart {
    let Composed { command, host, support, caller, .. } = composed;
    let policy::Support {
        kernel,
        landlock_abi,
        seccomp_filter,
        seccomp_notify,
        seccomp_gate: _,
        server_is_root,
        ebpf,
        cgroup,
    } = support.clone();
    SessionStart {
        mcpguard: env!("CARGO_PKG_VERSION").to_owned(),
        policy: policy(composed),
        command: command
            .iter()
            .flat_map(|command| &command.argv)
            .map(|word| word.to_string_lossy().into())
            .collect(),
        workspace: host.workspace().to_string_lossy().into_owned(),
        uid: nix::unistd::geteuid().as_raw(),
        pid: std::process::id(),
        client: Some(process(nix::unistd::getppid().as_raw())),
        scopes: caller.scopes.iter().cloned().collect(),
        kernel: Kernel {
            release: kernel,
            landlock_abi,
            seccomp_filter,
            seccomp_notify,
            ebpf: ebpf.hooks.map(hooks),
            ebpf_network: ebpf.network,
            cgroup: cgroup.identity,
            cgroup_limits: limits(&cgroup),
            server_is_root,
        },
        coverage: coverage(composed),
        degraded: composed.uncovered().map(|open| open.rule.text.clone()).collect(),
        unredacted: unredacted.to_vec(),
    }
}

/// Another policy holds.
pub(in crate::session) fn policy_changed(composed: &Composed, before: &str, later: &[String]) -> Body {
    Body::PolicyChanged(PolicyChanged {
        policy: policy(composed),
        before: before.to_owned(),
        coverage: coverage(composed),
        later: later.to_vec(),
    })
}

fn policy(composed: &Composed) -> Policy {
    let policy::Plan { name, revision, .. } = &composed.plan;
    Policy { name: name.clone(), revision: revision.clone(), sources: vec![composed.source.clone()] }
}

fn coverage(composed: &Composed) -> Vec<CoverageEntry> {
    let entries = composed.coverage.entries.iter();
    entries.filter_map(|entry| Some(covered(composed.plan.rule(entry.rule)?, entry))).collect()
}

fn hooks(way: policy::HookWay) -> Hooks {
    match way {
        policy::HookWay::Lsm => Hooks::Lsm,
        policy::HookWay::FmodRet => Hooks::FmodRet,
    }
}

fn limits(cgroup: &policy::CgroupSupport) -> Vec<String> {
    let policy::CgroupSupport { identity: _, memory, cpu, processes, missing: _ } = cgroup;
    let all = [(memory, "memory"), (cpu, "cpu"), (processes, "processes")];
    all.into_iter().filter(|(limited, _)| **limited).map(|(_, name)| name.to_owned()).collect()
}

/// A rule that is not enforced in this session.
pub(in crate::session) fn degraded(open: &Uncovered<'_>) -> Degraded {
    Degraded {
        rule: rule_ref(open.rule),
        reason: open.reason.to_owned(),
        remedy: open.remedy.to_owned(),
        floor: open.floor.map(str::to_owned),
    }
}

fn covered(rule: &Rule, entry: &Entry) -> CoverageEntry {
    let (state, by, note) = match &entry.state {
        State::Enforced { by, note } => {
            (CoverageState::Enforced, by.iter().copied().map(layer).collect(), note)
        }
        State::Uncovered { floor, .. } => (CoverageState::Uncovered, Vec::new(), floor),
    };
    CoverageEntry { rule: rule_ref(rule), state, by, note: note.clone() }
}

fn layer(layer: policy::Layer) -> Layer {
    match layer {
        policy::Layer::Landlock => Layer::Landlock,
        policy::Layer::Seccomp => Layer::Seccomp,
        policy::Layer::Rlimit => Layer::Rlimit,
        policy::Layer::Spawn => Layer::Spawn,
        policy::Layer::Doorman => Layer::Doorman,
        policy::Layer::Audit => Layer::Audit,
        policy::Layer::Ebpf => Layer::Ebpf,
        policy::Layer::Cgroup => Layer::Cgroup,
        policy::Layer::Resolver => Layer::Resolver,
    }
}
