//! What the client sends.

use std::time::Instant;

use super::answer::{self, Code, Form};
use super::calls::{self, Asked};
use super::flight::Open;
use super::rounds::{self, Resumed};
use super::rulebook::Terms;
use super::{Engine, methods, negotiation, refusal};
use crate::fact::{Fact, MessageFault, Outcome, Refusal, Side, Unexpected};
use crate::frames::FrameError;
use crate::id::RequestId;
use crate::judgement::{Forward, Judgement};
use crate::message::{Invalid, Message};
use crate::scan::{Fault, Section, Slot};
use crate::value;

/// Open requests of the client that are no calls.
const MAX_REQUESTS: usize = 1024;

impl Engine {
    pub(super) fn client_request(
        &mut self,
        id: RequestId,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let extra = self.extra_methods.contains(method);
        if self.flight.is_taken(&id) && !self.comes_again(&id, method, message) {
            return self.refuse_request(id, message, MessageFault::DuplicateId, now, out);
        }
        if !extra && !methods::CLIENT_REQUESTS.contains(&method) {
            let fact = Fact::MethodRefused { side: Side::Client, method: method.to_owned() };
            self.client_flood.note(fact, now, &mut out.facts);
            let text = format!(
                "mcpguard refused `{method}`: it is no method of the protocol, and the policy names it not"
            );
            out.to_client.push(answer::error(Some(&id), Code::UnknownMethod, &text, None));
            return Forward::Nothing;
        }
        if !extra && message.has_lookalike(Section::Params) {
            return self.refuse_request(id, message, Invalid::Lookalike.into(), now, out);
        }
        match method {
            "tools/call" => self.tool_call(id, message, now, out),
            "tasks/get" | "tasks/result" | "tasks/update" | "tasks/cancel" => {
                self.task_call(id, method, message, now, out)
            }
            _ if self.flight.others() >= MAX_REQUESTS => {
                self.refuse_request(id, message, MessageFault::TooManyRequests, now, out)
            }
            _ => {
                if let Some(closed) = self.closed_request(method, message) {
                    self.refuse_access(id, method, closed, out);
                    return Forward::Nothing;
                }
                let prompt = message.string(Slot::ParamsName).filter(|_| method == "prompts/get");
                if let Some(rule) = prompt.and_then(|prompt| self.quarantined_prompt(&prompt)) {
                    let text = refusal::changed(&self.rules, method, rule);
                    let data = refusal::data(&self.rules, Some(rule));
                    out.to_client.push(answer::error(Some(&id), Code::Refused, &text, data));
                    return Forward::Nothing;
                }
                if let Some((what, rule)) = self.screened_arguments(method, None, message, &mut out.facts) {
                    let text = refusal::holds(&self.rules, method, &what, rule);
                    let data = refusal::data(&self.rules, Some(rule));
                    out.to_client.push(answer::error(Some(&id), Code::Refused, &text, data));
                    return Forward::Nothing;
                }
                if method == "initialize" {
                    self.note_capabilities(message);
                }
                let version = negotiation::version(message);
                let client = negotiation::client(message);
                let cursor =
                    message.raw(Slot::Params).is_some_and(|params| value::member(params, "cursor").is_some());
                let open = Open {
                    method: method.into(),
                    arrived: now,
                    deadline: None,
                    version,
                    client,
                    cursor,
                    call: None,
                };
                self.flight.add(id, open);
                Forward::Unchanged
            }
        }
    }

    fn tool_call(
        &mut self,
        id: RequestId,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let Some(tool) = calls::tool_name(message) else {
            return self.refuse_request(id, message, MessageFault::Params, now, out);
        };
        let Some(round) = rounds::own_round(message) else {
            return self.new_call(id, tool, message, None, now, out);
        };
        let resumed = round.and_then(|seq| self.resumed(&tool, seq, message, out));
        if self.flight.is_taken(&id) {
            return self.refuse_request(id, message, MessageFault::DuplicateId, now, out);
        }
        let line = match &resumed {
            Some(first) => rounds::under(first, message),
            None => rounds::without_round(message),
        };
        let Ok(outline) = self.scanner.whole(&line) else {
            return self.refuse_request(id, message, MessageFault::Params, now, out);
        };
        match self.new_call(id, tool, &Message::new(&line, &outline), resumed, now, out) {
            Forward::Unchanged => Forward::Rewritten(line),
            other => other,
        }
    }

    fn new_call(
        &mut self,
        id: RequestId,
        tool: String,
        message: &Message<'_>,
        resumed: Option<Resumed>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let version = negotiation::version(message);
        let form = match (&version, message.raw(Slot::ParamsTask)) {
            (_, Some(_)) => Form::Error,
            (Some(_), None) => Form::ModernToolResult,
            (None, None) => Form::ToolResult,
        };
        let terms = Terms::from(self.rules.rule(&tool));
        self.call(Asked { id, tool, method: "tools/call", message, terms, form, version, resumed }, now, out)
    }

    /// A request about a task goes on with the call that created it; see [`super::tasks`].
    fn task_call(
        &mut self,
        id: RequestId,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let Some(task) = message.string(Slot::ParamsTaskId) else {
            return self.refuse_request(id, message, MessageFault::Params, now, out);
        };
        let tool = self.tasks.tool(&task).map(str::to_owned);
        let terms =
            Terms::from(tool.as_deref().map_or_else(|| self.rules.default(), |tool| self.rules.rule(tool)));
        let tool = tool.unwrap_or_else(|| "*".to_owned());
        let version = negotiation::version(message);
        let asked = Asked { id, tool, method, message, terms, form: Form::Error, version, resumed: None };
        self.call(asked, now, out)
    }

    pub(super) fn client_notification(
        &mut self,
        method: &str,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let extra = self.extra_methods.contains(method);
        if !extra && !methods::CLIENT_NOTIFICATIONS.contains(&method) {
            let fact = Fact::MethodRefused { side: Side::Client, method: method.to_owned() };
            self.client_flood.note(fact, now, &mut out.facts);
            return Forward::Nothing;
        }
        if !extra && message.has_lookalike(Section::Params) {
            self.client_flood.note(
                refused(Side::Client, message, Invalid::Lookalike.into()),
                now,
                &mut out.facts,
            );
            return Forward::Nothing;
        }
        match method {
            "notifications/cancelled" => self.client_cancels(message, now, out),
            _ => Forward::Unchanged,
        }
    }

    fn client_cancels(&mut self, message: &Message<'_>, now: Instant, out: &mut Judgement) -> Forward {
        let Some(id) = message.raw(Slot::ParamsRequestId).and_then(RequestId::read) else {
            self.client_flood.note(refused(Side::Client, message, MessageFault::Params), now, &mut out.facts);
            return Forward::Nothing;
        };
        if self.flight.is_settled(&id) {
            return Forward::Nothing;
        }
        if self.flight.get(&id).is_none() {
            // It has just been answered; the server expects that this can happen.
            return Forward::Unchanged;
        }
        self.retract(&id, out);
        let at_server = self.flight.is_at_server(&id);
        self.close_call(&id, Outcome::Cancelled, Refusal::CancelledWaiting, now, out);
        self.flight.settle(id);
        if at_server { Forward::Unchanged } else { Forward::Nothing }
    }

    pub(super) fn client_response(
        &mut self,
        id: RequestId,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        if self.is_own_question(&id) {
            self.answered_question(&id, message, now, out);
            return Forward::Nothing;
        }
        if self.server_requests.remove(&id) {
            return Forward::Unchanged;
        }
        let fact = Fact::ResponseRefused { side: Side::Client, id, reason: Unexpected::Unknown };
        self.client_flood.note(fact, now, &mut out.facts);
        Forward::Nothing
    }

    /// A request that has an id and can be answered.
    fn refuse_request(
        &mut self,
        id: RequestId,
        message: &Message<'_>,
        reason: MessageFault,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        self.client_flood.note(refused(Side::Client, message, reason), now, &mut out.facts);
        out.to_client.push(answer::error(
            Some(&id),
            code(reason),
            &format!("mcpguard refused a request: {reason}"),
            None,
        ));
        Forward::Nothing
    }

    pub(super) fn invalid_from_client(
        &mut self,
        message: &Message<'_>,
        reason: Invalid,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        self.client_flood.note(refused(Side::Client, message, reason.into()), now, &mut out.facts);
        let id = message.id();
        if message.raw(Slot::Method).is_none()
            && let Some(id) = id.as_ref().filter(|id| self.server_requests.remove(id))
        {
            // The server waits for an answer of the client; this one cannot be it.
            out.to_server.push(answer::error(
                Some(id),
                Code::Internal,
                "the client's answer was refused",
                None,
            ));
            return Forward::Nothing;
        }
        self.answer_refused_line(id.as_ref(), reason.into(), out);
        Forward::Nothing
    }

    pub(super) fn malformed_from_client(
        &mut self,
        reason: FrameError,
        excerpt: &[u8],
        bytes: u64,
        id: Option<&RequestId>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let excerpt = shown(excerpt);
        let fact = Fact::MessageRefused { side: Side::Client, reason: reason.into(), bytes, excerpt };
        self.client_flood.note(fact, now, &mut out.facts);
        if reason != FrameError::Unfinished {
            self.answer_refused_line(id, reason.into(), out);
        }
        Forward::Nothing
    }

    /// Answers a line that is no message, under its id unless that would look like the answer to an open request.
    fn answer_refused_line(&self, id: Option<&RequestId>, reason: MessageFault, out: &mut Judgement) {
        let id = id.filter(|id| !self.flight.is_taken(id));
        let text = format!("mcpguard refused a message: {reason}");
        out.to_client.push(answer::error(id, code(reason), &text, None));
    }
}

/// The JSON-RPC code for a line that is refused for its form.
fn code(reason: MessageFault) -> Code {
    match reason {
        MessageFault::Frame(FrameError::Json(
            Fault::DuplicateKey(_) | Fault::TooDeep(_) | Fault::LoneSurrogate(_),
        ))
        | MessageFault::Frame(FrameError::TooLong { .. }) => Code::InvalidRequest,
        MessageFault::Frame(_) => Code::Parse,
        MessageFault::Params => Code::InvalidParams,
        MessageFault::Message(_) | MessageFault::DuplicateId => Code::InvalidRequest,
        MessageFault::TooManyRequests => Code::Busy,
    }
}

/// The fact of a message that is refused for its form.
pub(super) fn refused(side: Side, message: &Message<'_>, reason: MessageFault) -> Fact {
    let line = message.line();
    let excerpt = shown(&line[..line.len().min(256)]);
    Fact::MessageRefused { side, reason, bytes: message.bytes(), excerpt }
}

/// Untrusted bytes as text.
pub(super) fn shown(excerpt: &[u8]) -> String {
    refusal::clipped(&String::from_utf8_lossy(excerpt))
}
