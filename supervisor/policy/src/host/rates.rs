//! The numbers of a maximum: one entry a key, in which plan and document meet.

use super::document::{Maximum, MaximumExecution, MaximumFilesystem, MaximumNetwork};
use super::rules::HostRule;
use crate::document::At;
use crate::document::numbers::Bytes;
use crate::plan::Ask;

/// Which number of a plan is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Opens,
    Connections,
    SentBytes,
    Lookups,
    Names,
    Destinations,
    Memory,
    Cpus,
    Processes,
    Execs,
    OpenFiles,
    FileSize,
}

impl Number {
    /// What enforces it.
    pub(super) fn ask(self) -> Ask {
        match self {
            Self::Opens => Ask::OpenRate,
            Self::Connections => Ask::ConnectRate,
            Self::SentBytes => Ask::SentBytesRate,
            Self::Lookups => Ask::LookupRate,
            Self::Names => Ask::NameRate,
            Self::Destinations => Ask::DestinationRate,
            Self::Memory => Ask::Memory,
            Self::Cpus => Ask::Cpus,
            Self::Processes => Ask::Processes,
            Self::Execs => Ask::ExecRate,
            Self::OpenFiles => Ask::OpenFiles,
            Self::FileSize => Ask::FileSize,
        }
    }
}

/// A number that a plan's must not exceed.
pub(super) struct Bound {
    pub(super) number: Number,
    pub(super) most: u64,
    pub(super) rule: HostRule,
}

/// Every number that a maximum sets.
pub(super) fn bounds(maximum: &Maximum) -> Vec<Bound> {
    let Maximum { environment: _, filesystem, network, execution } = maximum;
    let mut bounds = Vec::new();
    filesystem.iter().for_each(|at| of_files(&at.value, &mut bounds));
    network.iter().for_each(|at| of_network(&at.value, &mut bounds));
    execution.iter().for_each(|at| of_execution(&at.value, &mut bounds));
    bounds
}

fn of_files(filesystem: &MaximumFilesystem, bounds: &mut Vec<Bound>) {
    let MaximumFilesystem { workspaces: _, read: _, write: _, deny: _, max_opens_per_minute } = filesystem;
    bounds.extend(count("filesystem.max_opens_per_minute", Number::Opens, max_opens_per_minute, |n| n.get()));
}

fn of_network(network: &MaximumNetwork, bounds: &mut Vec<Bound>) {
    let MaximumNetwork {
        allowed_domains: _,
        allowed_ports: _,
        allowed_cidrs: _,
        listen: _,
        unix_sockets: _,
        max_connections_per_minute,
        max_sent_bytes_per_minute,
        max_lookups_per_minute,
        max_names_per_minute,
        max_destinations_per_minute,
    } = network;
    for (key, number, written) in [
        ("network.max_connections_per_minute", Number::Connections, max_connections_per_minute),
        ("network.max_lookups_per_minute", Number::Lookups, max_lookups_per_minute),
        ("network.max_names_per_minute", Number::Names, max_names_per_minute),
        ("network.max_destinations_per_minute", Number::Destinations, max_destinations_per_minute),
    ] {
        bounds.extend(count(key, number, written, |n| n.get()));
    }
    bounds.extend(bytes("network.max_sent_bytes_per_minute", Number::SentBytes, max_sent_bytes_per_minute));
}

fn of_execution(execution: &MaximumExecution, bounds: &mut Vec<Bound>) {
    let MaximumExecution {
        allowed_programs: _,
        memory_limit,
        cpus,
        max_processes,
        max_execs_per_minute,
        max_open_files,
        max_file_size,
        seccomp: _,
    } = execution;
    bounds.extend(bytes("execution.memory_limit", Number::Memory, memory_limit));
    let share = |key: &str, millis: u32| format!("{key}: {millis} thousandths");
    bounds.extend(cpus.as_ref().map(|At { value, origin }| Bound {
        number: Number::Cpus,
        most: u64::from(value.0),
        rule: HostRule {
            text: share("maximum.execution.cpus", value.0),
            origin: origin.clone(),
            reason: None,
        },
    }));
    bounds.extend(count("execution.max_processes", Number::Processes, max_processes, |n| n.get()));
    bounds.extend(count("execution.max_execs_per_minute", Number::Execs, max_execs_per_minute, |n| n.get()));
    bounds.extend(count("execution.max_open_files", Number::OpenFiles, max_open_files, |n| n.get()));
    bounds.extend(bytes("execution.max_file_size", Number::FileSize, max_file_size));
}

fn count<T>(key: &str, number: Number, written: &Option<At<T>>, get: impl Fn(&T) -> u64) -> Option<Bound> {
    let At { value, origin } = written.as_ref()?;
    let most = get(value);
    let rule = HostRule::key(&format!("maximum.{key}"), &most.to_string(), origin);
    Some(Bound { number, most, rule })
}

fn bytes(key: &str, number: Number, written: &Option<At<Bytes>>) -> Option<Bound> {
    let At { value: Bytes(most), origin } = written.as_ref()?;
    let rule = HostRule::key(&format!("maximum.{key}"), &format!("{most} bytes"), origin);
    Some(Bound { number, most: *most, rule })
}
