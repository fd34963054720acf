//! Structured answers against the schema that the tool itself declares (MCP 2025-06-18, "Tools", "Output Schema").

use super::flight::Open;
use super::schemas::Schemas;
use crate::message::Message;
use crate::scan::Slot;
use crate::{value, words};

/// Members that say whether an answer has to fit; nobody may find them under another key.
const WORDS: [&str; 3] = ["structuredContent", "isError", "resultType"];

/// Why the answer is not what the tool has declared; `None`: it is, or declares nothing.
pub(super) fn misfit(schemas: &mut Schemas, open: &Open, message: &Message<'_>) -> Option<String> {
    let call = open.call.as_ref()?;
    let result = result(&open.method, message)?;
    let schema = schemas.output(&call.tool)?;
    if let Some(word) = mistakable(result) {
        return Some(format!("it has a member that could be mistaken for `{word}`"));
    }
    if is_error(result) || is_unfinished(result) {
        return None;
    }
    let Some(content) = value::member(result, "structuredContent") else {
        return Some(
            "the tool declares an output schema, and the answer has no `structuredContent`".to_owned(),
        );
    };
    match serde_json::from_slice(&value::mended(content)) {
        Ok(content) => schema.validate(&content).err().map(|mismatch| mismatch.to_string()),
        Err(error) => Some(format!("its `structuredContent` cannot be read: {error}")),
    }
}

/// The result of the call itself: of `tasks/get` (2026-07-28) what is inside once the task has ended.
fn result<'a>(method: &str, message: &Message<'a>) -> Option<&'a [u8]> {
    let result = message.raw(Slot::Result).filter(|raw| value::is_object(raw))?;
    match method {
        "tools/call" | "tasks/result" => Some(result),
        "tasks/get" => value::member(result, "result").filter(|raw| value::is_object(raw)),
        _ => None,
    }
}

fn mistakable(result: &[u8]) -> Option<&'static str> {
    value::members(result).find_map(|(key, _)| {
        let key: Vec<u8> = value::unescaped(key).collect();
        WORDS.into_iter().find(|word| words::alike(&key, word))
    })
}

fn is_error(result: &[u8]) -> bool {
    value::member(result, "isError") == Some(b"true")
}

/// More input is wanted, or the work goes on as a task: the answer itself comes later.
fn is_unfinished(result: &[u8]) -> bool {
    let kind = value::member(result, "resultType").and_then(value::string);
    matches!(kind.as_deref(), Some("input_required" | "task"))
        || value::member(result, "task").is_some_and(value::is_object)
}
