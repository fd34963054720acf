//! The session's control group: limits of the whole tree, its identity, and the one kill that nothing escapes.
//!
//! ```text
//! mountinfo, /proc/self/cgroup ─► Layout ─ probe ─► Survey
//!                                   │
//! GroupId, LimitsPlan ── create ────┴─► Group ─ join(pid) ─► events, freeze, kill ─ drop ─► removed
//! a supervisor that was killed ───────────────────────────────────────── leftovers ─► killed, removed
//! ```
//! A group is `mcpguard/<pid>-<start time>` of its supervisor, under the root of the hierarchy or under the subtree that
//! was delegated to mcpguard. Where version 2 has no controllers (hybrid hosts) it is one directory in the version 2
//! hierarchy, for identity, freezing and killing, and one in each version 1 hierarchy whose limit is asked for.
//!
//! It never moves a process that the caller does not name, never kills outside of its own groups, never switches a
//! controller off, and sets no limit that the plan does not ask for.
//!
//! The group does not stand below the group of mcpguard itself, whose own limits (a systemd unit's `MemoryMax=`) so do
//! not hold the server, except in a delegated subtree.
//!
//! Source: `Documentation/admin-guide/cgroup-v2.rst`, `Documentation/admin-guide/cgroup-v1/`, `cgroups(7)`.

mod controller;
mod directory;
mod end;
mod error;
mod events;
mod freeze;
mod group;
mod id;
mod layout;
mod leftovers;
mod limits;
mod mounts;
mod probe;
mod seat;
mod settings;
mod support;
#[cfg(test)]
mod tests;
mod usage;

pub use controller::Controller;
pub(crate) use end::kill_listed;
pub use error::GroupError;
pub use events::GroupEvents;
pub use group::Group;
pub use id::{GroupId, NotAnId};
pub(crate) use layout::Layout;
pub use leftovers::{Leftover, leftovers};
pub(crate) use leftovers::{living, standing};
pub use probe::probe;
pub use support::{Availability, Hierarchy, Survey};

/// The directory in each hierarchy under which all groups of mcpguard stand.
const PARENT: &str = "mcpguard";
