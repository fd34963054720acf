//! What the server answers.

use std::time::Instant;

use super::answer::{self, Code};
use super::content::Screened;
use super::flight::Open;
use super::{Engine, access, blocked, calls, listing, methods, refusal, rounds, structured};
use crate::fact::{Fact, Outcome, Replacement, Side, Unexpected};
use crate::id::RequestId;
use crate::judgement::{Forward, Judgement};
use crate::message::{Invalid, Message};
use crate::scan::{Section, Slot};
use crate::value;

impl Engine {
    /// Only the first answer to an open request passes.
    pub(super) fn server_response(
        &mut self,
        id: RequestId,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let open = if self.flight.is_at_server(&id) { self.flight.remove(&id) } else { None };
        let Some(open) = open else {
            let reason = if self.flight.late(&id) { Unexpected::Late } else { Unexpected::Unknown };
            self.server_flood.note(
                Fact::ResponseRefused { side: Side::Server, id, reason },
                now,
                &mut out.facts,
            );
            return Forward::Nothing;
        };
        if let Some(reason) = self.withheld(&open, message) {
            return self.replace(&id, &open, reason, message.bytes(), now, out);
        }
        match self.compared(&open, message, &mut out.facts) {
            None => self.look_at(&id, &open, message, now, out),
            Some(line) => self.changed(&id, &open, line, now, out, Self::look_at),
        }
    }

    /// An answer as far as its texts may be seen.
    fn look_at(
        &mut self,
        id: &RequestId,
        open: &Open,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        match self.screened(open, message, now, &mut out.facts) {
            Screened::Withheld(reason) => self.replace(id, open, reason, message.bytes(), now, out),
            Screened::Unchanged => self.look_closer(id, open, message, now, out),
            Screened::Changed(line) => self.changed(id, open, line, now, out, Self::look_closer),
        }
    }

    /// An answer whose texts may be seen, so that what is said about it may repeat them.
    fn look_closer(
        &mut self,
        id: &RequestId,
        open: &Open,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        match self.objection_to(open, message) {
            Some(reason) => self.replace(id, open, reason, message.bytes(), now, out),
            None => self.pass(id, open, message, now, out),
        }
    }

    /// An answer that is another line from here on.
    fn changed(
        &mut self,
        id: &RequestId,
        open: &Open,
        line: Vec<u8>,
        now: Instant,
        out: &mut Judgement,
        next: impl FnOnce(&mut Self, &RequestId, &Open, &Message<'_>, Instant, &mut Judgement) -> Forward,
    ) -> Forward {
        let Ok(outline) = self.scanner.whole(&line) else {
            let reason = Replacement::Malformed(Invalid::Payload.into());
            return self.replace(id, open, reason, line.len() as u64, now, out);
        };
        match next(self, id, open, &Message::new(&line, &outline), now, out) {
            Forward::Unchanged => Forward::Rewritten(line),
            other => other,
        }
    }

    /// Why an answer may not go to the client.
    fn withheld(&mut self, open: &Open, message: &Message<'_>) -> Option<Replacement> {
        let of_tool = open.call.as_ref().and_then(|call| call.max_response_bytes);
        let limit = open.call.as_ref().and(self.limits.answer_bytes).into_iter().chain(of_tool).min();
        if let Some(limit) = limit.filter(|limit| message.bytes() > *limit) {
            return Some(Replacement::TooLarge { limit });
        }
        if self.extra_methods.contains(&*open.method) {
            return None;
        }
        if message.has_lookalike(Section::Result) || message.has_lookalike(Section::Error) {
            return Some(Replacement::Malformed(Invalid::Lookalike.into()));
        }
        if message.string(Slot::ResultRequestState).is_some_and(|state| rounds::is_own(&state)) {
            return Some(Replacement::Malformed(Invalid::Reserved.into()));
        }
        if access::is_mistakable(&open.method, message) {
            return Some(Replacement::Malformed(Invalid::Lookalike.into()));
        }
        self.limits.output_schema?;
        let why = structured::misfit(&mut self.schemas, open, message)?;
        Some(Replacement::Misfit { why: self.repeated(&why) })
    }

    /// Why an answer may not go to the client for what it consists of and asks for.
    fn objection_to(&self, open: &Open, message: &Message<'_>) -> Option<Replacement> {
        if self.extra_methods.contains(&*open.method) {
            return None;
        }
        let asks_by_error =
            message.raw(Slot::ErrorCode).and_then(value::integer) == Some(methods::URL_ELICITATION_REQUIRED);
        if asks_by_error && !self.asking.elicitation {
            return Some(Replacement::InputRefused { method: methods::ELICITATION.to_owned() });
        }
        let asks = self.asking.refused_in(message);
        let asks = asks.map(|method| Replacement::InputRefused { method: refusal::clipped(&method) });
        asks.or_else(|| self.items.objection_to_embedded(message)).or_else(|| self.items.objection(message))
    }

    /// An error in the place of the answer.
    pub(super) fn replace(
        &mut self,
        id: &RequestId,
        open: &Open,
        reason: Replacement,
        bytes: u64,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let about = open.call.as_ref().map(|call| self.about(call));
        let text = refusal::replaced(&self.rules, about.as_ref(), &open.method, &reason);
        let line = match &open.call {
            Some(call) => self.answer(id, call, Code::Refused, &text),
            None => answer::error(Some(id), Code::Refused, &text, None),
        };
        out.facts.push(match &open.call {
            Some(call) => calls::ended(id, open, call, Outcome::Replaced(reason), bytes, now),
            None => Fact::AnswerReplaced { id: id.clone(), method: open.method.to_string(), reason },
        });
        Forward::Rewritten(line)
    }

    fn pass(
        &mut self,
        id: &RequestId,
        open: &Open,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        if let Some(call) = &open.call {
            let outcome = outcome(&open.method, message);
            if let Outcome::TaskStarted { task } = &outcome {
                self.tasks.created(task, &call.tool);
            }
            out.facts.push(calls::ended(id, open, call, outcome, message.bytes(), now));
        }
        if message.raw(Slot::Result).is_some() {
            out.facts.extend(self.session.answered(open, message));
            if &*open.method == "tools/list" {
                return self.list(id, open, message, now, out);
            }
            if let Some(line) = self.without_refused(open, message) {
                return Forward::Rewritten(line);
            }
        }
        let told = open.call.as_ref().and_then(|call| blocked::told(call, message));
        told.map_or(Forward::Unchanged, Forward::Rewritten)
    }

    fn list(
        &mut self,
        id: &RequestId,
        open: &Open,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let pins = self.pins.as_ref();
        let is_closed = |tool: &str| {
            let changed = || pins.and_then(|pins| pins.closed(::pins::List::Tools, tool));
            self.rules.closed(tool).is_some() || changed().is_some()
        };
        let Ok(cut) = listing::cut(message, is_closed, &mut self.schemas) else {
            return self.replace(id, open, Replacement::UnreadableList, message.bytes(), now, out);
        };
        if cut.hidden_count > 0 {
            out.facts.push(Fact::ToolsHidden { count: cut.hidden_count, names: cut.hidden });
        }
        if cut.dropped > 0 {
            out.facts.push(Fact::ToolsDropped { count: cut.dropped });
        }
        cut.line.map_or(Forward::Unchanged, Forward::Rewritten)
    }
}

/// How a call ended whose answer passes.
fn outcome(method: &str, message: &Message<'_>) -> Outcome {
    if let Some(code) = message.raw(Slot::ErrorCode).and_then(value::integer) {
        return Outcome::RpcError(code);
    }
    let result_type = message.string(Slot::ResultResultType);
    if result_type.as_deref() == Some("input_required") {
        return Outcome::InputRequired;
    }
    if method == "tools/call"
        && let Some(task) = created_task(message)
    {
        return Outcome::TaskStarted { task };
    }
    if message.raw(Slot::ResultIsError) == Some(b"true") { Outcome::ToolError } else { Outcome::Ok }
}

/// The task that a call has become: `result.taskId` (2026-07-28) or `result.task.taskId` (2025-11-25).
fn created_task(message: &Message<'_>) -> Option<String> {
    let nested = || {
        let task = message.raw(Slot::ResultTask).filter(|raw| value::is_object(raw))?;
        value::member(task, "taskId").and_then(value::string)
    };
    message.string(Slot::ResultTaskId).or_else(nested)
}
