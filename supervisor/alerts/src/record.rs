//! Audit records as events. Every variant is named here: a new one does not compile until somebody says what it means.

use audit::{
    Body, Denial, EndReason, Findings, KernelDenial, Operation, OperationKind, Outcome, PinState, Pins,
    Record, ToolCall, ToolResult,
};

use crate::denial::{host, layer};
use crate::event::{Event, Origin};
use crate::kind::{Kind, Layer, Verdict};

/// Closed tools of one record that are events of their own; more are counted with the first.
const MOST_CLOSED: usize = 1024;

impl<'a> Event<'a> {
    /// What a body tells. `seq` is its record's number.
    pub fn of(body: &'a Body, seq: u64, origin: &Origin<'a>) -> Self {
        let Origin { session, server, caller, scopes } = *origin;
        let of = |kind| Event { seq, session, server, caller, scopes, ..Event::new(kind) };
        match body {
            Body::SessionStart(start) => Event { scopes: &start.scopes, ..of(Kind::SessionStart) },
            Body::Handshake(_) => of(Kind::Handshake),
            Body::ToolCall(call) => of(Kind::ToolCall).called(call),
            Body::ToolResult(result) => of(Kind::ToolResult).ended(result),
            Body::Denial(denial) => of(Kind::Denial).denied(denial),
            Body::Degraded(_) => of(Kind::Degraded),
            Body::Noise(noise) => Event { count: noise.lines, ..of(Kind::Noise) },
            Body::Lost(lost) => Event { count: lost.count, ..of(Kind::Lost) },
            Body::Rotated(_) => of(Kind::Rotated),
            Body::Recovered(_) => of(Kind::Recovered),
            Body::SessionEnd(end) => Event { verdict: how_ended(end.reason), ..of(Kind::SessionEnd) },
            Body::KernelDenial(KernelDenial { sequence: _, denial }) => of(Kind::KernelDenial).denied(denial),
            Body::Operation(operation) => of(Kind::Operation).operated(operation),
            Body::Carried(_) => of(Kind::Carried),
            Body::Repaired(_) => of(Kind::Repaired),
            Body::PolicyChanged(_) => of(Kind::PolicyChanged),
            Body::Findings(findings) => of(Kind::Findings).found(findings),
            Body::Pins(pins) => of(Kind::Pins).pinned(pins),
            Body::Alert(_) => of(Kind::Alert),
            Body::Approval(approval) => {
                Event { tool: Some(&approval.tool), layer: Some(Layer::Tool), ..of(Kind::Approval) }
            }
        }
    }

    /// Everything that a body tells, one event after another: each tool that it closes is one.
    pub fn all_of(body: &'a Body, seq: u64, origin: &Origin<'a>) -> Vec<Self> {
        let first = Self::of(body, seq, origin);
        match body {
            Body::Pins(pins) if first.kind == Kind::ToolQuarantine && pins.closed.len() > 1 => {
                let (alone, rest) = pins.closed.split_at(pins.closed.len().min(MOST_CLOSED));
                let more = rest.len() as u64;
                let each = |(at, tool): (usize, &'a String)| Event {
                    tool: Some(tool),
                    count: if at == 0 { 1 + more } else { 1 },
                    ..first
                };
                alone.iter().enumerate().map(each).collect()
            }
            _ => vec![first],
        }
    }

    /// What a record tells; its session and number are its own. Its time is not looked at.
    pub fn of_record(record: &'a Record, origin: &Origin<'a>) -> Self {
        Self::of(&record.body, record.seq, &Origin { session: record.session.as_str(), ..*origin })
    }

    /// The first of the closed tools stands for all of them; [`Self::all_of`] tells of each.
    fn pinned(self, pins: &'a Pins) -> Self {
        let closed = pins.state == PinState::Changed && (pins.all_closed || !pins.closed.is_empty());
        if !closed {
            return self;
        }
        let tool = pins.closed.first().map(String::as_str);
        let count = (pins.closed.len() as u64).max(1);
        Event { kind: Kind::ToolQuarantine, tool, count, layer: Some(Layer::Tool), ..self }
    }

    fn called(self, call: &'a ToolCall) -> Self {
        let verdict = match call.verdict {
            audit::Verdict::Allowed => Verdict::Allowed,
            audit::Verdict::Refused => Verdict::Denied,
        };
        let caller = call.caller.as_deref().or(self.caller);
        let (tool, layer) = (Some(call.tool.as_str()), Some(Layer::Tool));
        Event { tool, caller, layer, cause: call.cause, verdict: Some(verdict), ..self }
    }

    fn ended(self, result: &'a ToolResult) -> Self {
        let verdict = match result.outcome {
            Outcome::Success => Verdict::Allowed,
            // The time is the policy's, and the log counts its end among the denials.
            Outcome::Refused | Outcome::TimedOut => Verdict::Denied,
            Outcome::ToolError | Outcome::ProtocolError | Outcome::Cancelled | Outcome::Abandoned => {
                Verdict::Failed
            }
        };
        let (tool, layer) = (Some(result.tool.as_str()), Some(Layer::Tool));
        Event { tool, layer, cause: result.cause, verdict: Some(verdict), ..self }
    }

    fn denied(self, denial: &'a Denial) -> Self {
        let layer = layer(denial.cause);
        let what = denial.what.as_str();
        let acting = denial.process.as_ref().and_then(|process| process.program.as_deref());
        Event {
            verdict: Some(Verdict::Denied),
            layer: Some(layer),
            cause: Some(denial.cause),
            host: host(what).filter(|_| layer == Layer::Network),
            path: what.starts_with('/').then_some(what),
            program: if layer == Layer::Exec { Some(what) } else { acting },
            in_flight: &denial.calls,
            count: denial.count,
            ..self
        }
    }

    /// Where a text was blocked, the call or message that held it has a refusal of its own: this is none, or it would be
    /// counted twice.
    fn found(self, findings: &'a Findings) -> Self {
        let count = findings.found.iter().fold(0, |sum: u64, finding| sum.saturating_add(finding.count));
        Event { tool: findings.tool.as_deref(), layer: Some(Layer::Tool), count, ..self }
    }

    fn operated(self, operation: &Operation) -> Self {
        let refused = operation.operation == OperationKind::Refuse;
        let verdict = Some(if refused { Verdict::Denied } else { Verdict::Allowed });
        Event { operation: Some(operation.operation), verdict, ..self }
    }
}

fn how_ended(reason: EndReason) -> Option<Verdict> {
    match reason {
        EndReason::Violation => Some(Verdict::Denied),
        EndReason::NotStarted | EndReason::AuditFailed | EndReason::Failed => Some(Verdict::Failed),
        EndReason::ServerExited
        | EndReason::ClientGone
        | EndReason::Signal
        | EndReason::Supervisor
        | EndReason::SupervisorGone
        | EndReason::Killed
        | EndReason::Unseen => None,
    }
}
