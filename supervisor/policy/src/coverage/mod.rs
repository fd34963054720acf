//! Coverage: for each rule of a plan, the layer that enforces it on this host, or what is missing.

mod files;
mod host;
mod network;
mod process;
mod violations;

use crate::plan::{Ask, OnViolation, Plan, Rule, RuleId};
use crate::support::{Layer, Support};
use host::Host;

/// For each rule of a plan, in the order of [`crate::Plan::rules`], who enforces it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Coverage {
    /// One entry a rule.
    pub entries: Vec<Entry>,
}

/// Who enforces one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The rule.
    pub rule: RuleId,
    /// The answer.
    pub state: State,
}

/// Whether a rule is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// These layers enforce it as written; the note says what a reader should know (`per process, not per tree`).
    Enforced {
        /// The layers.
        by: Vec<Layer>,
        /// What a reader should know.
        note: Option<String>,
    },
    /// No layer enforces it as written. Stops the start unless `--allow-degraded` is given.
    Uncovered {
        /// The weaker thing that still holds, if any (`Landlock grants it for the whole session`).
        floor: Option<String>,
        /// Why it is not enforced here.
        reason: String,
        /// What would enforce it.
        remedy: String,
    },
}

/// Who enforces each rule of a plan on a host.
pub fn coverage(plan: &Plan, support: &Support) -> Coverage {
    let numbered = plan.rules.iter().zip(0..);
    Coverage {
        entries: numbered
            .map(|(rule, id)| Entry { rule: RuleId(id), state: state(rule, RuleId(id), plan, support) })
            .collect(),
    }
}

fn state(rule: &Rule, id: RuleId, plan: &Plan, support: &Support) -> State {
    let host = Host { plan, support };
    match &rule.ask {
        Ask::PathGrant => host.path_grant(id),
        Ask::PathDenyInsideGrant => {
            host.only_hooks("Landlock only allows; it cannot close a path inside an allowed one")
        }
        Ask::NameDeny => {
            host.only_hooks("Landlock knows no names; it cannot close a file by what it is called")
        }
        Ask::PathDenyOutsideGrants => host.default_deny(),
        Ask::OpenRate => host.only_hooks("files are opened without asking the supervisor"),
        Ask::ToolPaths | Ask::ToolPrograms => host.during_a_call(),
        Ask::Programs => host.programs(),
        Ask::ExecRate => host.only_hooks("programs are executed without asking the supervisor"),
        Ask::NoNetwork => host.no_network(),
        Ask::Domain => host.domain(id),
        Ask::ToolDomains => host.tool_domain(id),
        Ask::Cidr => host.range(),
        Ask::Ports => host.ports(),
        Ask::Listen => host.listen(),
        Ask::UnixSocket => host.unix_socket(),
        Ask::ConnectRate => host.connections(),
        Ask::SentBytesRate => host.sent_bytes(),
        Ask::LookupRate | Ask::NameRate => host.resolver(),
        Ask::DestinationRate => host.connections(),
        Ask::CallConnections => host.spent_by_calls(host.connections()),
        Ask::CallSentBytes => host.spent_by_calls(host.sent_bytes()),
        Ask::Memory => host.memory(),
        Ask::Cpus => host.cpus(),
        Ask::Processes => host.processes(),
        Ask::OpenFiles | Ask::FileSize => enforced(&[Layer::Rlimit], None),
        Ask::SyscallProfile => host.seccomp(),
        Ask::Environment => enforced(&[Layer::Spawn], None),
        Ask::Doorman => enforced(&[Layer::Doorman], None),
        Ask::Scope => enforced(&[Layer::Doorman], None),
        Ask::Approval => enforced(&[Layer::Doorman], None),
        Ask::Arguments | Ask::OutputSchema => enforced(&[Layer::Doorman], None),
        Ask::Pins => enforced(&[Layer::Doorman], None),
        Ask::Content => enforced(&[Layer::Doorman], None),
        Ask::Audit | Ask::Alert => enforced(&[Layer::Audit], None),
        Ask::Violation(kind, OnViolation::Kill) => host.kill(*kind),
        Ask::Violation(kind, OnViolation::Deny) => host.deny(*kind),
        Ask::Repeated(then) => host.repeated(*then),
        Ask::Layer(layer) => host.layer(*layer),
    }
}

fn enforced(by: &[Layer], note: Option<&str>) -> State {
    State::Enforced { by: by.to_vec(), note: note.map(str::to_owned) }
}

fn uncovered(floor: Option<String>, reason: impl Into<String>, remedy: impl Into<String>) -> State {
    State::Uncovered { floor, reason: reason.into(), remedy: remedy.into() }
}
