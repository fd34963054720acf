//! What the control groups of sessions are held to, and use.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::NotActed;
use crate::bounded;
use crate::name::SessionId;
use crate::selector::Selector;

/// The most bytes of memory that may be asked for: 4 EiB, as in a policy.
pub const MOST_MEMORY_BYTES: u64 = 1 << 62;
/// The most processes and threads that may be asked for, as in a policy.
pub const MOST_PROCESSES: u32 = 4_194_304;
/// The most thousandths of a processor that may be asked for, as in a policy.
pub const MOST_CPU_MILLIS: u32 = 1_024_000;

/// Which sessions are meant, and what they are held to from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// These.
    pub sessions: Selector,
    /// Each limit that is there is set; without any, nothing is changed, and what holds is told.
    #[serde(default, skip_serializing_if = "Limits::is_empty", deserialize_with = "strict")]
    pub to: Limits,
}

/// What a control group is held to. Absent: no limit, or none is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of the whole tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processes and threads at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_processes: Option<u32>,
    /// A share of processors, in thousandths of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u32>,
}

impl Limits {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each by its name in the protocol.
    pub fn each(&self) -> [(&'static str, Option<u64>); 3] {
        let Self { memory_bytes, max_processes, cpu_millis } = *self;
        [
            ("memory_bytes", memory_bytes),
            ("max_processes", max_processes.map(u64::from)),
            ("cpu_millis", cpu_millis.map(u64::from)),
        ]
    }
}

/// Limits as a client may ask for them: no other field, and no number that a policy could not have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default, deserialize_with = "bounded::number::<_, _, 1, MOST_MEMORY_BYTES>")]
    memory_bytes: Option<u64>,
    #[serde(default, deserialize_with = "bounded::number::<_, _, 1, { MOST_PROCESSES as u64 }>")]
    max_processes: Option<u32>,
    #[serde(default, deserialize_with = "bounded::number::<_, _, 1, { MOST_CPU_MILLIS as u64 }>")]
    cpu_millis: Option<u32>,
}

fn strict<'de, D: Deserializer<'de>>(from: D) -> Result<Limits, D::Error> {
    let Wanted { memory_bytes, max_processes, cpu_millis } = Wanted::deserialize(from)?;
    let limits = Limits { memory_bytes, max_processes, cpu_millis };
    // Whoever wants to see them only says nothing.
    if limits.is_empty() { Err(D::Error::custom("`to` names no limit; leave it out")) } else { Ok(limits) }
}

/// The limits of sessions, or of a part of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsOf {
    /// What holds now.
    pub sessions: Vec<SessionLimits>,
    /// Sessions whose limits were not set, or cannot be told.
    pub failed: Vec<NotActed>,
    /// More come in another answer to the same request.
    pub more: bool,
}

/// The limits of one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimits {
    /// The session.
    pub session: SessionId,
    /// What its control group is held to.
    pub limits: Limits,
    /// What of it is used.
    pub used: Used,
}

/// What a control group uses. Absent where the host does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// The share of processors in the last seconds, in thousandths of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u64>,
}
