//! Lines that the doorman writes itself: errors, tool results, cancellations. None has its newline.

use serde_json::{Value, json};

use crate::id::RequestId;

/// JSON-RPC and MCP error codes that the doorman answers with.
///
/// MCP leaves −32000 to −32019 to implementations; the SDKs use −32000 (connection closed) and −32001 (timeout)
/// for themselves, so that only the timeout shares its number with them, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Parse = -32700,
    InvalidRequest = -32600,
    UnknownMethod = -32601,
    InvalidParams = -32602,
    Internal = -32603,
    TimedOut = -32001,
    /// The policy refuses it.
    Refused = -32010,
    /// A rate or a number is used up; later it may pass.
    Busy = -32011,
}

/// How a client reads the answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A tool result with `isError`: the model sees the text. Clients ask for `structuredContent` only without `isError`.
    ToolResult,
    /// The same with the `resultType` that revision 2026-07-28 requires.
    ModernToolResult,
    /// A JSON-RPC error: where a tool result would be the wrong shape (task-augmented calls, `tasks/*`).
    Error,
}

pub(super) fn id(id: Option<&RequestId>) -> Value {
    match id {
        None => Value::Null,
        Some(RequestId::Number(number)) => Value::from(*number),
        Some(RequestId::Text(text)) => Value::from(&**text),
    }
}

/// An error answer. Without an id it says `null`, as JSON-RPC 2.0 §5 asks for what could not be read.
pub(super) fn error(to: Option<&RequestId>, code: Code, message: &str, data: Option<Value>) -> Vec<u8> {
    let mut error = json!({ "code": code as i32, "message": message });
    if let Some(data) = data {
        error["data"] = data;
    }
    line(&json!({ "jsonrpc": "2.0", "id": id(to), "error": error }))
}

/// The answer to a refused or failed call, in the form that the client of this call can read.
pub(super) fn call(to: &RequestId, form: Form, code: Code, text: &str, data: Option<Value>) -> Vec<u8> {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    match form {
        Form::Error => return error(Some(to), code, text, data),
        Form::ModernToolResult => result["resultType"] = Value::from("complete"),
        Form::ToolResult => {}
    }
    line(&json!({ "jsonrpc": "2.0", "id": id(Some(to)), "result": result }))
}

/// `notifications/cancelled`, which has the same shape in both eras.
pub(super) fn cancelled(request: &RequestId, reason: &str) -> Vec<u8> {
    line(&json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": id(Some(request)), "reason": reason },
    }))
}

fn line(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
