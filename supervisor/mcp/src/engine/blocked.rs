//! What the kernel denied while a call was at the server, told in the call's answer if the call failed.
//!
//! A denial alone is no reason to touch an answer: runtimes look for files that they can do without. But a failed call
//! says "connection refused" or nothing at all where the reason is a rule, and a model that does not know it tries again.

use serde_json::json;

use super::Engine;
use super::flight::Call;
use crate::message::Message;
use crate::scan::Slot;
use crate::screen::replaced;
use crate::value;

/// Denials that one answer tells of; more are only counted.
const MOST: usize = 4;

/// The denials of one call.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    told: Vec<String>,
    more: u64,
}

impl Blocked {
    fn note(&mut self, what: &str) {
        if self.told.iter().any(|told| told == what) {
            return;
        }
        match self.told.len() < MOST {
            true => self.told.push(what.to_owned()),
            false => self.more += 1,
        }
    }

    /// The sentence for the answer; `None` if nothing was denied.
    fn sentence(&self, tool: &str) -> Option<String> {
        let more = if self.more > 0 { format!("; and {} more", self.more) } else { String::new() };
        let told = self.told.join("; ");
        (!self.told.is_empty()).then(|| format!("mcpguard blocked, while `{tool}` ran: {told}{more}"))
    }
}

impl Engine {
    /// The kernel denied something to the server: a sentence such as "connect to 10.0.0.5:22 (no rule allows it)".
    /// Every call that is at the server is told of it in its answer, should it fail; which of them it was, nobody knows.
    pub fn blocked(&mut self, what: &str) {
        self.flight.at_server_mut().for_each(|call| call.blocked.note(what));
    }
}

/// The answer of a failed call with what was denied meanwhile; `None` if it stays as it is.
pub(super) fn told(call: &Call, message: &Message<'_>) -> Option<Vec<u8>> {
    let failed = message.raw(Slot::ResultIsError) == Some(b"true") || message.raw(Slot::Error).is_some();
    let sentence = call.blocked.sentence(&call.tool).filter(|_| failed)?;
    in_content(message, &sentence).or_else(|| in_error(message, &sentence))
}

/// One more text at the end of `result.content`.
fn in_content(message: &Message<'_>, sentence: &str) -> Option<Vec<u8>> {
    let content = value::member(message.raw(Slot::Result)?, "content").filter(|raw| value::is_array(raw))?;
    let comma = if value::elements(content).next().is_some() { "," } else { "" };
    let text = format!("{comma}{}]", json!({ "type": "text", "text": sentence }));
    let (elements, _) = content.split_at(content.len() - 1);
    Some(replaced(message.line(), content, [elements, text.as_bytes()].concat()))
}

/// At the end of `error.message`.
fn in_error(message: &Message<'_>, sentence: &str) -> Option<Vec<u8>> {
    let told = value::member(message.raw(Slot::Error)?, "message")?;
    let longer = json!(format!("{} ({sentence})", value::string(told)?)).to_string();
    Some(replaced(message.line(), told, longer.into_bytes()))
}
