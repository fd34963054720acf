//! The one place where facts become records.
//!
//! [`policies`]: what holds in a session; [`refusals`]: what was refused beside calls; [`endings`]: how calls end.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::{
    Body, Cause, Denial, Detail, Handshake, Layer, Lost, LostKind, Noise, Process, Redactor, RuleRef, Stream,
    ToolCall, ToolResult, Verdict,
};
use enforce::SyscallDenial;
use mcp::{CallInFlight, Fact};
use policy::plan::{ClassMask, Rule, RuleId};

pub(crate) use endings::refused;
use endings::{Ended, ended};
pub(super) use policies::{degraded, policy_changed, session_start};
use refusals::denial;

mod endings;
mod policies;
mod refusals;

/// Turns facts into records.
pub(crate) struct Translator {
    rules: Vec<Rule>,
    redactor: Arc<Redactor>,
    detail: Detail,
    /// Request bytes of the calls in flight, by their number.
    request_bytes: BTreeMap<u64, u64>,
}

/// A rule as records name it.
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
}

fn told(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn classes(active: ClassMask) -> Vec<u8> {
    (0..64).filter(|number| active.bits() >> number & 1 == 1).collect()
}
