//! The one place where facts become records.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::{
    Action, Body, Cause, CoverageEntry, CoverageState, Degraded, Denial, Detail, Handshake, Hooks, Kernel,
    Layer, Lost, LostKind, Noise, Outcome, Policy, PolicyChanged, Process, Redactor, RuleRef, SessionStart,
    Stream, ToolCall, ToolResult, Verdict,
};
use enforce::SyscallDenial;
use mcp::{CallInFlight, Fact, FrameError, MessageFault, Refusal, Replacement, Side};
use policy::coverage::{Entry, State};
use policy::plan::{ClassMask, Rule, RuleId};

use crate::compose::{Composed, Uncovered};

/// Turns facts into records.
pub(crate) struct Translator {
    rules: Vec<Rule>,
    redactor: Arc<Redactor>,
    detail: Detail,
    /// Request bytes of the calls in flight, by their number.
    request_bytes: BTreeMap<u64, u64>,
}

/// The first record.
pub(super) fn session_start(composed: &Composed, unredacted: &[String]) -> SessionStart {
    let Composed { command, host, support, caller, .. } = composed;
    let policy::Support {
        kernel,
        landlock_abi,
        seccomp_filter,
        seccomp_notify,
        seccomp_gate: _,
        server_is_root,
        ebpf,
        cgroup,
    } = support.clone();
    SessionStart {
        mcpguard: env!("CARGO_PKG_VERSION").to_owned(),
        policy: policy(composed),
        command: command
            .iter()
            .flat_map(|command| &command.argv)
            .map(|word| word.to_string_lossy().into())
            .collect(),
        workspace: host.workspace().to_string_lossy().into_owned(),
        uid: nix::unistd::geteuid().as_raw(),
        pid: std::process::id(),
        client: Some(process(nix::unistd::getppid().as_raw())),
        scopes: caller.scopes.iter().cloned().collect(),
        kernel: Kernel {
            release: kernel,
            landlock_abi,
            seccomp_filter,
            seccomp_notify,
            ebpf: ebpf.hooks.map(hooks),
            ebpf_network: ebpf.network,
            cgroup: cgroup.identity,
            cgroup_limits: limits(&cgroup),
            server_is_root,
        },
        coverage: coverage(composed),
        degraded: composed.uncovered().map(|open| open.rule.text.clone()).collect(),
        unredacted: unredacted.to_vec(),
    }
}

/// Another policy holds.
pub(super) fn policy_changed(composed: &Composed, before: &str, later: &[String]) -> Body {
    Body::PolicyChanged(PolicyChanged {
        policy: policy(composed),
        before: before.to_owned(),
        coverage: coverage(composed),
        later: later.to_vec(),
    })
}

fn policy(composed: &Composed) -> Policy {
    let policy::Plan { name, revision, .. } = &composed.plan;
    Policy { name: name.clone(), revision: revision.clone(), sources: vec![composed.source.clone()] }
}

fn coverage(composed: &Composed) -> Vec<CoverageEntry> {
    let entries = composed.coverage.entries.iter();
    entries.filter_map(|entry| Some(covered(composed.plan.rule(entry.rule)?, entry))).collect()
}

fn hooks(way: policy::HookWay) -> Hooks {
    match way {
        policy::HookWay::Lsm => Hooks::Lsm,
        policy::HookWay::FmodRet => Hooks::FmodRet,
    }
}

fn limits(cgroup: &policy::CgroupSupport) -> Vec<String> {
    let policy::CgroupSupport { identity: _, memory, cpu, processes, missing: _ } = cgroup;
    let all = [(memory, "memory"), (cpu, "cpu"), (processes, "processes")];
    all.into_iter().filter(|(limited, _)| **limited).map(|(_, name)| name.to_owned()).collect()
}

/// A rule that is not enforced in this session.
pub(super) fn degraded(open: &Uncovered<'_>) -> Degraded {
    Degraded {
        rule: rule_ref(open.rule),
        reason: open.reason.to_owned(),
        remedy: open.remedy.to_owned(),
        floor: open.floor.map(str::to_owned),
    }
}

fn covered(rule: &Rule, entry: &Entry) -> CoverageEntry {
    let (state, by, note) = match &entry.state {
        State::Enforced { by, note } => {
            (CoverageState::Enforced, by.iter().copied().map(layer).collect(), note)
        }
        State::Uncovered { floor, .. } => (CoverageState::Uncovered, Vec::new(), floor),
    };
    CoverageEntry { rule: rule_ref(rule), state, by, note: note.clone() }
}

fn layer(layer: policy::Layer) -> Layer {
    match layer {
        policy::Layer::Landlock => Layer::Landlock,
        policy::Layer::Seccomp => Layer::Seccomp,
        policy::Layer::Rlimit => Layer::Rlimit,
        policy::Layer::Spawn => Layer::Spawn,
        policy::Layer::Doorman => Layer::Doorman,
        policy::Layer::Audit => Layer::Audit,
        policy::Layer::Ebpf => Layer::Ebpf,
        policy::Layer::Cgroup => Layer::Cgroup,
        policy::Layer::Resolver => Layer::Resolver,
    }
}

pub(crate) fn rule_ref(rule: &Rule) -> RuleRef {
    RuleRef {
        text: rule.text.clone(),
        source: rule.origin.source.clone(),
        line: rule.origin.line,
        column: rule.origin.column,
        reason: rule.reason.clone(),
    }
}

/// A process with its program's name, as `/proc` tells it.
pub(super) fn process(pid: i32) -> Process {
    let program =
        std::fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned());
    Process { pid: pid.unsigned_abs(), program }
}

/// A denial of the doorman's, to be completed.
fn denial(cause: Cause, what: impl Into<String>) -> Denial {
    Denial {
        layer: Layer::Doorman,
        cause,
        what: what.into(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: None,
        calls: Vec::new(),
        count: 1,
        limit: None,
    }
}

impl Translator {
    /// Knows the policy's rules by number, and how much of arguments may be written.
    pub(crate) fn new(rules: Vec<Rule>, redactor: Arc<Redactor>, detail: Detail) -> Self {
        Self { rules, redactor, detail, request_bytes: BTreeMap::new() }
    }

    /// Knows another policy's rules from now on.
    pub(super) fn follow(&mut self, rules: Vec<Rule>) {
        self.rules = rules;
    }

    pub(super) fn rule(&self, id: RuleId) -> Option<RuleRef> {
        self.rules.get(id.0 as usize).map(rule_ref)
    }

    /// A denied system call.
    pub(super) fn syscall(&self, denied: &SyscallDenial, count: u64, in_flight: &[CallInFlight]) -> Body {
        let [a, b, c, d, e, f] = denied.arguments;
        let what = denied.name.map_or_else(|| format!("system call {}", denied.number), str::to_owned);
        Body::Denial(Denial {
            layer: Layer::Seccomp,
            detail: Some(format!(
                "({a:#x}, {b:#x}, {c:#x}, {d:#x}, {e:#x}, {f:#x}) = errno {}",
                denied.errno
            )),
            reason: denied.reason.map(str::to_owned),
            process: Some(process(denied.thread)),
            calls: in_flight
                .iter()
                .map(|call| audit::CallRef { call: call.seq, tool: call.tool.clone() })
                .collect(),
            count,
            ..denial(Cause::Syscall, what)
        })
    }

    /// A fact of the doorman's.
    pub(crate) fn fact(&mut self, fact: Fact) -> Body {
        match fact {
            Fact::CallAdmitted { .. } | Fact::CallRefused { .. } => self.call(fact),
            Fact::CallEnded { .. } => self.result(fact),
            Fact::SessionNegotiated { era: _, version, client, server } => Body::Handshake(Handshake {
                protocol: version,
                client: told(client.name),
                client_version: told(client.version),
                server: told(server.name),
                server_version: told(server.version),
            }),
            Fact::ServerNoise { reason: _, bytes, excerpt } => {
                Body::Noise(Noise { stream: Stream::Stdout, bytes, lines: 1, sample: Some(excerpt) })
            }
            Fact::ServerPinned { .. } | Fact::ServerChanged { .. } => self.pins(fact),
            Fact::CallHeld { .. } | Fact::CallDecided { .. } => self.approval(fact),
            Fact::Found { side, method, tool, seq, findings } => {
                Body::Findings(self.findings(side, method, tool, seq, findings))
            }
            Fact::Suppressed { count } => Body::Lost(Lost { count, kind: LostKind::Refusals, reason: None }),
            other => Body::Denial(self.refusal(other)),
        }
    }

    /// A call, admitted or refused.
    fn call(&mut self, fact: Fact) -> Body {
        let call = match fact {
            Fact::CallAdmitted { seq, id, tool, method: _, rule, arguments, bytes, active, waited } => {
                self.request_bytes.insert(seq, bytes);
                ToolCall {
                    call: seq,
                    rule: self.rule(rule),
                    classes: classes(active),
                    waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
                    ..self.asked(&id, tool, &arguments, Verdict::Allowed)
                }
            }
            Fact::CallRefused { id, tool, method: _, rule, reason, text, arguments, bytes: _ } => {
                let (cause, limit) = refused(reason);
                ToolCall {
                    cause: Some(cause),
                    rule: rule.and_then(|rule| self.rule(rule)),
                    reason: Some(text),
                    limit,
                    ..self.asked(&id, tool, &arguments, Verdict::Refused)
                }
            }
            other => return self.fact(other),
        };
        Body::ToolCall(call)
    }

    /// What a call asks for.
    fn asked(&self, id: &mcp::RequestId, tool: String, arguments: &[u8], verdict: Verdict) -> ToolCall {
        ToolCall {
            call: 0,
            request_id: id.to_string(),
            tool,
            arguments: self.told_of(arguments),
            argument_bytes: arguments.len() as u64,
            caller: None,
            verdict,
            cause: None,
            rule: None,
            reason: None,
            limit: None,
            waited_ms: 0,
            classes: Vec::new(),
        }
    }

    /// As much of a call's arguments as the policy wants written down.
    pub(super) fn told_of(&self, arguments: &[u8]) -> Option<serde_json::Value> {
        let text = std::str::from_utf8(arguments).unwrap_or_default();
        if text.is_empty() { None } else { self.redactor.json(text, self.detail) }
    }

    /// The end of a call.
    fn result(&mut self, fact: Fact) -> Body {
        let Fact::CallEnded { seq, id: _, tool, rule, outcome, duration, bytes } = fact else {
            return self.fact(fact);
        };
        let (outcome, ended) = ended(outcome);
        let Ended { error_code, cause, limit, reason, rule: by } = ended;
        Body::ToolResult(ToolResult {
            call: seq,
            tool,
            outcome,
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            request_bytes: self.request_bytes.remove(&seq).unwrap_or(0),
            response_bytes: bytes,
            error_code,
            cause,
            rule: cause.and_then(|_| self.rule(by.unwrap_or(rule))),
            reason,
            limit,
        })
    }

    /// Everything else that was refused.
    fn refusal(&self, fact: Fact) -> Denial {
        match fact {
            Fact::ToolsHidden { count, names } => Denial {
                detail: Some(names.join(", ")),
                action: Action::Dropped,
                count,
                ..denial(
                    Cause::ToolDisabled,
                    "tools that are closed to the client in an answer to tools/list",
                )
            },
            Fact::ToolsDropped { count } => Denial {
                action: Action::Dropped,
                count,
                ..denial(Cause::Malformed, "tools without a name of their own in an answer to tools/list")
            },
            Fact::ServerRequestRefused { method, id } => Denial {
                detail: id.map(|id| format!("request {id}")),
                ..denial(Cause::ServerRequest, method)
            },
            Fact::AccessRefused { id, method, subject, rule, scope, text } => Denial {
                detail: Some(format!("{method}, request {id}")),
                rule: rule.and_then(|rule| self.rule(rule)),
                reason: Some(text),
                ..denial(if scope { Cause::Scope } else { Cause::Disabled }, subject)
            },
            Fact::MethodRefused { side, method } => {
                Denial { detail: Some(from(side).to_owned()), ..denial(Cause::UnknownMethod, method) }
            }
            Fact::MessageRefused { side, reason, bytes, excerpt } => message(side, reason, bytes, excerpt),
            Fact::ResponseRefused { side, id, reason } => Denial {
                detail: Some(format!("{}, request {id}", from(side))),
                action: Action::Dropped,
                reason: Some(format!("{reason:?}")),
                ..denial(Cause::Protocol, "response")
            },
            Fact::AnswerReplaced { id, method, reason } => {
                let Ended { cause, limit, reason, rule, .. } = replaced(&reason);
                Denial {
                    rule: rule.and_then(|rule| self.rule(rule)),
                    detail: Some(format!("answer to request {id}")),
                    reason,
                    limit,
                    ..denial(cause.unwrap_or(Cause::Protocol), method)
                }
            }
            other => denial(Cause::Internal, format!("{other:?}")),
        }
    }
}

/// A line that is no message with exactly one reading.
fn message(side: Side, fault: MessageFault, bytes: u64, excerpt: String) -> Denial {
    let (cause, limit) = match fault {
        MessageFault::Frame(FrameError::TooLong { limit }) => (Cause::MessageSize, Some(limit)),
        MessageFault::DuplicateId | MessageFault::TooManyRequests => (Cause::Protocol, None),
        _ => (Cause::Malformed, None),
    };
    Denial {
        detail: Some(format!("{}, {bytes} bytes: {excerpt}", from(side))),
        reason: Some(fault.to_string()),
        limit,
        ..denial(cause, "message")
    }
}

fn from(side: Side) -> &'static str {
    match side {
        Side::Client => "from the client",
        Side::Server => "from the server",
    }
}

fn told(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn classes(active: ClassMask) -> Vec<u8> {
    (0..64).filter(|number| active.bits() >> number & 1 == 1).collect()
}

/// The cause of a refused call, and the limit that was reached.
pub(crate) fn refused(reason: Refusal) -> (Cause, Option<u64>) {
    match reason {
        Refusal::Disabled => (Cause::ToolDisabled, None),
        Refusal::ScopeMissing => (Cause::Scope, None),
        Refusal::Argument | Refusal::Schema | Refusal::Unlisted => (Cause::Argument, None),
        Refusal::Content | Refusal::Poisoned => (Cause::Content, None),
        Refusal::NotApproved | Refusal::Denied => (Cause::Approval, None),
        Refusal::Quarantined => (Cause::Quarantine, None),
        Refusal::RequestTooLarge { limit } => (Cause::RequestSize, Some(limit)),
        Refusal::SessionRate { limit, .. } => (Cause::SessionRate, Some(limit.into())),
        Refusal::ToolRate { limit, .. } => (Cause::ToolRate, Some(limit.into())),
        Refusal::TooManyCalls { limit } => (Cause::Concurrency, Some(limit.into())),
        Refusal::QueueFull => (Cause::Concurrency, None),
        Refusal::WaitedTooLong => (Cause::Timeout, None),
        Refusal::CancelledWaiting | Refusal::SessionEnded => (Cause::Protocol, None),
    }
}

/// What else is known of a call's end.
#[derive(Default)]
struct Ended {
    error_code: Option<i64>,
    cause: Option<Cause>,
    limit: Option<u64>,
    reason: Option<String>,
    /// The rule, where it is not the tool's.
    rule: Option<RuleId>,
}

fn ended(outcome: mcp::Outcome) -> (Outcome, Ended) {
    match outcome {
        mcp::Outcome::Ok | mcp::Outcome::InputRequired => (Outcome::Success, Ended::default()),
        mcp::Outcome::TaskStarted { task } => (
            Outcome::Success,
            Ended { reason: Some(format!("it goes on as task {task}")), ..Ended::default() },
        ),
        mcp::Outcome::ToolError => (Outcome::ToolError, Ended::default()),
        mcp::Outcome::RpcError(code) => {
            (Outcome::ProtocolError, Ended { error_code: Some(code), ..Ended::default() })
        }
        mcp::Outcome::TimedOut => {
            (Outcome::TimedOut, Ended { cause: Some(Cause::Timeout), ..Ended::default() })
        }
        mcp::Outcome::Cancelled => (Outcome::Cancelled, Ended::default()),
        mcp::Outcome::Replaced(why) => (Outcome::Refused, replaced(&why)),
        mcp::Outcome::Lost(_) => (Outcome::Abandoned, Ended::default()),
    }
}

/// Why an answer was withheld.
fn replaced(why: &Replacement) -> Ended {
    let (cause, limit, reason) = match why {
        Replacement::TooLarge { limit } => {
            (Cause::ResponseSize, Some(*limit), "the answer is too large".to_owned())
        }
        Replacement::InputRefused { method } => (Cause::ServerRequest, None, format!("it asks for {method}")),
        Replacement::Malformed(fault) => (Cause::Malformed, None, fault.to_string()),
        Replacement::Misfit { why } => (Cause::OutputSchema, None, why.clone()),
        Replacement::Content { what, rule: _ } => (Cause::Content, None, format!("it holds {what}")),
        Replacement::UnreadableList => (Cause::Malformed, None, "its tools cannot be told".to_owned()),
    };
    let rule = match why {
        Replacement::Content { rule, .. } => Some(*rule),
        _ => None,
    };
    Ended { error_code: None, cause: Some(cause), limit, reason: Some(reason), rule }
}
