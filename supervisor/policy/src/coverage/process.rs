//! Limits of the process tree.

use super::host::Host;
use super::{State, enforced, uncovered};
use crate::support::Layer;

impl Host<'_> {
    pub(super) fn memory(&self) -> State {
        match self.support.cgroup.memory {
            true => enforced(&[Layer::Cgroup], None),
            false => enforced(&[Layer::Rlimit], Some("per process (RLIMIT_DATA), not per tree")),
        }
    }

    pub(super) fn cpus(&self) -> State {
        match self.support.cgroup.cpu {
            true => enforced(&[Layer::Cgroup], None),
            false => uncovered(
                None,
                "a share of processors cannot be set for single processes",
                self.cgroup_remedy(),
            ),
        }
    }

    /// `RLIMIT_NPROC` does not hold for uid 0 (getrlimit(2)).
    pub(super) fn processes(&self) -> State {
        match (self.support.cgroup.processes, self.support.server_is_root) {
            (true, _) => enforced(&[Layer::Cgroup], None),
            (false, false) => enforced(
                &[Layer::Rlimit],
                Some("all processes of the user count (RLIMIT_NPROC), not the tree's alone"),
            ),
            (false, true) => uncovered(
                None,
                "the server runs as root, for whom RLIMIT_NPROC does not hold",
                self.cgroup_remedy(),
            ),
        }
    }
}
