//! What happens after a denial.

use super::host::Host;
use super::{State, enforced, uncovered};
use crate::plan::{Consequence, ViolationKind};
use crate::support::Layer;

impl Host<'_> {
    pub(super) fn kill(&self, kind: ViolationKind) -> State {
        match kind {
            ViolationKind::Tool => enforced(&[Layer::Doorman], None),
            ViolationKind::Syscall if self.support.seccomp_filter && self.support.seccomp_notify => {
                enforced(&[Layer::Seccomp], None)
            }
            ViolationKind::Syscall => uncovered(
                denied(),
                "this kernel does not report refused system calls to the supervisor",
                "a kernel with seccomp user notification (Linux 5.0)",
            ),
            ViolationKind::File | ViolationKind::Network | ViolationKind::Exec if self.hooks() => {
                enforced(&[Layer::Ebpf], None)
            }
            ViolationKind::Network if self.packets() => enforced(&[Layer::Ebpf], Some(ENDS)),
            ViolationKind::Network if self.carries_out() => enforced(&[Layer::Seccomp], Some(ENDS)),
            ViolationKind::File | ViolationKind::Network | ViolationKind::Exec => {
                uncovered(denied(), UNTOLD, self.hooks_remedy())
            }
        }
    }

    pub(super) fn deny(&self, kind: ViolationKind) -> State {
        match kind {
            ViolationKind::File | ViolationKind::Exec => self.default_deny(),
            ViolationKind::Network => self.no_network(),
            ViolationKind::Tool => enforced(&[Layer::Doorman], None),
            ViolationKind::Syscall => self.seccomp(),
        }
    }

    /// Only programs on the hooks see every denial, and only a control group can be frozen: a stopped process could be
    /// woken by one that is not stopped yet.
    pub(super) fn repeated(&self, then: Consequence) -> State {
        match (self.hooks(), then, self.support.cgroup.identity) {
            (false, ..) => uncovered(denied(), UNTOLD, self.hooks_remedy()),
            (true, Consequence::Kill, _) => enforced(&[Layer::Ebpf], None),
            (true, Consequence::Freeze, true) => enforced(&[Layer::Ebpf, Layer::Cgroup], None),
            (true, Consequence::Freeze, false) => {
                uncovered(denied(), "only a control group can be frozen", self.cgroup_remedy())
            }
        }
    }
}

const ENDS: &str = "the connection is denied at once; the session ends when the supervisor has read of it";
const UNTOLD: &str = "Landlock denies without telling the supervisor";

fn denied() -> Option<String> {
    Some("the operation is denied".to_owned())
}
