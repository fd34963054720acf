//! Tool calls: whether they go to the server, when, and how they end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use policy::plan::{Approval, OnViolation, RuleId};

use super::Engine;
use super::again::Refused;
use super::answer::{self, Form};
use super::approvals;
use super::arguments::Objection;
use super::blocked::Blocked;
use super::flight::{Call, Held, Open, Waiting};
use super::rates::{Empty, MINUTE};
use super::refusal::{self, About};
use super::rounds::{self, Resumed};
use super::rulebook::Terms;
use crate::fact::{Fact, Outcome, Refusal};
use crate::id::RequestId;
use crate::judgement::{End, Forward, Judgement};
use crate::message::Message;
use crate::scan::Slot;
use crate::value;

/// Bytes of a tool name that are accepted.
const MAX_NAME: usize = 512;

/// A call that is to be judged.
pub(super) struct Asked<'a> {
    pub(super) id: RequestId,
    pub(super) tool: String,
    pub(super) method: &'a str,
    pub(super) message: &'a Message<'a>,
    pub(super) terms: Terms,
    pub(super) form: Form,
    /// The protocol version that the request names itself.
    pub(super) version: Option<String>,
    /// The call was held and comes again.
    pub(super) resumed: Option<Resumed>,
}

impl Asked<'_> {
    /// Whether it is a call of its own, not a question about a task that an earlier call has started.
    fn is_new(&self) -> bool {
        self.method == "tools/call"
    }

    /// Whether it counts in the rates; one that comes again has counted.
    fn is_charged(&self) -> bool {
        self.is_new() && self.resumed.is_none()
    }
}

/// The tool that a call names, if the parameters can be judged. A name with control characters is none: a server
/// written in C would read it only up to a NUL.
pub(super) fn tool_name(message: &Message<'_>) -> Option<String> {
    let plain =
        |name: &String| !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    let arguments = message.raw(Slot::ParamsArguments).is_none_or(value::is_object_or_null);
    message.string(Slot::ParamsName).filter(plain).filter(|_| arguments)
}

impl Engine {
    /// Judges a call. The order: enabled, scopes, size, session rate, tool rate, calls at once, arguments,
    /// turn. A call that is refused at once uses up nothing; one that waits has counted, whatever becomes of it.
    pub(super) fn call(&mut self, asked: Asked<'_>, now: Instant, out: &mut Judgement) -> Forward {
        let turn = match self.turn(&asked, now) {
            Ok(turn) => turn,
            Err((reason, rule)) => {
                self.reject(asked, reason, rule, out);
                return Forward::Nothing;
            }
        };
        let screened = |engine: &Self, out: &mut Judgement| engine.found_in(&asked, &mut out.facts);
        if let Some(objection) = self.objection(&asked).or_else(|| screened(self, out)) {
            let text = refusal::objected(&self.rules, &asked.tool, &objection);
            self.refuse(asked, objection.reason, objection.rule, text, out);
            return Forward::Nothing;
        }
        self.charge(&asked, now);
        self.admit(asked, turn, now, out)
    }

    fn reject(&mut self, asked: Asked<'_>, reason: Refusal, rule: RuleId, out: &mut Judgement) {
        let why = self.rules.rule(&asked.tool).reason.as_deref();
        let about = About { tool: &asked.tool, rule, why, timeout: None };
        let text = refusal::refused(&self.rules, &about, reason);
        let whole = matches!(reason, Refusal::SessionRate { .. } | Refusal::TooManyCalls { .. });
        self.refuse(asked, reason, (!whole).then_some(rule), text, out);
    }

    /// When the call may go to the server, if not at once; or why it does not, and the rule that says so.
    fn turn(&self, asked: &Asked<'_>, now: Instant) -> Result<Option<Instant>, (Refusal, RuleId)> {
        let closed = self.shut(&asked.tool);
        let denied = asked.resumed.as_ref().filter(|resumed| resumed.held.denied);
        match closed.or_else(|| denied.map(|denied| (Refusal::Denied, denied.held.approval.from))) {
            Some(closed) => Err(closed),
            None => self.limit(asked, now).map_err(|refusal| (refusal, asked.terms.from)),
        }
    }

    /// Why the tool is closed, by the policy or for what the server shows of it.
    pub(super) fn shut(&self, tool: &str) -> Option<(Refusal, RuleId)> {
        self.rules.closed(tool).or_else(|| self.poisoned(tool)).or_else(|| self.quarantined(tool))
    }

    /// Why its arguments do not pass.
    pub(super) fn objection(&mut self, asked: &Asked<'_>) -> Option<Objection> {
        let arguments =
            asked.is_new().then(|| asked.message.raw(Slot::ParamsArguments).unwrap_or_default())?;
        let (rule, wants_answer) = (self.rules.rule(&asked.tool), self.limits.output_schema);
        self.arguments.objection(&asked.tool, rule, arguments, &mut self.schemas, wants_answer)
    }

    /// What its arguments hold that may not go to the server.
    pub(super) fn found_in(&self, asked: &Asked<'_>, facts: &mut Vec<Fact>) -> Option<Objection> {
        let (what, rule) = self.screened_arguments(asked.method, Some(&asked.tool), asked.message, facts)?;
        let sentence = format!("its arguments hold {what}");
        Some(Objection { reason: Refusal::Content, rule: Some(rule), sentence })
    }

    fn limit(&self, asked: &Asked<'_>, now: Instant) -> Result<Option<Instant>, Refusal> {
        let Terms { max_request_bytes, exclusive, approval, .. } = asked.terms;
        let bytes = asked.message.bytes();
        if let Some(limit) = max_request_bytes.filter(|limit| bytes > *limit) {
            return Err(Refusal::RequestTooLarge { limit });
        }
        let wait = if asked.is_charged() { self.rate(asked, now)? } else { None };
        let (limit, asked_about) = (self.limits.calls_at_once, self.flight.asked());
        // A call that waits for its client is in nobody's way; there may be as many of them beside the others.
        let held = approval.is_some() && asked.is_new();
        if self.flight.calls() - asked_about >= limit || (held && asked_about >= limit) {
            return Err(Refusal::TooManyCalls { limit: self.limits.calls_at_once });
        }
        let full = self.flight.queued_bytes() + bytes > self.limits.message_bytes;
        let waits = held || wait.is_some() || self.flight.must_wait(exclusive);
        if full && waits {
            return Err(Refusal::QueueFull);
        }
        Ok(wait.and_then(|wait| now.checked_add(wait)))
    }

    /// How long the rates make the call wait, if they do; or that it comes too soon.
    fn rate(&self, asked: &Asked<'_>, now: Instant) -> Result<Option<Duration>, Refusal> {
        let Terms { per_minute, throttle, .. } = asked.terms;
        let mut wait = None;
        if let Some(limit) = self.limits.calls_per_minute
            && let Err(Empty { retry }) = self.session_bucket.check(limit, now)
        {
            let throttled = self.throttled(asked, self.limits.throttle, retry);
            wait = Some(throttled.ok_or(Refusal::SessionRate { limit, retry })?);
        }
        if let Some(limit) = per_minute
            && let key = &self.rules.rule(&asked.tool).key
            && let Err(Empty { retry }) = self.tool_buckets.check(&asked.tool, key, limit, now)
        {
            let throttled = self.throttled(asked, throttle, retry);
            wait = wait.max(Some(throttled.ok_or(Refusal::ToolRate { limit, retry })?));
        }
        Ok(wait)
    }

    /// How long the call waits for a token, where it may and is not longer in coming than its own time.
    fn throttled(&self, asked: &Asked<'_>, throttle: bool, retry: Option<Duration>) -> Option<Duration> {
        let most = asked.terms.timeout.unwrap_or(MINUTE);
        retry.filter(|retry| throttle && *retry <= most)
    }

    fn charge(&mut self, asked: &Asked<'_>, now: Instant) {
        if !asked.is_charged() {
            return;
        }
        if let Some(limit) = self.limits.calls_per_minute {
            self.session_bucket.take(limit, now);
        }
        if let Some(limit) = asked.terms.per_minute {
            let key = &self.rules.rule(&asked.tool).key;
            self.tool_buckets.take(&asked.tool, key, limit, now);
        }
    }

    /// Sends the call on, or keeps it until its turn comes.
    fn admit(
        &mut self,
        asked: Asked<'_>,
        turn: Option<Instant>,
        now: Instant,
        out: &mut Judgement,
    ) -> Forward {
        let (held, approved) = self.holds(&asked);
        let turn = asked.resumed.as_ref().map_or(turn, |resumed| resumed.turn.filter(|turn| *turn > now));
        let Asked { id, tool, method, message, terms, form, version, resumed } = asked;
        let patience = match (&held, &resumed) {
            (None, _) => terms.timeout,
            (Some(_), None) => Some(self.approvals.timeout),
            (Some(_), Some(resumed)) => resumed.patience(now),
        };
        // A timeout beyond what an `Instant` can hold never comes.
        let begin = turn.filter(|_| held.is_none()).unwrap_or(now);
        let deadline = patience.and_then(|patience| begin.checked_add(patience));
        let (is_held, is_told) = (held.is_some(), resumed.is_some());
        let waits = is_held || turn.is_some() || self.flight.must_wait(terms.exclusive);
        let arguments = message.outline().span(Slot::ParamsArguments);
        let waiting =
            waits.then(|| Waiting { line: message.line().to_vec(), arguments, held, approved, turn });
        let (seq, arrived) = match resumed {
            Some(resumed) => (resumed.seq, resumed.arrived),
            None => (self.next_seq(), now),
        };
        let call = Call {
            seq,
            tool,
            rule: terms.from,
            class: terms.class,
            exclusive: terms.exclusive,
            timeout: terms.timeout,
            max_response_bytes: terms.max_response_bytes,
            form,
            blocked: Blocked::default(),
            waiting,
        };
        let method = method.into();
        let open = Open { method, arrived, deadline, version, client: None, cursor: false, call: Some(call) };
        self.flight.add(id.clone(), open);
        if is_held && !is_told {
            self.note_held(&id, now, out);
        }
        if waits {
            return Forward::Nothing;
        }
        let arguments = message.raw(Slot::ParamsArguments).unwrap_or_default().to_vec();
        self.note_admitted(id, arguments, message.bytes(), now, out);
        Forward::Unchanged
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// What the call is held for, if it is; and how many have approved it.
    fn holds(&self, asked: &Asked<'_>) -> (Option<Held>, u8) {
        let Some(approval) = asked.terms.approval.filter(|_| asked.is_new()) else { return (None, 0) };
        let held = match &asked.resumed {
            Some(Resumed { held, .. }) => Held { approval, asked: false, ..held.clone() },
            None => self.newly_held(approval, asked),
        };
        match held.missing() {
            0 => (None, u8::try_from(held.given.len()).unwrap_or(u8::MAX)),
            _ => (Some(held), 0),
        }
    }

    fn newly_held(&self, approval: Approval, asked: &Asked<'_>) -> Held {
        let arguments = asked.message.raw(Slot::ParamsArguments).unwrap_or_default();
        let modern = asked.form == Form::ModernToolResult && approvals::is_shown_whole(arguments);
        Held {
            approval,
            given: BTreeSet::new(),
            digest: approvals::digest(&asked.tool, arguments),
            asked: self.approvals.ask_client && modern && rounds::can_be_asked(asked.message),
            denied: false,
        }
    }

    fn note_admitted(
        &self,
        id: RequestId,
        arguments: Vec<u8>,
        bytes: u64,
        now: Instant,
        out: &mut Judgement,
    ) {
        let Some(open) = self.flight.get(&id) else { return };
        let Some(call) = &open.call else { return };
        out.facts.push(Fact::CallAdmitted {
            seq: call.seq,
            tool: call.tool.clone(),
            method: open.method.to_string(),
            rule: call.rule,
            arguments,
            bytes,
            active: self.flight.active(),
            waited: now.saturating_duration_since(open.arrived),
            id,
        });
    }

    /// Sends on the waiting calls whose turn has come.
    pub(super) fn start_waiting(&mut self, now: Instant, out: &mut Judgement) {
        while let Some(ready) = self.flight.ready() {
            // The server may have shown the tool otherwise while it waited.
            if let Some(refused) = self.shut_meanwhile(&ready) {
                self.refuse_waiting(&ready, refused, out);
                continue;
            }
            let Some((id, waiting)) = self.flight.release() else { return };
            let arguments = waiting.arguments().to_vec();
            self.note_admitted(id, arguments, waiting.line.len() as u64, now, out);
            out.to_server.push(waiting.line);
        }
    }

    pub(super) fn time_out(&mut self, id: RequestId, now: Instant, out: &mut Judgement) {
        if self.flight.held_mut(&id).is_some() {
            return self.refuse_held(&id, Refusal::NotApproved, out);
        }
        if !self.flight.is_at_server(&id) {
            let late = Refused { reason: Refusal::WaitedTooLong, rule: None, sentence: None };
            return self.refuse_waiting(&id, late, out);
        }
        let open = self.close_call(&id, Outcome::TimedOut, Refusal::WaitedTooLong, now, out);
        let Some(call) = open.as_ref().and_then(|open| open.call.as_ref()) else { return };
        let text = refusal::timed_out(&self.rules, &self.about(call));
        out.to_client.push(self.answer(&id, call, answer::Code::TimedOut, &text));
        out.to_server.push(answer::cancelled(&id, "mcpguard: no answer in time"));
        self.flight.settle(id);
    }

    /// Closes a call and notes how: `outcome` if it was at the server, `refusal` if it still waited. Sends nothing.
    pub(super) fn close_call(
        &mut self,
        id: &RequestId,
        outcome: Outcome,
        refusal: Refusal,
        now: Instant,
        out: &mut Judgement,
    ) -> Option<Open> {
        let open = self.flight.remove(id)?;
        let call = open.call.as_ref()?;
        match &call.waiting {
            None => out.facts.push(ended(id, &open, call, outcome, 0, now)),
            Some(waiting) => out.facts.push(Fact::CallRefused {
                id: id.clone(),
                tool: call.tool.clone(),
                method: open.method.to_string(),
                rule: Some(call.rule),
                reason: refusal,
                text: refusal::refused(&self.rules, &self.about(call), refusal),
                arguments: waiting.arguments().to_vec(),
                bytes: waiting.line.len() as u64,
            }),
        }
        Some(open)
    }

    pub(super) fn about<'a>(&'a self, call: &'a Call) -> About<'a> {
        About { tool: &call.tool, rule: call.rule, why: None, timeout: call.timeout }
    }

    pub(super) fn answer(&self, id: &RequestId, call: &Call, code: answer::Code, text: &str) -> Vec<u8> {
        answer::call(id, call.form, code, text, refusal::data(&self.rules, Some(call.rule)))
    }

    /// Tells the client why the call does not go to the server, and writes it down.
    fn refuse(
        &mut self,
        asked: Asked<'_>,
        reason: Refusal,
        rule: Option<RuleId>,
        text: String,
        out: &mut Judgement,
    ) {
        let arguments = asked.message.raw(Slot::ParamsArguments).unwrap_or_default().to_vec();
        let bytes = asked.message.bytes();
        let Asked { id, tool, method, form, .. } = asked;
        let data = refusal::data(&self.rules, rule);
        out.to_client.push(answer::call(&id, form, refusal::code(reason), &text, data));
        let method = method.to_owned();
        self.note_refused(Fact::CallRefused { id, tool, method, rule, reason, text, arguments, bytes }, out);
    }

    /// Writes a refusal down, and ends the session where the policy wants that.
    pub(super) fn note_refused(&self, refused: Fact, out: &mut Judgement) {
        if let Fact::CallRefused { tool, rule, reason, .. } = &refused
            && reason.is_violation()
            && self.on_refusal == OnViolation::Kill
        {
            out.end = Some(End::Violation { tool: tool.clone(), rule: *rule });
        }
        out.facts.push(refused);
    }
}

pub(super) fn ended(
    id: &RequestId,
    open: &Open,
    call: &Call,
    outcome: Outcome,
    bytes: u64,
    now: Instant,
) -> Fact {
    Fact::CallEnded {
        seq: call.seq,
        id: id.clone(),
        tool: call.tool.clone(),
        rule: call.rule,
        outcome,
        duration: now.saturating_duration_since(open.arrived),
        bytes,
    }
}
