//! Paths, names and programs.

use super::host::{Host, kernel_of};
use super::{State, enforced, uncovered};
use crate::plan::{ClassId, PathRule, RuleId};
use crate::support::Layer;

impl Host<'_> {
    /// What no rule grants is closed, by Landlock or by the programs on the hooks.
    pub(super) fn default_deny(&self) -> State {
        match self.hooks() {
            true => self.both(self.abi() >= 1, None),
            false => self.landlock(1, None),
        }
    }

    /// Before ABI 3, Landlock does not see `truncate(2)`, so that a file that may only be read can be emptied.
    pub(super) fn path_grant(&self, id: RuleId) -> State {
        let read_only = |rule: &PathRule| rule.from.contains(&id) && !rule.write.contains(ClassId::ALWAYS);
        match self.abi() {
            1 | 2 if !self.hooks() && self.plan.files.rules.iter().any(read_only) => uncovered(
                Some("Landlock closes it to every other change".to_owned()),
                format!(
                    "Landlock ABI {} does not see truncate(2): what may be read can be emptied",
                    self.abi()
                ),
                format!("{}, or {}", kernel_of(3), self.hooks_remedy()),
            ),
            _ => self.default_deny(),
        }
    }

    /// Paths and programs of a tool.
    pub(super) fn during_a_call(&self) -> State {
        match self.hooks() {
            true => enforced(&[Layer::Ebpf], None),
            false => uncovered(
                (self.abi() >= 1).then(|| "Landlock grants it for the whole session".to_owned()),
                "a Landlock domain cannot follow tool calls: what it grants stays granted",
                self.hooks_remedy(),
            ),
        }
    }

    /// The hooks see what a program maps as code, so that the dynamic loader is no way around them; nobody sees what
    /// an interpreter makes of a text that it reads.
    pub(super) fn programs(&self) -> State {
        let read = "a file that an interpreter loads is not executed, only read";
        let loaded = "a file that the dynamic loader or an interpreter loads is not executed, only read";
        match (self.hooks(), self.abi(), self.support.seccomp_filter) {
            (true, abi, _) => self.both(abi >= 1, Some(read)),
            (false, 0, _) => self.no_landlock(1, None),
            (false, _, true) => enforced(&[Layer::Landlock, Layer::Seccomp], Some(loaded)),
            (false, _, false) => {
                self.seccomp_closes("execution of memory files, which Landlock does not see")
            }
        }
    }
}
