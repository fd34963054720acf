//! One session of the host's.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::unistd::Pid;

use crate::bpf::Session;
use crate::cgroup::Group;
use crate::enclosure::Proof;

/// One session of the host's.
pub(super) struct Hosted {
    /// The layer that it is in.
    pub(super) generation: String,
    pub(super) session: Session,
    pub(super) group: Option<Group>,
    pub(super) uid: u32,
    pub(super) supervisor: Pid,
    /// Readable when the supervisor has ended.
    pub(super) handle: OwnedFd,
    pub(super) stage: Stage,
    pub(super) proof: Option<Proof>,
    /// The next proof, or the next look at the one that is running.
    pub(super) due: Instant,
    /// So many canaries in a row were not heard because the ring was full.
    pub(super) unheard: u32,
    pub(super) unreachable: SocketAddr,
    pub(super) memo: Vec<u8>,
    pub(super) learned: BTreeSet<IpAddr>,
    /// What belongs to the policy that is prepared.
    pub(super) next: Option<Next>,
    /// The end of the ring when its last process was seen to be gone, and when that was: no event of it is written behind.
    pub(super) last_event: Option<(u64, Instant)>,
}

/// What a session has with the policy that is prepared for it.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) unreachable: SocketAddr,
    pub(super) memo: Vec<u8>,
    pub(super) learned: BTreeSet<IpAddr>,
}

impl Hosted {
    /// The group, to be taken away by its drop.
    pub(super) fn take_group(&mut self) -> Option<Group> {
        self.group.take()
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its first proof is on its way.
    Opening,
    /// It is guarded, and was seen to be.
    Open,
    /// Its processes were killed; it is taken away when the last one is gone.
    Ending,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        // Whoever ends the session takes the group away before. A keeper that goes leaves it as it is, for the next one.
        if let Some(group) = self.group.take() {
            group.leave();
        }
    }
}
