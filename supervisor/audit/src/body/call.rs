//! Tool calls and how they end.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, RuleRef};
use crate::redact::redact_fields;

/// A tool is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The call's number in its session, from 1.
    pub call: u64,
    /// The JSON-RPC id as JSON text: `7`, `"a"`.
    pub request_id: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments, as much of them as the policy wants written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Bytes of the arguments as they were sent.
    pub argument_bytes: u64,
    /// Who called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Whether the call was let through.
    pub verdict: Verdict,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// What the client was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The limit that was reached, in the unit of `cause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Milliseconds that the call has waited for its turn: for a rate, an exclusive call, an approval.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited_ms: u64,
    /// Grant classes that are active from here on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<u8>,
}

redact_fields!(ToolCall {
    text: [request_id, tool, arguments, caller, rule, reason],
    plain: [call, argument_bytes, verdict, cause, limit, waited_ms, classes]
});

/// Whether a call was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It went to the server.
    Allowed,
    /// It was answered with an error and never reached the server.
    Refused,
}

/// A call has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The call's number in its session.
    pub call: u64,
    /// The tool's name.
    pub tool: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Microseconds from the request's arrival to the answer's.
    pub duration_us: u64,
    /// Bytes of the request line.
    pub request_bytes: u64,
    /// Bytes of the answer line; 0 where there was none.
    pub response_bytes: u64,
    /// The JSON-RPC error code of the answer that the client got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// Why mcpguard ended the call or refused its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The rule that decided so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// The server's error message, or what the client was told instead of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The limit that was reached, in the unit of `cause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

redact_fields!(ToolResult {
    text: [tool, rule, reason],
    plain: [call, outcome, duration_us, request_bytes, response_bytes, error_code, cause, limit]
});

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a result.
    Success,
    /// With a result that says `isError: true`.
    ToolError,
    /// With a JSON-RPC error of the server's.
    ProtocolError,
    /// The answer was refused; the client got an error instead.
    Refused,
    /// No answer within the time that the policy gives.
    TimedOut,
    /// The client took the request back.
    Cancelled,
    /// The session ended before the answer came.
    Abandoned,
}

/// A call that was in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRef {
    /// The call's number in its session.
    pub call: u64,
    /// The tool's name.
    pub tool: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

redact_fields!(CallRef { text: [tool], plain: [call] });
