//! `on_violation` → what denials lead to.

use std::time::Duration;

use super::Compiler;
use crate::document::At;
use crate::document::sections;
use crate::document::words::Word;
use crate::plan::{Ask, OnViolation, Repeated, ViolationKind, Violations};

impl Compiler<'_> {
    pub(super) fn violations(&mut self, violations: sections::OnViolations) -> Violations {
        let sections::OnViolations { file, network, exec, tool, syscall, repeated } = violations;
        let mut settle = |key: &str, kind, written: Option<At<OnViolation>>| match written {
            Some(At { value: OnViolation::Kill, origin }) => {
                let ask = Ask::Violation(kind, OnViolation::Kill);
                self.ledger.rule(format!("on_violation.{key}: kill"), &origin, None, ask);
                OnViolation::Kill
            }
            // `deny` is what every layer does anyway.
            Some(At { value: OnViolation::Deny, .. }) | None => OnViolation::Deny,
        };
        Violations {
            file: settle("file", ViolationKind::File, file),
            network: settle("network", ViolationKind::Network, network),
            exec: settle("exec", ViolationKind::Exec, exec),
            tool: settle("tool", ViolationKind::Tool, tool),
            syscall: settle("syscall", ViolationKind::Syscall, syscall),
            repeated: repeated.and_then(|at| self.repeated(at)),
        }
    }

    /// All three keys are there: a section that lacks one is not read.
    fn repeated(&mut self, At { value, origin }: At<sections::Repeated>) -> Option<Repeated> {
        let sections::Repeated { count, within_seconds, then } = value;
        let (count, seconds, then) =
            (count?.value.get32(), u64::from(within_seconds?.value.get32()), then?.value);
        let text = format!("on_violation.repeated: {count} within {seconds} s, then {}", then.word());
        self.ledger.rule(text, &origin, None, Ask::Repeated(then));
        Some(Repeated { count, within: Duration::from_secs(seconds), then })
    }
}
