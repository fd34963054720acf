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
    let outer = message.raw(Slot::Result).filter(|raw| value::is_object(raw))?;
    match &*open.method {
        "tools/call" | "tasks/result" => misfit_of(schemas, &call.tool, outer),
        // Of 2026-07-28: what is inside once the task has ended.
        "tasks/get" => of_a_task(schemas, &call.tool, outer),
        _ => None,
    }
}

/// The same for the result of a task, if these parameters or this result hold one.
pub(super) fn of_a_task(schemas: &mut Schemas, tool: &str, outer: &[u8]) -> Option<String> {
    let task = value::member(outer, "task").filter(|raw| value::is_object(raw));
    let holders = || [Some(outer), task].into_iter().flatten();
    if matches!(schemas.output(tool), Ok(None)) {
        return None;
    }
    if holders().any(|holder| mistakable(holder, &["result"]).is_some()) {
        return Some("it has a member that could be mistaken for `result`".to_owned());
    }
    let results = holders().filter_map(|holder| value::member(holder, "result"));
    let results: Vec<&[u8]> = results.filter(|raw| value::is_object(raw)).collect();
    results.into_iter().find_map(|result| misfit_of(schemas, tool, result))
}

fn misfit_of(schemas: &mut Schemas, tool: &str, result: &[u8]) -> Option<String> {
    let schema = match schemas.output(tool) {
        Ok(schema) => schema?,
        Err(fault) => return Some(format!("the tool's output schema cannot be used: {fault}")),
    };
    if let Some(word) = mistakable(result, &WORDS) {
        return Some(format!("it has a member that could be mistaken for `{word}`"));
    }
    let Some(content) = value::member(result, "structuredContent") else {
        let later = is_error(result) || is_unfinished(result);
        let missing = "the tool declares an output schema, and the answer has no `structuredContent`";
        return (!later).then(|| missing.to_owned());
    };
    match serde_json::from_slice(&value::mended(content)) {
        Ok(content) => schema.validate(&content).err().map(|mismatch| mismatch.to_string()),
        Err(error) => Some(format!("its `structuredContent` cannot be read: {error}")),
    }
}

fn mistakable(object: &[u8], wanted: &[&'static str]) -> Option<&'static str> {
    value::members(object).find_map(|(key, _)| {
        let key: Vec<u8> = value::unescaped(key).collect();
        wanted.iter().copied().find(|word| words::alike(&key, word))
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
