//! Calls that are held until somebody has approved them.
//!
//! ```text
//! client ── call ──► held ──► told of (fact), and the client asked where the policy says so
//!                     ├─ decide: enough approvers ─► its turn, with its grants from then on
//!                     ├─ decide: denied            ─► an error to the client
//!                     └─ its time is up            ─► an error to the client
//! ```
//! An approval is of one call with exactly these arguments: it names their digest. An approver counts once.

use std::time::{Duration, Instant};

use content::invisible;
use policy::plan::RuleId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::again::Refused;
use super::flight::Open;
use super::{Engine, answer, rounds};
use crate::fact::{Fact, Refusal};
use crate::id::RequestId;
use crate::judgement::Judgement;
use crate::message::Message;
use crate::scan::Slot;
use crate::value;

/// How ids of the doorman's own requests begin; a server may not use them.
pub(super) const OWN_ID: &str = "mcpguard/";
/// Bytes of arguments that a client's person can be shown. About longer ones the client is not asked: nobody can approve what
/// is not seen. `mcpguard approvals` shows them.
const SHOWN: usize = 16_000;
/// Who answers at the client.
pub(super) const CLIENT: &str = "client";

/// A call that waits for its approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCall {
    /// The number of the call.
    pub seq: u64,
    /// The tool.
    pub tool: String,
    /// Raw JSON; empty if the call has none.
    pub arguments: Vec<u8>,
    /// SHA-256 over tool and arguments, in hex.
    pub digest: String,
    /// The rule that wants the approval.
    pub rule: RuleId,
    /// How many must approve.
    pub approvers: u8,
    /// Who has.
    pub given: Vec<String>,
    /// How long it has waited.
    pub waited: Duration,
    /// How long it still waits.
    pub left: Duration,
}

/// What somebody says about a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may go to the server.
    Approve,
    /// It may not.
    Deny,
}

/// Why a decision changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// Answered, cancelled, timed out, or never there.
    #[error("no such call waits for an approval any more")]
    Gone,
    /// The arguments that were looked at are not those of the call.
    #[error("the call's arguments are not those that were looked at")]
    Changed,
    /// The policy wants two different approvers.
    #[error("this approver has approved it already, and the policy wants another one as well")]
    Again,
}

/// Whether a client's person can be shown arguments as a whole.
pub(super) fn is_shown_whole(arguments: &[u8]) -> bool {
    arguments.len() <= SHOWN
}

/// What an approval is bound to.
pub(super) fn digest(tool: &str, arguments: &[u8]) -> String {
    let hash = Sha256::new().chain_update(tool).chain_update([0]).chain_update(arguments).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Engine {
    /// The calls that wait for their approval, in the order of arrival.
    pub fn held(&self, now: Instant) -> Vec<HeldCall> {
        let undecided = |id: &RequestId| self.flight.held_of(id).is_some_and(|held| !held.is_decided());
        let held = self.flight.open_calls().into_iter().filter(undecided);
        held.filter_map(|id| held_call(self.flight.get(&id)?, now)).collect()
    }

    /// Somebody decides about a held call. `by` names the approver: the same name counts once.
    ///
    /// # Errors
    /// Nothing changes: there is no such call, it is another one, or `by` has approved it before.
    pub fn decide(
        &mut self,
        seq: u64,
        digest: &str,
        by: &str,
        decision: Decision,
        now: Instant,
    ) -> Result<Judgement, Undecided> {
        let id = self.flight.held().find(|(_, call)| call.seq == seq).map(|(id, _)| id.clone());
        let id = id.ok_or(Undecided::Gone)?;
        let mut out = Judgement::default();
        let held = self.flight.held_mut(&id).filter(|held| !held.is_decided()).ok_or(Undecided::Gone)?;
        if held.digest != digest {
            return Err(Undecided::Changed);
        }
        if decision == Decision::Approve && !held.given.insert(by.to_owned()) {
            return Err(Undecided::Again);
        }
        held.denied = decision == Decision::Deny;
        let (missing, asked) = (held.missing(), held.asked);
        self.note_decision(&id, by, decision, missing, &mut out);
        match decision {
            // It has its answer already: the client comes again.
            _ if asked => {}
            Decision::Deny => self.refuse_held(&id, Refusal::Denied, &mut out),
            Decision::Approve => {
                // What it is judged by may be another thing than when it came.
                let refused = self.refused_now(&id, &mut out.facts);
                match refused {
                    Some(refused) => self.refuse_waiting(&id, refused, &mut out),
                    None if missing == 0 => {
                        self.retract(&id, &mut out);
                        self.flight.approve(&id, now);
                        self.start_waiting(now, &mut out);
                    }
                    None => {}
                }
            }
        }
        Ok(out)
    }

    pub(super) fn note_decision(
        &self,
        id: &RequestId,
        by: &str,
        decision: Decision,
        missing: usize,
        out: &mut Judgement,
    ) {
        let Some(call) = self.flight.get(id).and_then(|open| open.call.as_ref()) else { return };
        let Some(held) = call.waiting.as_ref().and_then(|waiting| waiting.held.as_ref()) else { return };
        out.facts.push(Fact::CallDecided {
            seq: call.seq,
            tool: call.tool.clone(),
            rule: held.approval.from,
            by: by.to_owned(),
            decision,
            digest: held.digest.clone(),
            missing: u8::try_from(missing).unwrap_or(u8::MAX),
        });
    }

    /// A call is held from now on: it is told of, and the client is asked where that is wanted.
    pub(super) fn note_held(&mut self, id: &RequestId, now: Instant, out: &mut Judgement) {
        let Some(held) = self.flight.get(id).and_then(|open| held_call(open, now)) else { return };
        if self.flight.held_of(id).is_some_and(|held| held.asked) {
            out.to_client.push(rounds::question(id, &held));
        } else if self.asks_beside(id) {
            let own = RequestId::Text(format!("{OWN_ID}{}", held.seq).into());
            out.to_client.push(question(&own, &held));
            self.questions.insert(own, id.clone());
        }
        let HeldCall { seq, tool, arguments, digest, rule, approvers, .. } = held;
        let id = id.clone();
        out.facts.push(Fact::CallHeld { seq, id, tool, rule, arguments, digest, approvers });
    }

    /// Whether the client is asked about this call by a request of the doorman's own.
    fn asks_beside(&self, id: &RequestId) -> bool {
        let modern = self.flight.get(id).is_some_and(|open| open.version.is_some());
        let shown = self.flight.get(id).and_then(|open| open.call.as_ref()?.waiting.as_ref());
        let whole = shown.is_some_and(|waiting| is_shown_whole(waiting.arguments()));
        self.approvals.ask_client && self.client_can_be_asked && !modern && whole
    }

    /// The client says something to a question of the doorman's own; the server never hears of it.
    pub(super) fn answered_question(
        &mut self,
        own: &RequestId,
        message: &Message<'_>,
        now: Instant,
        out: &mut Judgement,
    ) {
        let Some(id) = self.questions.remove(own) else { return };
        let Some(decision) = message.raw(Slot::Result).and_then(decision) else { return };
        let call = self.flight.get(&id).and_then(|open| held_call(open, now));
        let Some(HeldCall { seq, digest, .. }) = call else { return };
        if let Ok(judgement) = self.decide(seq, &digest, CLIENT, decision, now) {
            out.facts.extend(judgement.facts);
            out.to_server.extend(judgement.to_server);
            out.to_client.extend(judgement.to_client);
            out.end = out.end.take().or(judgement.end);
        }
    }

    /// Whether the id is that of a question of the doorman's own.
    pub(super) fn is_own_question(&self, id: &RequestId) -> bool {
        matches!(id, RequestId::Text(text) if text.starts_with(OWN_ID))
    }

    /// Takes back the question about a call that is decided.
    pub(super) fn retract(&mut self, id: &RequestId, out: &mut Judgement) {
        let own = self.questions.iter().find(|(_, call)| *call == id).map(|(own, _)| own.clone());
        if let Some(own) = own {
            self.questions.remove(&own);
            out.to_client.push(answer::cancelled(&own, "mcpguard: it is decided"));
        }
    }

    /// Refuses a held call; for a denial, if somebody has denied it since.
    pub(super) fn refuse_held(&mut self, id: &RequestId, why: Refusal, out: &mut Judgement) {
        let held = self.flight.held_of(id);
        let reason = if held.is_some_and(|held| held.denied) { Refusal::Denied } else { why };
        let rule = held.map(|held| held.approval.from);
        self.refuse_waiting(id, Refused { reason, rule, sentence: None }, out);
    }

    /// What the client says of itself when it opens the session: whether its person can be asked (MCP 2025-06-18,
    /// "Elicitation", "Capabilities"; from 2025-11-25 on `form` is one of two modes, and the one of an empty object).
    pub(super) fn note_capabilities(&mut self, message: &Message<'_>) {
        let params = message.raw(Slot::Params).filter(|raw| value::is_object(raw));
        let capabilities = params.and_then(|params| value::member(params, "capabilities"));
        self.client_can_be_asked = capabilities.is_some_and(has_forms);
    }
}

/// Whether these capabilities say that the client's person can be asked with a form.
pub(super) fn has_forms(capabilities: &[u8]) -> bool {
    let modes = object_in(capabilities, "elicitation");
    modes.is_some_and(|raw| value::members(raw).next().is_none() || value::member(raw, "form").is_some())
}

fn object_in<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let object = Some(object).filter(|raw| value::is_object(raw))?;
    value::member(object, key).filter(|raw| value::is_object(raw))
}

fn held_call(open: &Open, now: Instant) -> Option<HeldCall> {
    let call = open.call.as_ref()?;
    let waiting = call.waiting.as_ref()?;
    let held = waiting.held.as_ref()?;
    Some(HeldCall {
        seq: call.seq,
        tool: call.tool.clone(),
        arguments: waiting.arguments().to_vec(),
        digest: held.digest.clone(),
        rule: held.approval.from,
        approvers: held.approval.approvers,
        given: held.given.iter().cloned().collect(),
        waited: now.saturating_duration_since(open.arrived),
        left: open.deadline.map(|deadline| deadline.saturating_duration_since(now)).unwrap_or_default(),
    })
}

/// `elicitation/create` in the form mode, as a request of its own.
fn question(own: &RequestId, held: &HeldCall) -> Vec<u8> {
    let (id, method) = (answer::id(Some(own)), super::methods::ELICITATION);
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": form(held) }).to_string().into_bytes()
}

/// What the person is asked, and what can be said.
pub(super) fn form(held: &HeldCall) -> Value {
    let message = format!(
        "mcpguard holds a call of the tool `{}` with the arguments {}. May it be carried out?",
        invisible::made_visible(&held.tool),
        invisible::made_visible(&value::plainly(&held.arguments))
    );
    let approve = json!({ "type": "boolean", "title": "Carry it out", "default": false });
    let schema = json!({ "type": "object", "properties": { "approve": approve }, "required": ["approve"] });
    json!({ "message": message, "requestedSchema": schema })
}

/// What the client's person has decided; `None`: nothing.
pub(super) fn decision(result: &[u8]) -> Option<Decision> {
    let result: Value = serde_json::from_slice(result).ok()?;
    match result["action"].as_str()? {
        "accept" if result["content"]["approve"] == true => Some(Decision::Approve),
        "accept" | "decline" => Some(Decision::Deny),
        _ => None,
    }
}
