//! How much a record matters, in the words of sinks.

use audit::{Action, Body, Cause, Denial, EndReason, OperationKind};

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// What is expected.
    Info,
    /// What somebody did.
    Notice,
    /// Something was refused or lost.
    Warning,
    /// A session was stopped for what it did, a guard failed, or an alert is to be looked at now.
    Error,
}

impl Severity {
    /// The number that syslog and the journal have for it (RFC 5424, table 2).
    pub(crate) fn syslog(self) -> u8 {
        match self {
            Self::Info => 6,
            Self::Notice => 5,
            Self::Warning => 4,
            Self::Error => 3,
        }
    }
}

/// How much this matters.
pub(crate) fn severity(body: &Body) -> Severity {
    if let Some(denial) = body.denial() {
        return of_denial(denial);
    }
    match body {
        Body::Lost(_) | Body::Recovered(_) | Body::Repaired(_) | Body::Degraded(_) => Severity::Warning,
        Body::SessionEnd(end) => match end.reason {
            EndReason::Violation | EndReason::AuditFailed | EndReason::Failed => Severity::Error,
            _ => Severity::Info,
        },
        Body::Operation(operation) => match operation.operation {
            OperationKind::Quarantine | OperationKind::Refuse => Severity::Warning,
            OperationKind::Open | OperationKind::Resume => Severity::Info,
            _ => Severity::Notice,
        },
        Body::Alert(alert) => match alert.severity {
            audit::Severity::Critical => Severity::Error,
            audit::Severity::Warning => Severity::Warning,
            audit::Severity::Info => Severity::Notice,
        },
        Body::PolicyChanged(_) | Body::Approval(_) | Body::Pins(_) => Severity::Notice,
        // Whether it is more than worth a note is the policy's to say: what it blocks is a denial of its own.
        Body::Findings(_) => Severity::Notice,
        body if body.is_denial() => Severity::Warning,
        _ => Severity::Info,
    }
}

fn of_denial(denial: &Denial) -> Severity {
    let grave = matches!(denial.action, Action::Killed | Action::Frozen)
        || matches!(denial.cause, Cause::Escape | Cause::Proof | Cause::Internal);
    if grave { Severity::Error } else { Severity::Warning }
}

#[cfg(test)]
mod tests {
    use audit::{Actor, Operation, Policy, PolicyChanged};

    use super::*;

    #[test]
    fn another_policy_is_something_that_somebody_did() {
        let policy = Policy { name: "p".to_owned(), revision: "cd".repeat(32), sources: vec![] };
        let (before, coverage, later) = ("ab".repeat(32), vec![], vec![]);
        let changed = Body::PolicyChanged(PolicyChanged { policy, before, coverage, later });
        let (operation, by) = (OperationKind::Revise, Actor::Owner);
        let revised = Body::Operation(Operation { operation, by, uid: None, detail: None });
        assert_eq!([changed, revised].map(|body| severity(&body)), [Severity::Notice; 2]);
    }
}
