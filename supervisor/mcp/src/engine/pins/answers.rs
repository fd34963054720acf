//! What the server answers, as far as pins are about it: lists are compared, instructions and prompts withheld.

use pins::{List, Lock, Told};
use policy::plan::RuleId;

use super::Pins;
use crate::engine::flight::Open;
use crate::engine::{Engine, methods};
use crate::fact::{Fact, Refusal};
use crate::message::Message;
use crate::scan::Slot;
use crate::screen::{replaced, with_only};
use crate::value;

/// The list that a method asks for, and the member that holds it. Resources are the data itself, which changes.
fn listed(method: &str) -> Option<(List, &'static str)> {
    match method {
        "tools/list" => Some((List::Tools, "tools")),
        "prompts/list" => Some((List::Prompts, "prompts")),
        _ => None,
    }
}

impl Engine {
    /// Compares what the server shows with what is pinned. A line in which something is withheld, and what is to be told.
    pub(in crate::engine) fn compared(
        &mut self,
        open: &Open,
        message: &Message<'_>,
        facts: &mut Vec<Fact>,
    ) -> Option<Vec<u8>> {
        let pins = self.pins.as_mut()?;
        let result = message.raw(Slot::Result).filter(|raw| value::is_object(raw))?;
        if matches!(&*open.method, "initialize" | "server/discover") {
            let line = withheld(pins, message, result);
            facts.extend(pins.met_told());
            return line;
        }
        let (list, key) = listed(&open.method)?;
        let elements = value::member(result, key).filter(|raw| value::is_array(raw))?;
        let last = value::member(result, "nextCursor").is_none_or(|raw| raw == b"null");
        facts.extend(pins.page(list, elements, !open.cursor, last));
        (list == List::Prompts).then(|| without_closed(pins, message, elements)).flatten()
    }

    /// Somebody has accepted something of the server: the client is to list it again.
    pub fn repin(&mut self, lock: Lock) -> crate::Judgement {
        let mut out = crate::Judgement::default();
        let Some(pins) = &mut self.pins else { return out };
        out.facts.extend(pins.follow(lock));
        list_again(&mut out);
        out
    }

    /// The rule that closes a tool which has changed, or a new one.
    pub(in crate::engine) fn quarantined(&self, tool: &str) -> Option<(Refusal, RuleId)> {
        let rule = self.pins.as_ref()?.closed(List::Tools, tool)?;
        Some((Refusal::Quarantined, rule))
    }

    /// The same for a prompt.
    pub(in crate::engine) fn quarantined_prompt(&self, prompt: &str) -> Option<RuleId> {
        self.pins.as_ref()?.closed(List::Prompts, prompt)
    }
}

/// The client is to list what may be open or closed otherwise now.
pub(in crate::engine) fn list_again(out: &mut crate::Judgement) {
    for list in ["tools", "prompts"] {
        let changed =
            serde_json::json!({ "jsonrpc": "2.0", "method": format!("notifications/{list}/list_changed") });
        out.to_client.push(changed.to_string().into_bytes());
    }
}

/// The answer without instructions that have changed.
fn withheld(pins: &mut Pins, message: &Message<'_>, result: &[u8]) -> Option<Vec<u8>> {
    let info = message.raw(Slot::ResultServerInfo).or_else(|| {
        let meta = message.raw(Slot::ResultMeta).filter(|raw| value::is_object(raw))?;
        value::member(meta, methods::META_SERVER)
    });
    let of_info = |key| {
        let info = info.filter(|raw| value::is_object(raw))?;
        value::member(info, key).and_then(value::string)
    };
    let raw = value::member(result, "instructions");
    let instructions = raw.and_then(value::string);
    let told = Told { name: of_info("name"), version: of_info("version"), instructions };
    let changed = pins.told(told);
    let raw = raw.filter(|_| changed)?;
    let by = br#""[withheld by mcpguard: they are not those that somebody has accepted]""#.to_vec();
    Some(replaced(message.line(), raw, by))
}

/// The answer without prompts that are closed.
fn without_closed(pins: &Pins, message: &Message<'_>, elements: &[u8]) -> Option<Vec<u8>> {
    let is_open = |raw: &&[u8]| {
        let name = value::member(raw, "name").and_then(value::string);
        name.is_some_and(|name| pins.closed(List::Prompts, &name).is_none())
    };
    let kept: Vec<&[u8]> = value::elements(elements).filter(is_open).collect();
    if kept.len() == value::elements(elements).count() {
        return None;
    }
    Some(with_only(message.line(), elements, &kept))
}
