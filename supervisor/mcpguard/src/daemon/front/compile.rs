//! From what a client sent to what the keeper is asked for. Pure but for looking at paths; it may take long, and runs on
//! a thread of its own.
//!
//! ```text
//! Open ─ library ─► policy::load ─ told ─► compile ─► HostRules::narrow ─► coverage against the offer ─► encode ─► Compiled
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use control::message::{Code, Open, Refusal};
use enforce::encode::{Implied, RealPaths, Tables, encode};
use enforce::keeper::Limits;
use enforce::{Doors, unreachable};
use nix::unistd::Uid;
use policy::coverage::State;
use policy::host::Caller;
use policy::plan::{AbsolutePath, Numbering, RuleId};
use policy::{HostRules, Plan, Policy, Support, coverage};

use super::library::Texts;
use super::memo::MemoRule;
use super::refusal::{problems, refusal, with_details};
use super::told::{Places, Real, Told, path, paths};
use crate::daemon::wire::Offer;
use crate::host_rules;

/// Everything that is needed.
pub(super) struct Wanted {
    pub(super) open: Open,
    /// The peer's user, as the kernel says.
    pub(super) uid: u32,
    pub(super) rules: Option<Arc<HostRules>>,
    pub(super) offer: Offer,
    /// The numbers of the grant classes that the session has had until now.
    pub(super) numbering: Numbering,
    /// How often the session's policy was changed, with this time.
    pub(super) stamp: u8,
}

/// What came out.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) tables: Tables,
    pub(super) limits: Limits,
    pub(super) doors: Option<Doors>,
    pub(super) unreachable: std::net::SocketAddr,
    /// The policy's name.
    pub(super) policy: String,
    pub(super) revision: String,
    /// The revision of the host's rules.
    pub(super) host_rules: Option<String>,
    pub(super) rules: Vec<MemoRule>,
    pub(super) numbering: Numbering,
    pub(super) stamp: u8,
}

/// Compiles.
///
/// # Errors
/// Everything that is wrong with the policy, or more in it than the host allows or can enforce.
pub(super) fn compile(wanted: Wanted) -> Result<Compiled, Refusal> {
    let Wanted { open, uid, rules, offer, numbering, stamp } = wanted;
    let Open { name: _, policy, place, environment, programs, companions, real, implied, command, doors } =
        open;
    let texts = Texts { sources: &policy, rules: rules.as_deref() };
    let policy = policy::load(texts.policy()?, &texts).map_err(|it| problems(Code::Policy, &it))?;
    let (places, told) = (Places::new(place, environment)?, Told::new(&programs, &companions)?);
    let real = Real::new(&real)?;
    let plan = policy.compile_next(&places.context(&told)?, &numbering);
    let plan = plan.map_err(|it| problems(Code::Policy, &it))?;
    let implied = Implied { programs: paths(&implied.programs)?, loaders: paths(&implied.loaders)? };
    let command = implied.programs.iter().cloned().chain([path(&command.program)?]).collect();
    let support = support(uid, &offer);
    let (plan, closed) = match &rules {
        None => (plan, BTreeSet::new()),
        Some(rules) => {
            let caller = Caller {
                home: host_rules::home(Uid::from_raw(uid)),
                workspace: places.workspace()?,
                command,
                real: &|path| real.of(path),
                host_real: &host_rules::resolved,
                // A place of the client's choice could be one that never answers.
                workspace_real: &AbsolutePath::clone,
            };
            within(rules, &policy, plan, &caller, &implied.loaders, &support)?
        }
    };
    let tables = encode(&plan, &implied, &told_places(&real, &closed));
    let mut tables = tables.map_err(|error| refusal(Code::Policy, error.to_string()))?;
    tables.stamp(stamp.into());
    let doors = doors.map(|doors| Doors { resolver: doors.resolver.get(), proxy: doors.proxy.get() });
    Ok(Compiled {
        tables,
        limits: limits(&plan, &support),
        doors,
        unreachable: unreachable(&plan),
        policy: plan.name.clone(),
        revision: plan.revision.clone(),
        host_rules: rules.map(|rules| rules.revision().to_owned()),
        rules: plan.rules.iter().map(MemoRule::from).collect(),
        numbering: plan.numbering,
        stamp,
    })
}

/// The plan within the host's rules, and the paths that these close. They are what the host says, wherever the client
/// says that they lead.
fn within(
    rules: &HostRules,
    policy: &Policy,
    plan: Plan,
    caller: &Caller<'_>,
    loaders: &[AbsolutePath],
    support: &Support,
) -> Result<(Plan, BTreeSet<AbsolutePath>), Refusal> {
    let of_host = |it| problems(Code::HostRules, &it);
    let narrowed = rules.narrow(policy, plan, caller).map_err(of_host)?;
    rules.admit_loaders(caller, loaders).map_err(of_host)?;
    enforceable(rules, &narrowed.plan, &narrowed.firm, support)?;
    let closed = closed(&narrowed.plan, rules.sources());
    Ok((narrowed.plan, closed))
}

/// The paths that rules in these files close.
fn closed(plan: &Plan, files: &[String]) -> BTreeSet<AbsolutePath> {
    let by_host = |id: &RuleId| plan.rule(*id).is_some_and(|rule| files.contains(&rule.origin.source));
    let closed = plan.files.rules.iter().filter(|rule| rule.read.is_empty());
    closed.filter(|rule| rule.from.iter().any(by_host)).map(|rule| rule.path.clone()).collect()
}

fn told_places(real: &Real, but: &BTreeSet<AbsolutePath>) -> RealPaths {
    let mut places = RealPaths::default();
    for (path, place) in real.iter().filter(|(path, _)| !but.contains(*path)) {
        places.insert(path.clone(), place.clone());
    }
    places
}

/// What this host gives to a session. The layers that the client engages itself are taken for there: whether they are is
/// for the client, which can only take rights away from itself.
fn support(uid: u32, offer: &Offer) -> Support {
    Support {
        kernel: String::new(),
        landlock_abi: u32::MAX,
        seccomp_filter: true,
        seccomp_notify: true,
        seccomp_gate: true,
        server_is_root: uid == 0,
        ebpf: offer.ebpf(),
        cgroup: offer.cgroup(),
    }
}

/// What the host's rules want enforced must be, as far as it is the daemon's to enforce.
fn enforceable(
    rules: &HostRules,
    plan: &Plan,
    firm: &BTreeSet<RuleId>,
    support: &Support,
) -> Result<(), Refusal> {
    let all = rules.forbids_degraded().is_some();
    let entries = coverage(plan, support).entries;
    let open = entries.iter().filter(|entry| all || firm.contains(&entry.rule)).filter_map(|entry| {
        let State::Uncovered { reason, remedy, .. } = &entry.state else { return None };
        let rule = plan.rule(entry.rule)?;
        Some(format!("{}: `{}`: {reason}; what would enforce it: {remedy}", rule.origin, rule.text))
    });
    let open: Vec<String> = open.collect();
    match open.is_empty() {
        true => Ok(()),
        false => {
            let sentence = "this host's rules want enforced what cannot be enforced here";
            Err(with_details(Code::NotEnforceable, sentence, open.into_iter()))
        }
    }
}

/// The limits that a control group holds here; for the others the client has rlimits, or has refused to start.
fn limits(plan: &Plan, support: &Support) -> Limits {
    let cgroup = &support.cgroup;
    let Limits { memory_bytes, cpu_millis, max_processes } = Limits::from(&plan.limits);
    Limits {
        memory_bytes: memory_bytes.filter(|_| cgroup.memory),
        cpu_millis: cpu_millis.filter(|_| cgroup.cpu),
        max_processes: max_processes.filter(|_| cgroup.processes),
    }
}
