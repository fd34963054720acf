//! What the keeper is told of a session, and what it tells: plain data between processes of one build.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use abi::EventKind;
use policy::plan::LimitsPlan;
use serde::{Deserialize, Serialize};

use crate::bpf::Event;
use crate::cgroup::GroupEvents;
use crate::egress::Doors;
use crate::encode::Tables;
use crate::ruleset::Skipped;

/// A session's number, chosen at random: it names the session for its whole life, across restarts of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub u64);

impl std::fmt::Display for Key {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{:016x}", self.0)
    }
}

/// What a session is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number.
    pub key: Key,
    /// What it may do.
    pub tables: Tables,
    /// The limits of its control group.
    pub limits: Limits,
    /// Where its resolver and its proxy listen.
    pub doors: Option<Doors>,
    /// An address that no class of it may reach, for the canary.
    pub unreachable: SocketAddr,
    /// Whatever the asker wants to be told of it after a restart; at most [`Self::MEMO`] bytes.
    pub memo: Vec<u8>,
}

impl Order {
    /// The most bytes of a memo: 1 MiB.
    pub const MEMO: usize = 1 << 20;
}

/// What a control group holds a session to. Absent: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of the whole tree.
    pub memory_bytes: Option<u64>,
    /// Processor share in thousandths of one processor.
    pub cpu_millis: Option<u32>,
    /// Processes and threads at once.
    pub max_processes: Option<u32>,
}

impl From<&LimitsPlan> for Limits {
    fn from(plan: &LimitsPlan) -> Self {
        let &LimitsPlan { memory_bytes, cpu_millis, max_processes, .. } = plan;
        Self { memory_bytes, cpu_millis, max_processes }
    }
}

impl From<Limits> for LimitsPlan {
    fn from(limits: Limits) -> Self {
        let Limits { memory_bytes, cpu_millis, max_processes } = limits;
        Self { memory_bytes, cpu_millis, max_processes, ..Self::default() }
    }
}

/// A session that the keeper holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its number.
    pub key: Key,
    /// Whose it is.
    pub uid: u32,
    /// Its supervisor's process.
    pub supervisor: i32,
    /// Its slot in the kernel's tables.
    pub slot: u32,
    /// The memo of its order.
    pub memo: Vec<u8>,
    /// Whether somebody has stopped it.
    pub frozen: bool,
}

/// A session that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its slot in the kernel's tables.
    pub slot: u32,
    /// Grants of what is not there.
    pub skipped: Vec<Skipped>,
}

/// What a session uses and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of memory, if they are counted.
    pub memory: Option<u64>,
    /// Processor time in microseconds, if it is counted.
    pub cpu_us: Option<u64>,
    /// Processes.
    pub processes: Option<u64>,
    /// The last admitted call: their number.
    pub calls: u64,
    /// Kernel events so far.
    pub denials: u64,
    /// Events that the ring had no room for, by kind.
    pub dropped: BTreeMap<EventKind, u64>,
    /// What its control group's limits have done.
    pub limits: GroupEvents,
}

/// Something that the keeper noticed by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// The kernel denied something. Told again after a restart of either side, until it is acknowledged.
    Event(Key, Event),
    /// The session's supervisor has ended, and with it everything of the session.
    Gone(Key),
    /// The guard was not seen to deny what it must: the session was ended.
    Unproven(Key, String),
    /// A proof of a session that goes on was seen.
    Proven(Key),
}
