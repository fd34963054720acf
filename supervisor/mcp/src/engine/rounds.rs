//! Approvals in revision 2026-07-28, where the client's person is asked in the answer to the call itself
//! (MCP 2026-07-28, "Multi Round-Trip Requests").
//!
//! ```text
//! client ── call ──► held, told of; its answer asks the person, with the call's number as `requestState`
//!                     ├─ others decide meanwhile: it is kept in mind
//!                     └─ its time is up: it is over, and nobody is told under an id that has its answer
//! client ── the call again, what the person says beside it ──► the same call under its new id
//! ```
//! What was only between the client and the doorman is taken out of the message again, so that the server sees one call.

use std::time::{Duration, Instant};

use serde_json::json;

use super::approvals::{CLIENT, OWN_ID, decision, digest, form};
use super::flight::{Held, Open};
use super::{Decision, Engine, HeldCall, answer, methods, negotiation};
use crate::id::RequestId;
use crate::judgement::Judgement;
use crate::message::Message;
use crate::scan::Slot;
use crate::screen;
use crate::value;

/// The name of the doorman's own request among those of a result.
const OWN_REQUEST: &str = "mcpguard";
/// What a round adds to the parameters of a request.
const OF_A_ROUND: [&str; 2] = ["requestState", "inputResponses"];

/// A held call that has come again.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) seq: u64,
    pub(super) held: Held,
    pub(super) turn: Option<Instant>,
    pub(super) arrived: Instant,
    pub(super) deadline: Option<Instant>,
    /// The line that it came as first.
    line: Vec<u8>,
}

/// Whether the client says in this request that its person can be asked with a form.
pub(super) fn can_be_asked(message: &Message<'_>) -> bool {
    let capabilities = negotiation::meta(message, methods::META_CAPABILITIES);
    capabilities.is_some_and(super::approvals::has_forms)
}

/// Whether the state of a round is one of the doorman's own.
pub(super) fn is_own(state: &str) -> bool {
    state.starts_with(OWN_ID)
}

/// A round of the doorman's own that a request goes on with: the number of its call, if it can be one.
pub(super) fn own_round(message: &Message<'_>) -> Option<Option<u64>> {
    let state = message.string(Slot::ParamsRequestState)?;
    Some(state.strip_prefix(OWN_ID)?.parse().ok())
}

/// The answer to a held call that asks the client's person.
pub(super) fn question(id: &RequestId, held: &HeldCall) -> Vec<u8> {
    let mut params = form(held);
    params["mode"] = json!("form");
    let request = json!({ "method": methods::ELICITATION, "params": params });
    let result = json!({
        "resultType": "input_required",
        "inputRequests": { OWN_REQUEST: request },
        "requestState": format!("{OWN_ID}{}", held.seq),
    });
    json!({ "jsonrpc": "2.0", "id": answer::id(Some(id)), "result": result }).to_string().into_bytes()
}

/// What the client's person says in the request that comes again.
fn said(message: &Message<'_>) -> Option<Decision> {
    let responses = message.raw(Slot::ParamsInputResponses).filter(|raw| value::is_object(raw))?;
    decision(value::member(responses, OWN_REQUEST)?)
}

/// The request without a round of the doorman's: what it was about is over.
pub(super) fn without_round(message: &Message<'_>) -> Vec<u8> {
    let of_a_round = |key: &[u8]| OF_A_ROUND.iter().any(|name| value::unescaped(key).eq(name.bytes()));
    let params = message.raw(Slot::Params).unwrap_or_default();
    let members = value::members(params).filter(|(key, _)| !of_a_round(key));
    let members: Vec<_> = members.map(|(key, raw)| [b"\"", key, b"\":", raw].concat()).collect();
    screen::replaced(message.line(), params, [b"{", &members.join(&b',')[..], b"}"].concat())
}

/// The held call under the id that it comes again with, and nothing else of what comes: what was looked at is what is sent.
pub(super) fn under(first: &Resumed, message: &Message<'_>) -> Vec<u8> {
    let id = value::member(&first.line, "id").unwrap_or_default();
    screen::replaced(&first.line, id, message.raw(Slot::Id).unwrap_or_default().to_vec())
}

impl Engine {
    /// The held call that comes again in this message, with what the client's person says; it is not in flight any more.
    /// `None` if there is none, or it is another call: then it is one of its own.
    pub(super) fn resumed(
        &mut self,
        tool: &str,
        seq: u64,
        message: &Message<'_>,
        out: &mut Judgement,
    ) -> Option<Resumed> {
        let id = self.flight.held().find(|(_, call)| call.seq == seq).map(|(id, _)| id.clone())?;
        let arguments = message.raw(Slot::ParamsArguments).unwrap_or_default();
        let held = self.flight.held_mut(&id)?;
        if !held.asked || held.digest != digest(tool, arguments) {
            return None;
        }
        if self.approvals.ask_client
            && let Some(decision) = said(message)
        {
            self.client_says(&id, decision, out);
        }
        resumed_from(self.flight.remove(&id)?)
    }

    fn client_says(&mut self, id: &RequestId, decision: Decision, out: &mut Judgement) {
        let Some(held) = self.flight.held_mut(id) else { return };
        match decision {
            Decision::Approve => drop(held.given.insert(CLIENT.to_owned())),
            Decision::Deny => held.denied = true,
        }
        let missing = held.missing();
        self.note_decision(id, CLIENT, decision, missing, out);
    }

    /// Whether the id is that of a call whose answer was a question, and this the call that comes again: an answered id is
    /// free, although MCP wants a new one.
    pub(super) fn comes_again(&self, id: &RequestId, method: &str, message: &Message<'_>) -> bool {
        let held = self.flight.held().find(|(held, _)| *held == id).map(|(_, call)| call.seq);
        let asked = self.flight.held_of(id).is_some_and(|held| held.asked);
        asked && method == "tools/call" && held.is_some() && held == own_round(message).flatten()
    }

    /// Whether a call waits for its client to come back with what its person says, whatever others have decided.
    pub fn waits_for_client(&self, seq: u64) -> bool {
        self.flight
            .held()
            .any(|(id, call)| call.seq == seq && self.flight.held_of(id).is_some_and(|held| held.asked))
    }
}

fn resumed_from(open: Open) -> Option<Resumed> {
    let call = open.call?;
    let waiting = call.waiting?;
    let held = waiting.held?;
    let (arrived, deadline) = (open.arrived, open.deadline);
    Some(Resumed { seq: call.seq, held, turn: waiting.turn, arrived, deadline, line: waiting.line })
}

impl Resumed {
    /// Until when it waits for others: not longer because it came again.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }
}
