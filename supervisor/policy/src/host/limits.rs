//! Numbers: the smaller one holds, and where the policy says nothing the host's does.

use super::HostRules;
use super::desk::Desk;
use super::document::Maximum;
use super::rates::{Bound, Number, bounds};
use super::rules::HostRule;
use crate::document::At;
use crate::document::words::Word;
use crate::plan::{Ask, LimitsPlan, NetworkPlan, SyscallProfile};

impl Desk<'_> {
    /// Bounds every number of a plan.
    pub(super) fn limits(&mut self, maximum: &Maximum, limits: &mut LimitsPlan, network: &mut NetworkPlan) {
        for Bound { number, most, rule } in bounds(maximum) {
            // A rate of what cannot happen asks a layer for nothing.
            if !matters(number, network) {
                continue;
            }
            let now = read(number, limits, network);
            let written = self.find(|rule| rule.ask == number.ask());
            match (now.filter(|now| *now <= most), written) {
                (Some(_), _) => {
                    // The policy's own is stricter; the host's stays asked for, so that the policy's absence opens nothing.
                    self.add(&rule, number.ask());
                }
                (None, Some(id)) => {
                    write(number, most, limits, network);
                    self.replace(id, &rule);
                }
                (None, None) => {
                    write(number, most, limits, network);
                    self.set(&rule, number.ask());
                }
            }
        }
    }

    /// The stricter profile where the policy is silent; a policy that asks for the other one is refused.
    pub(super) fn syscalls(&mut self, maximum: &Maximum, profile: &mut SyscallProfile) {
        let written = maximum.execution.as_ref().and_then(|at| at.value.seccomp.as_ref());
        let Some(At { value: SyscallProfile::Strict, origin }) = written else { return };
        let host = HostRule::key("maximum.execution.seccomp", SyscallProfile::Strict.word(), origin);
        let id = self.find(|rule| rule.ask == Ask::SyscallProfile);
        let own = id.map(|id| self.rule(id));
        match (*profile, id, own) {
            (SyscallProfile::Default, Some(_), Some(rule)) if rule.origin.line > 0 => {
                self.closed(&rule, "this profile", &host);
            }
            (SyscallProfile::Default, Some(id), _) => {
                *profile = SyscallProfile::Strict;
                self.replace(id, &host);
            }
            (SyscallProfile::Default, None, _) => {
                *profile = SyscallProfile::Strict;
                self.set(&host, Ask::SyscallProfile);
            }
            (SyscallProfile::Strict, ..) => {
                self.add(&host, Ask::SyscallProfile);
            }
        }
    }
}

impl HostRules {
    /// The smallest numbers of memory, processes and processors that any file sets, each with its rule.
    pub(crate) fn group_bounds(&self) -> [Option<(u64, HostRule)>; 3] {
        let maxima = self.files.iter().filter_map(|file| file.maximum.as_ref());
        let all: Vec<Bound> = maxima.flat_map(|at| bounds(&at.value)).collect();
        [Number::Memory, Number::Processes, Number::Cpus].map(|number| {
            let own = all.iter().filter(|bound| bound.number == number);
            own.min_by_key(|bound| bound.most).map(|bound| (bound.most, bound.rule.clone()))
        })
    }
}

/// Whether the number counts anything in this plan.
fn matters(number: Number, network: &NetworkPlan) -> bool {
    let reaches = !network.domains.is_empty() || !network.cidrs.is_empty();
    match number {
        Number::Connections | Number::Destinations => reaches,
        Number::SentBytes => network.wants_ip(),
        Number::Lookups => network.resolves(),
        Number::Names => network.leaves_names_open(),
        Number::Opens
        | Number::Memory
        | Number::Cpus
        | Number::Processes
        | Number::Execs
        | Number::OpenFiles
        | Number::FileSize => true,
    }
}

fn read(number: Number, limits: &LimitsPlan, network: &NetworkPlan) -> Option<u64> {
    match number {
        Number::Opens => limits.max_opens_per_minute.map(u64::from),
        Number::Connections => network.max_connections_per_minute.map(u64::from),
        Number::SentBytes => network.max_sent_bytes_per_minute,
        Number::Lookups => network.max_lookups_per_minute.map(u64::from),
        Number::Names => Some(network.max_names_per_minute.into()),
        Number::Destinations => network.max_destinations_per_minute.map(u64::from),
        Number::Memory => limits.memory_bytes,
        Number::Cpus => limits.cpu_millis.map(u64::from),
        Number::Processes => limits.max_processes.map(u64::from),
        Number::Execs => limits.max_execs_per_minute.map(u64::from),
        Number::OpenFiles => limits.max_open_files,
        Number::FileSize => limits.max_file_bytes,
    }
}

fn write(number: Number, most: u64, limits: &mut LimitsPlan, network: &mut NetworkPlan) {
    // The document's own types are no wider than the plan's.
    let small = u32::try_from(most).unwrap_or(u32::MAX);
    match number {
        Number::Opens => limits.max_opens_per_minute = Some(small),
        Number::Connections => network.max_connections_per_minute = Some(small),
        Number::SentBytes => network.max_sent_bytes_per_minute = Some(most),
        Number::Lookups => network.max_lookups_per_minute = Some(small),
        Number::Names => network.max_names_per_minute = small,
        Number::Destinations => network.max_destinations_per_minute = Some(small),
        Number::Memory => limits.memory_bytes = Some(most),
        Number::Cpus => limits.cpu_millis = Some(small),
        Number::Processes => limits.max_processes = Some(small),
        Number::Execs => limits.max_execs_per_minute = Some(small),
        Number::OpenFiles => limits.max_open_files = Some(most),
        Number::FileSize => limits.max_file_bytes = Some(most),
    }
}
