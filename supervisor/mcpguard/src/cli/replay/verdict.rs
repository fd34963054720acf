//! What happened then, what would happen now, and whether that is a difference.

use audit::{Cause, RuleRef};

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It went through.
    Allowed,
    /// It went through when so many had approved it.
    Approved(u8),
    /// It did not go through.
    Denied(Cause),
}

/// What the policy says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) now: Now,
    /// The rule, if one says it.
    pub(super) rule: Option<RuleRef>,
    /// What a reader needs beside the rule; empty if nothing.
    pub(super) why: String,
}

/// See [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// It would go through.
    Allowed,
    /// It would not.
    Denied(Cause),
    /// So many would have to approve it.
    Waits(u8),
    /// The log does not hold what the policy asks for.
    Unknown,
}

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// It was allowed, and would be denied.
    Denied,
    /// It would wait for an approval; it was allowed at once.
    Waits,
    /// It would wait for an approval; it was denied.
    MayPass,
    /// It was denied, and would be allowed.
    Allowed,
    /// It cannot be told.
    Unknown,
    /// Nothing.
    None,
}

impl Verdict {
    pub(super) fn allowed() -> Self {
        Self { now: Now::Allowed, rule: None, why: String::new() }
    }

    pub(super) fn denied(cause: Cause, rule: Option<RuleRef>) -> Self {
        Self { now: Now::Denied(cause), rule, why: String::new() }
    }

    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self { now: Now::Unknown, rule: None, why: why.into() }
    }

    /// With the rule that asks for what is not known, or that allows.
    pub(super) fn by(self, rule: Option<RuleRef>) -> Self {
        Self { rule, ..self }
    }

    /// With a sentence.
    pub(super) fn because(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// It was allowed, and is not any more, or not at once.
    pub(super) fn narrows(&self, then: Then) -> bool {
        matches!(self.change(then), Change::Denied | Change::Waits)
    }

    /// What changes against what was recorded.
    pub(super) fn change(&self, then: Then) -> Change {
        match (then, self.now) {
            (_, Now::Unknown) => Change::Unknown,
            (Then::Allowed | Then::Approved(_), Now::Denied(_)) => Change::Denied,
            (Then::Approved(before), Now::Waits(wanted)) if wanted <= before => Change::None,
            (Then::Denied(Cause::Approval), Now::Waits(_)) => Change::None,
            (Then::Allowed | Then::Approved(_), Now::Waits(_)) => Change::Waits,
            (Then::Denied(_), Now::Waits(_)) => Change::MayPass,
            (Then::Denied(_), Now::Allowed) => Change::Allowed,
            (Then::Allowed | Then::Approved(_), Now::Allowed) | (Then::Denied(_), Now::Denied(_)) => {
                Change::None
            }
        }
    }
}
