//! The vocabulary: what each side may say, as plain data.
//!
//! ```text
//! client ── Asked { id, Request } ──► daemon
//! client ◄── Told::{Answer { id }, Event, Followed, Closing} ── daemon
//! ```
//! What a client sends is read strictly: an unknown field is an error. Of what the daemon sends, unknown fields are left
//! out, and words that are not known are read as `Unknown`, so that an older client goes on.

mod answer;
mod egress;
mod event;
mod host;
mod kernel;
mod limits;
mod open;
mod prepare;
mod refusal;
mod request;

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

pub use answer::{Acted, Answer, NotActed, NotReloaded, Opened, Reloaded, Sessions, Skipped, Wanted};
pub use egress::{Arrived, Forget, Grant, Learn, MAX_GRANTS};
pub use event::{Actor, Because, Dropped, Event, Filter, Followed, Resources, Revised, Topic};
pub use host::{Hooks, Offered, State, Status, Summary};
pub use kernel::{Action, EventKind, KernelEvent, NetworkPeer, Reason, SeenPath};
pub use limits::{
    Limit, Limits, LimitsOf, MOST_CPU_MILLIS, MOST_MEMORY_BYTES, MOST_PROCESSES, SessionLimits, Used,
};
pub use open::{
    Command, Companions, Doors, Implied, Link, MAX_SOURCES, MAX_SOURCES_BYTES, Open, Place, Program,
    RealPath, Source, Sources, SourcesError, Variable,
};
pub use prepare::{NumberedClass, Prepare, Prepared};
pub use refusal::{Code, Refusal};
pub use request::{End, Release, Request, RequestKind, Resume};

/// The number of a request on its connection: 1, 2, 3 and so on. The client counts, and the daemon takes no other number
/// than the next one. An answer carries the number of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(NonZeroU64);

impl RequestId {
    /// The first request of a connection.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The one after this; `None` after 2⁶⁴ − 1 of them.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

/// What a client sends after its hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) request: Request,
}

/// What the daemon sends after its hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Answer { id: RequestId, answer: Answer },
    Event(Event),
    Followed(Followed),
    Closing(Refusal),
}
