//! The plan: orders for one host, plain data, printable. Made from a `Policy` and a `Context`; decides nothing more.

mod access;
mod alerts;
mod arguments;
mod audit;
mod classes;
mod content;
mod environment;
mod execution;
mod files;
mod network;
mod numbering;
mod pins;
mod responses;
mod rules;
mod tools;
mod violations;

pub use access::{AccessPlan, AccessRule, Accesses};
pub use alerts::{
    AlertEvent, AlertField, AlertGroup, AlertOutcome, AlertPack, AlertRule, AlertSeverity, AlertSubject,
    AlertTargets, AlertWhen, AlertsPlan, Webhook,
};
pub use arguments::{ArgumentKind, ArgumentRule, Finite};
pub use audit::{ArgumentDetail, AuditFailure, AuditPlan};
pub use classes::{CallBudget, ClassId, ClassMask, MAX_CLASSES};
pub use content::{AllowedFinding, ContentPlan, Treatment, Treatments};
pub use environment::{SecretSource, ValueSource, Variable};
pub use execution::{LimitsPlan, SyscallProfile};
pub use files::{AbsolutePath, FilesPlan, NamePattern, NameRule, PathRule};
pub use network::{
    CidrRule, DomainRule, NAMES_PER_MINUTE, NetworkPlan, Records, Speech, UnixSocketRule, Verify,
};
pub use numbering::Numbering;
pub use pins::{FirstUse, OnChange, PinsPlan};
pub use responses::{LinksPlan, ResponsesPlan};
pub use rules::{Ask, Origin, Rule, RuleId};
pub use tools::{Approval, ApprovalsPlan, Roles, SchemaCheck, SessionPlan, ToolRule, ToolsPlan};
pub use violations::{Consequence, OnViolation, Repeated, ViolationKind, Violations};

use std::collections::BTreeMap;

use crate::support::Layer;

/// Orders for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The policy's name.
    pub name: String,
    /// The policy's description.
    pub description: Option<String>,
    /// SHA-256 in hex over every source text in the order of merging; names the policy's revision in each record.
    pub revision: String,
    /// Every rule, by `RuleId`.
    pub rules: Vec<Rule>,
    /// For each class, the tool keys that activate it; entry 0 is empty, and so is that of a number that another policy of the
    /// session has used.
    pub classes: Vec<Vec<String>>,
    /// The numbers of its classes, with those that earlier policies of the session have used.
    pub numbering: Numbering,
    /// What one call may spend, by its class; no entry for a class without a budget.
    pub budgets: BTreeMap<ClassId, CallBudget>,
    /// The server's whole environment.
    pub environment: Vec<Variable>,
    /// Files.
    pub files: FilesPlan,
    /// Network.
    pub network: NetworkPlan,
    /// Limits.
    pub limits: LimitsPlan,
    /// System calls.
    pub syscalls: SyscallProfile,
    /// Tools.
    pub tools: ToolsPlan,
    /// Prompts and resources.
    pub access: AccessPlan,
    /// Approvals.
    pub approvals: ApprovalsPlan,
    /// Session-wide rules of the doorman.
    pub session: SessionPlan,
    /// Answers.
    pub responses: ResponsesPlan,
    /// Texts.
    pub content: ContentPlan,
    /// What the server was when somebody looked at it.
    pub pins: Option<PinsPlan>,
    /// Audit.
    pub audit: AuditPlan,
    /// Of what somebody is told.
    pub alerts: AlertsPlan,
    /// What a violation leads to.
    pub on_violation: Violations,
    /// Layers that must enforce, or nothing starts.
    pub require: Vec<Layer>,
}

impl Plan {
    /// The rule with this number.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(id.0 as usize)
    }
}
