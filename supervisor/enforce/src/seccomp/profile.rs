//! A profile: for every system call what happens to it. The slow, obvious meaning of the filter.

use std::collections::BTreeMap;

use policy::Plan;
use policy::plan::SyscallProfile;

use super::network::{self, Addresses, Sockets};
use super::verdict::{Action, Decision, EPERM};
use super::{arguments, groups, refused, table};

/// What happens to each call; calls that it does not name are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    decisions: BTreeMap<u32, Decision>,
}

impl Profile {
    /// The profile that a plan asks for.
    pub fn of(plan: &Plan, addresses: Addresses) -> Self {
        Self::new(plan.syscalls, Sockets::of(&plan.network, plan.syscalls, addresses))
    }

    pub(crate) fn new(profile: SyscallProfile, sockets: Sockets) -> Self {
        let mut decisions = BTreeMap::new();
        let mut groups: Vec<_> = groups::ALWAYS.to_vec();
        groups.extend((profile == SyscallProfile::Default).then_some(groups::PROGRAMS));
        groups.extend(sockets.have_peers().then_some(groups::SOCKETS));
        groups.extend((sockets.have_peers() && sockets.listens).then_some(groups::LISTENING));
        groups.extend((sockets.have_peers() || sockets.routes).then_some(groups::NAMES));
        let numbers = table::numbers();
        for number in groups.iter().flat_map(|group| group.calls).filter_map(|name| numbers.get(name)) {
            decisions.insert(*number, Decision::always(Action::Allow));
        }
        for argued in arguments::rules(profile).into_iter().chain(network::rules(sockets)) {
            if let Some(number) = numbers.get(argued.call) {
                decisions.insert(*number, argued.decision);
            }
        }
        Self { decisions }
    }

    /// What the daemon's front needs: sockets of its own and of those who connect, files, threads, and no other program.
    pub(crate) fn of_the_front() -> Self {
        let sockets = Sockets { tcp: true, unix: true, listens: true, ..Sockets::default() };
        let mut profile = Self::new(SyscallProfile::Strict, sockets);
        let numbers = table::numbers();
        if let Some(decision) = numbers.get("socket").and_then(|number| profile.decisions.get_mut(number)) {
            // The journal and syslog are told by datagrams.
            decision.clauses.push(network::unix_datagrams());
        }
        profile
    }

    /// What happens to a call of this architecture's own ABI.
    pub fn decide(&self, number: u32, arguments: &[u64; 6]) -> Action {
        self.decisions.get(&number).map_or(DEFAULT, |decision| decision.decide(arguments))
    }

    /// How many calls run, at least with some arguments.
    pub fn allowed(&self) -> usize {
        let runs = |decision: &&Decision| {
            let runs = |action| matches!(action, Action::Allow | Action::Mediate);
            runs(decision.otherwise) || decision.clauses.iter().any(|clause| runs(clause.then))
        };
        self.decisions.values().filter(runs).count()
    }

    pub(crate) fn decisions(&self) -> &BTreeMap<u32, Decision> {
        &self.decisions
    }
}

/// What happens to a call that no list names.
pub(crate) const DEFAULT: Action = Action::Refuse(EPERM);

/// Why a call is refused, or refused with some arguments; `None` for calls that nothing is known of.
pub fn reason(name: &str) -> Option<&'static str> {
    let grouped = refused::REFUSED.iter().find(|group| group.calls.contains(&name)).map(|group| group.reason);
    grouped.or_else(|| argued_reason(name)).or_else(|| conditional_reason(name))
}

fn argued_reason(name: &str) -> Option<&'static str> {
    let rules =
        arguments::rules(SyscallProfile::Default).into_iter().chain(network::rules(Sockets::default()));
    rules.into_iter().find(|argued| argued.call == name).map(|argued| argued.reason)
}

fn conditional_reason(name: &str) -> Option<&'static str> {
    let among = |group: groups::Group, reason| group.calls.contains(&name).then_some(reason);
    among(groups::PROGRAMS, refused::REFUSED_WHEN_STRICT)
        .or_else(|| among(groups::SOCKETS, refused::REFUSED_WITHOUT_NETWORK))
        .or_else(|| among(groups::LISTENING, refused::REFUSED_WITHOUT_LISTENING))
        .or_else(|| among(groups::NAMES, refused::REFUSED_WITHOUT_NETWORK))
}
