//! One session of a layer: its slot in the maps, what it may do, and who belongs to it.

mod adopt;
mod fill;
mod merge;
mod open;
mod paths;
mod revise;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::unistd::Pid;

pub(super) use adopt::adopt;
pub(super) use fill::{Filled, forget_learned, forget_names, scan};
pub use open::SessionError;
pub(super) use open::open;
pub use paths::UnopenedError;
pub(super) use revise::{abandon, commit, forget_old, prepare, settle};

use super::active::ActiveMask;
use super::egress::Names;
use crate::egress::{Doors, Egress};
use crate::encode::{BudgetRule, Tables};
use crate::keeper::Identity;
use crate::ruleset::Skipped;

/// What a session is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// What it may do.
    pub tables: &'a Tables,
    /// The server's process, which `/proc/self` in the tables means. It must exist (the last mile is that process
    /// already); without one, grants under `/proc/self` stay closed.
    pub server: Option<Pid>,
    /// The process whose end denies the session everything. It has no other session of this layer.
    pub supervisor: Pid,
    /// Whose rights its paths are looked for with; `None`: this process's own.
    pub identity: Option<&'a Identity>,
    /// Where its resolver and its proxy listen; without them what leads there is denied.
    pub doors: Option<Doors>,
    /// The session's control group, for the network and as the second identity.
    pub cgroup: Option<Cgroup<'a>>,
}

impl<'a> Opening<'a> {
    /// What it may do.
    pub(super) fn terms(&self) -> Terms<'a> {
        Terms { tables: self.tables, server: self.server, identity: self.identity }
    }
}

/// What a session may do: the part of an [`Opening`] that may be another one while the session runs.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// See [`Opening::tables`].
    pub tables: &'a Tables,
    /// See [`Opening::server`].
    pub server: Option<Pid>,
    /// See [`Opening::identity`].
    pub identity: Option<&'a Identity>,
}

/// A control group of version 2.
#[derive(Clone, Copy, Debug)]
pub struct Cgroup<'a> {
    /// Its directory.
    pub directory: BorrowedFd<'a>,
    /// Its id, as `bpf_get_current_cgroup_id` gives it.
    pub id: u64,
}

/// An open session. The layer keeps what belongs to it until [`super::Layer::close`]; one that is dropped without that
/// stays in force as it is.
#[derive(Debug)]
pub struct Session {
    pub(super) slot: u32,
    /// The word that follows the tool calls. Class 0 holds from the start.
    pub active: ActiveMask,
    /// Grants of what is not there.
    pub skipped: Vec<Skipped>,
    names: Arc<Names>,
}

impl Session {
    /// Its number in the maps and in events.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// What the session's resolver and proxy tell and ask, from any thread.
    pub fn egress(&self) -> Arc<dyn Egress> {
        Arc::clone(&self.names) as Arc<dyn Egress>
    }
}

/// From when on the mark of a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// From its next `execve` on, which is decided already: for the last mile.
    NextExec,
    /// At once: for the canary.
    Armed,
}

impl Mark {
    pub(super) fn state(self) -> u32 {
        match self {
            Self::NextExec => abi::STATE_NEXT_EXEC,
            Self::Armed => abi::STATE_ARMED,
        }
    }
}

/// What the layer holds of a session.
#[derive(Debug, Default)]
pub(in crate::bpf) struct Held {
    pub(super) filled: Filled,
    /// The inodes that are known by address.
    pub(super) files: Vec<OwnedFd>,
    /// The programs on the session's control group.
    pub(super) links: Vec<(String, OwnedFd)>,
    pub(super) names: Option<Arc<Names>>,
    pub(super) cgroup: u64,
    pub(super) supervisor: u32,
    /// How often its policy was changed.
    pub(super) revision: u32,
    /// What would hold next.
    pub(super) next: Option<Next>,
    /// What held before, until it is taken out.
    pub(super) old: Option<Old>,
}

/// A policy that held before.
#[derive(Debug)]
pub(in crate::bpf) struct Old {
    pub(super) filled: Filled,
    pub(super) _files: Vec<OwnedFd>,
}

impl Old {
    /// One that an earlier process has left.
    pub(in crate::bpf) fn found(filled: Filled) -> Option<Self> {
        (!filled.is_nothing()).then(|| Self { filled, _files: Vec::new() })
    }
}

/// A policy that is written down and does not hold.
#[derive(Debug, Default)]
pub(in crate::bpf) struct Next {
    pub(super) filled: Filled,
    pub(super) files: Vec<OwnedFd>,
    pub(super) budgets: Vec<BudgetRule>,
}

impl Held {
    /// The filter over control groups, with this session's.
    pub(super) fn add_scope(&self, scope: &mut [u64; abi::SCOPE_WORDS]) {
        if self.cgroup != 0 {
            let (word, bit) = abi::scope_bit(self.cgroup);
            scope[word] |= bit;
        }
    }

    /// Whether nothing of a session is there.
    pub(super) fn is_nothing(&self) -> bool {
        let stands = |filled: Option<&Filled>| filled.is_some_and(|filled| !filled.is_nothing());
        let other = [self.next.as_ref().map(|next| &next.filled), self.old.as_ref().map(|old| &old.filled)];
        let other = other.into_iter().any(stands);
        self.filled.is_nothing() && self.links.is_empty() && !other
    }
}
