//! What the server sends of its own accord: requests, notifications, noise.

use std::time::Instant;

use super::answer::{self, Code};
use super::client::{refused, shown};
use super::content::Screened;
use super::refusal::clipped;
use super::{Engine, methods};
use crate::fact::{Fact, MessageFault, Replacement, Side};
use crate::frames::FrameError;
use crate::id::RequestId;
use crate::judgement::{Forward, Judgement};
use crate::message::{Invalid, Message};
use crate::scan::{Fault, Section, Slot};
use crate::value;

/// Requests of the server that may be open at once.
const MAX_REQUESTS: usize = 256;

impl Engine {
    pub(super) fn server_request(
        &mut self,
        id: RequestId,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        match self.server_request_fault(&id, method, message) {
            None => self.asks(id, method, message, now, out),
            Some((code, text)) => {
                let text = format!("mcpguard refused `{}`: {text}", clipped(method));
                out.to_server.push(answer::error(Some(&id), code, &text, None));
                let fact = Fact::ServerRequestRefused { method: clipped(method), id: Some(id) };
                self.server_flood.note(fact, now, &mut out.facts);
                Forward::Nothing
            }
        }
    }

    /// A request of the server that the client may see, as far as its texts may be seen.
    fn asks(
        &mut self,
        id: RequestId,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let forward = match self.found_in_params(method, message, now, out) {
            Screened::Unchanged => Forward::Unchanged,
            Screened::Changed(line) => Forward::Rewritten(line),
            Screened::Withheld(_) => {
                let text = format!(
                    "mcpguard refused `{}`: the policy keeps what it holds from the client",
                    clipped(method)
                );
                out.to_server.push(answer::error(Some(&id), Code::Refused, &text, None));
                let fact = Fact::ServerRequestRefused { method: clipped(method), id: Some(id) };
                self.server_flood.note(fact, now, &mut out.facts);
                return Forward::Nothing;
            }
        };
        self.server_requests.insert(id);
        forward
    }

    /// Why a request of the server may not go to the client.
    fn server_request_fault(
        &self,
        id: &RequestId,
        method: &str,
        message: &Message<'_>,
    ) -> Option<(Code, &'static str)> {
        let extra = self.extra_methods.contains(method);
        let asked = self.asking.request(method);
        if !extra && asked.is_none() {
            return Some((Code::UnknownMethod, "it is no request that a server may send"));
        }
        if !extra && self.session.is_modern() {
            return Some((Code::UnknownMethod, "servers send no requests in this protocol revision"));
        }
        if !extra && asked == Some(false) {
            return Some((Code::Refused, "the policy does not allow it"));
        }
        if !extra && message.has_lookalike(Section::Params) {
            return Some((Code::InvalidRequest, "a key that some readers take for a word of the protocol"));
        }
        let params = message.raw(Slot::Params).filter(|raw| !extra && value::is_object(raw));
        if params.and_then(|params| self.items.objection_to_request(params)).is_some() {
            return Some((Code::Refused, "the policy keeps what it holds or leads to from the client"));
        }
        if self.server_requests.contains(id) || self.is_own_question(id) {
            return Some((Code::InvalidRequest, "the id is in use"));
        }
        (self.server_requests.len() >= MAX_REQUESTS).then_some((Code::Busy, "too many open requests"))
    }

    pub(super) fn server_notification(
        &mut self,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        if self.extra_methods.contains(method) {
            return self.tells(method, message, now, out);
        }
        let fact = if !methods::SERVER_NOTIFICATIONS.contains(&method) {
            Fact::MethodRefused { side: Side::Server, method: clipped(method) }
        } else if message.has_lookalike(Section::Params) {
            refused(Side::Server, message, Invalid::Lookalike.into())
        } else if self.takes_back_own(method, message) {
            refused(Side::Server, message, Invalid::Reserved.into())
        } else if self.task_is_withheld(method, message) {
            refused(Side::Server, message, Invalid::Withheld.into())
        } else if let Some(method) = self.asking.refused_in(message) {
            Fact::ServerRequestRefused { method: clipped(&method), id: None }
        } else if self.items.objection_to_embedded(message).is_some() {
            Fact::ServerRequestRefused { method: clipped(method), id: None }
        } else {
            return self.tells(method, message, now, out);
        };
        self.server_flood.note(fact, now, &mut out.facts);
        Forward::Nothing
    }

    /// Whether the server takes back a question of the doorman's own.
    fn takes_back_own(&self, method: &str, message: &Message<'_>) -> bool {
        let id = || message.raw(Slot::ParamsRequestId).and_then(RequestId::read);
        method == "notifications/cancelled" && id().is_some_and(|id| self.is_own_question(&id))
    }

    /// Looks at the parameters; a server that says much of its own accord does not drown the log.
    fn found_in_params(
        &mut self,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Screened {
        let mut facts = Vec::new();
        let screened = self.screened_params(method, message, &mut facts);
        facts.into_iter().for_each(|fact| self.server_flood.note(fact, now, &mut out.facts));
        screened
    }

    /// A notification that the client may see, as far as its texts may be seen.
    fn tells(&mut self, method: &str, message: &Message<'_>, now: Instant, out: &mut Judgement) -> Forward {
        let cancelled = self.server_cancels(method, message);
        match (self.found_in_params(method, message, now, out), cancelled) {
            (Screened::Unchanged, _) => Forward::Unchanged,
            (Screened::Changed(line), _) => Forward::Rewritten(line),
            // It has taken effect, so the client hears of it, but not why.
            (Screened::Withheld(_), Some(id)) => Forward::Rewritten(answer::cancelled(&id, "")),
            (Screened::Withheld(_), None) => Forward::Nothing,
        }
    }

    /// Whether the result of a task, told of the server's own accord, is none that could be its answer.
    fn task_is_withheld(&mut self, method: &str, message: &Message<'_>) -> bool {
        let params = message.raw(Slot::Params).filter(|_| method.starts_with("notifications/tasks"));
        let Some(params) = params.filter(|raw| value::is_object(raw)) else { return false };
        let task =
            message.string(Slot::ParamsTaskId).and_then(|task| self.tasks.tool(&task).map(str::to_owned));
        let of_tool = task.as_deref().and_then(|tool| self.rules.rule(tool).max_response_bytes);
        let limit = self.limits.answer_bytes.into_iter().chain(of_tool).min();
        let misfit = |engine: &mut Self| {
            engine.limits.output_schema?;
            super::structured::of_a_task(&mut engine.schemas, task.as_deref()?, params)
        };
        limit.is_some_and(|limit| message.bytes() > limit)
            || self.items.objection_in(params).is_some()
            || misfit(self).is_some()
    }

    /// The server takes back a request of its own, or ends a subscription (2026-07-28, on stdio).
    fn server_cancels(&mut self, method: &str, message: &Message<'_>) -> Option<RequestId> {
        if method != "notifications/cancelled" {
            return None;
        }
        let id = message.raw(Slot::ParamsRequestId).and_then(RequestId::read)?;
        self.server_requests.remove(&id);
        if self.flight.get(&id).is_some_and(|open| &*open.method == "subscriptions/listen") {
            self.flight.remove(&id);
            self.flight.settle(id.clone());
        }
        Some(id)
    }

    pub(super) fn invalid_from_server(
        &mut self,
        message: &Message<'_>,
        reason: Invalid,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let fact = refused(Side::Server, message, reason.into());
        self.server_flood.note(fact, now, &mut out.facts);
        match message.id().filter(|_| message.raw(Slot::Method).is_none()) {
            Some(id) => self.fail_open(&id, reason.into(), message.bytes(), now, out),
            None => Forward::Nothing,
        }
    }

    /// Bytes that are no message. If they are a real answer's (too long, or with something that readers disagree
    /// about), the client is told, so that it does not wait; anything else is noise.
    pub(super) fn malformed_from_server(
        &mut self,
        reason: FrameError,
        excerpt: &[u8],
        bytes: u64,
        id: Option<&RequestId>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let excerpt = shown(excerpt);
        let noise = matches!(
            reason,
            FrameError::Unfinished
                | FrameError::Json(Fault::Grammar(_) | Fault::Truncated | Fault::ByteOrderMark)
        );
        let Some(id) = id.filter(|_| !noise) else {
            self.server_flood.note(Fact::ServerNoise { reason, bytes, excerpt }, now, &mut out.facts);
            return Forward::Nothing;
        };
        let fact = Fact::MessageRefused { side: Side::Server, reason: reason.into(), bytes, excerpt };
        self.server_flood.note(fact, now, &mut out.facts);
        self.fail_open(id, reason.into(), bytes, now, out)
    }

    /// If the server has this request open, the client gets an error for it.
    fn fail_open(
        &mut self,
        id: &RequestId,
        reason: MessageFault,
        bytes: u64,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        if !self.flight.is_at_server(id) {
            return Forward::Nothing;
        }
        let reason = match reason {
            MessageFault::Frame(FrameError::TooLong { limit }) => Replacement::TooLarge { limit },
            reason => Replacement::Malformed(reason),
        };
        match self.flight.remove(id) {
            Some(open) => self.replace(id, &open, reason, bytes, now, out),
            None => Forward::Nothing,
        }
    }
}
