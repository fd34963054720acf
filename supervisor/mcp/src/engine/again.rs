//! Calls that wait are judged again: when somebody approves them, when another policy holds, when their turn comes. What was
//! right when they came may not be so any more.

use policy::plan::RuleId;

use super::arguments::Objection;
use super::calls::Asked;
use super::flight::Call;
use super::rulebook::Terms;
use super::{Engine, answer, refusal};
use crate::fact::{Fact, Refusal};
use crate::id::RequestId;
use crate::judgement::Judgement;
use crate::message::Message;

/// Why a call that waits may not go to the server as things are now.
pub(super) struct Refused {
    pub(super) reason: Refusal,
    pub(super) rule: Option<RuleId>,
    /// What is wrong with its arguments, if it is for them.
    pub(super) sentence: Option<String>,
}

impl From<(Refusal, RuleId)> for Refused {
    fn from((reason, rule): (Refusal, RuleId)) -> Self {
        Self { reason, rule: Some(rule), sentence: None }
    }
}

impl From<Objection> for Refused {
    fn from(Objection { reason, rule, sentence }: Objection) -> Self {
        Self { reason, rule, sentence: Some(sentence) }
    }
}

impl Engine {
    /// Whether its tool was closed since it came.
    pub(super) fn shut_meanwhile(&self, id: &RequestId) -> Option<Refused> {
        let call = self.flight.get(id)?.call.as_ref()?;
        self.shut(&call.tool).map(Refused::from)
    }

    /// Everything that a new call is judged by but rates and turns.
    pub(super) fn refused_now(&mut self, id: &RequestId, facts: &mut Vec<Fact>) -> Option<Refused> {
        if let Some(refused) = self.shut_meanwhile(id) {
            return Some(refused);
        }
        let open = self.flight.get(id)?;
        let (method, call) = (open.method.clone(), open.call.as_ref()?);
        let (tool, form, line) = (call.tool.clone(), call.form, call.waiting.as_ref()?.line.clone());
        let Ok(outline) = self.scanner.whole(&line) else {
            // It was read when it came; what cannot be read once more is not sent.
            let sentence = Some("its message cannot be read again".to_owned());
            return Some(Refused { reason: Refusal::Argument, rule: None, sentence });
        };
        let message = &Message::new(&line, &outline);
        let terms = Terms::from(self.rules.rule(&tool));
        if let Some(limit) = terms.max_request_bytes.filter(|limit| message.bytes() > *limit) {
            return Some((Refusal::RequestTooLarge { limit }, terms.from).into());
        }
        let (id, version, resumed) = (id.clone(), None, None);
        let asked = Asked { id, tool, method: &method, message, terms, form, version, resumed };
        self.objection(&asked).or_else(|| self.found_in(&asked, facts)).map(Refused::from)
    }

    /// Refuses a call that waits. One that has its answer already is only over.
    pub(super) fn refuse_waiting(&mut self, id: &RequestId, refused: Refused, out: &mut Judgement) {
        self.retract(id, out);
        let answered = self.flight.held_of(id).is_some_and(|held| held.asked);
        let Some(open) = self.flight.remove(id) else { return };
        let Some(call) = &open.call else { return };
        let Some(waiting) = &call.waiting else { return };
        let reason = refused.reason;
        let rule = refused.rule.unwrap_or(call.rule);
        let text = self.sentence_for(call, refused);
        if !answered {
            let data = refusal::data(&self.rules, Some(rule));
            out.to_client.push(answer::call(id, call.form, refusal::code(reason), &text, data));
        }
        let fact = Fact::CallRefused {
            id: id.clone(),
            tool: call.tool.clone(),
            method: open.method.to_string(),
            rule: Some(rule),
            reason,
            text,
            arguments: waiting.arguments().to_vec(),
            bytes: waiting.line.len() as u64,
        };
        self.note_refused(fact, out);
    }

    fn sentence_for(&self, call: &Call, refused: Refused) -> String {
        let Refused { reason, rule, sentence } = refused;
        if let Some(sentence) = sentence {
            return refusal::objected(&self.rules, &call.tool, &Objection { reason, rule, sentence });
        }
        let why = self.rules.rule(&call.tool).reason.as_deref();
        let about = refusal::About { why, rule: rule.unwrap_or(call.rule), ..self.about(call) };
        refusal::refused(&self.rules, &about, reason)
    }
}
